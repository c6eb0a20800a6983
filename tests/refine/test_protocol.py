from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos import refine
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.refine import Click, Refiner, check_clicks


def test_clicks_inside_the_frame_are_accepted_up_to_the_outer_pixels():
    check_clicks([Click(0, 0), Click(9, 19), Click(-0.4, 19.4, positive=False)], 10, 20)


@pytest.mark.parametrize(("y", "x"), [(-1, 0), (10, 0), (0, 20), (0, -0.6), (9.6, 3)])
def test_a_click_outside_names_its_place_and_the_size_of_the_frame(y, x):
    with pytest.raises(LazyVosError, match=rf"\({y:g}, {x:g}\).*outside the frame.*10 x 20"):
        check_clicks([Click(1, 1), Click(y, x, positive=False)], 10, 20)


@pytest.mark.parametrize(("y", "x"), [(np.nan, 1), (1, np.inf)])
def test_a_click_that_is_no_number_is_refused(y, x):
    with pytest.raises(LazyVosError, match="not a place"):
        check_clicks([Click(y, x)], 10, 20)


@pytest.mark.parametrize("clicks", [[], [Click(1, 1, positive=False)]])
def test_negative_clicks_alone_are_refused(clicks):
    with pytest.raises(LazyVosError, match=f"no positive click among the {len(clicks)}"):
        check_clicks(clicks, 10, 20)


def test_every_refiner_that_needs_no_download_loads_and_keeps_the_protocol():
    for name in set(refine.names()) - {"sam_hq", "ritm"}:
        loaded = refine.load(name)
        assert isinstance(loaded, Refiner)
        assert loaded.name == name


def test_an_unknown_refiner_or_option_is_an_error_that_names_it():
    with pytest.raises(LazyVosError, match=r"no refiner 'sam9'.*classical"):
        refine.load("sam9")
    with pytest.raises(LazyVosError, match="no option 'strength'"):
        refine.load("classical", strength=2)

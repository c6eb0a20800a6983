"""Mean, recall and decay, against the toolkit's figures and a long video that it gets wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import Statistics, j_and_f, statistics

EXAMPLE = [0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]


def numbers(found: Statistics) -> list[float]:
    return [found.mean, found.recall, found.decay]


def test_the_example():
    assert numbers(statistics(EXAMPLE)) == pytest.approx([0.625, 0.625, 1.3 / 3])


def test_the_ends_can_be_left_out():
    assert statistics([0, *EXAMPLE, 0], skip_ends=True) == statistics(EXAMPLE)


def test_what_the_toolkit_says(toolkit):
    ours = [numbers(statistics(row)) for row in toolkit.scores()]
    np.testing.assert_allclose(ours, toolkit.file["statistics"], atol=1e-12)


def test_the_decay_of_a_long_video():
    steps = np.repeat([0.9, 0.7, 0.5, 0.3], 250)
    assert statistics(steps).decay == pytest.approx(0.6, abs=0.002)


@given(hnp.arrays(float, st.integers(1, 400), elements=st.floats(0, 1)))
def test_playing_backwards_turns_the_decay(scores):
    forwards, backwards = statistics(scores), statistics(scores[::-1])
    assert forwards.mean == pytest.approx(backwards.mean)
    assert forwards.recall == backwards.recall == np.mean(scores > 0.5)
    if len(scores) % 4 == 1:  # quarters of equal length
        assert forwards.decay == pytest.approx(-backwards.decay)


def test_half_is_not_recalled():
    assert statistics([0.5, 0.51]).recall == 0.5


@pytest.mark.parametrize(("scores", "skip_ends"), [([], False), ([0.1, 0.2], True), (0.5, False)])
def test_no_frames_are_refused(scores, skip_ends):
    with pytest.raises(LazyVosError, match="frames"):
        statistics(np.atleast_1d(scores) if skip_ends else scores, skip_ends=skip_ends)


def test_j_and_f_weighs_objects_alike():
    assert j_and_f([0.8, 0.6, 0.4], [0.9, 0.7, 0.5]) == pytest.approx((0.6 + 0.7) / 2)

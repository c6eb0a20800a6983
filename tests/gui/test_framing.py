"""Where the camera goes, and that it stays where all is seen well."""

import numpy as np
import pytest

from napari_lazyvos.gui.framing import Look, frame_object

CANVAS = (600.0, 800.0)
FRAME = np.array([[0, 0], [300, 400]])
WHOLE = Look((150.0, 200.0), 2.0)  # the frame fills the canvas


def box(y, x, size):
    return np.array([[y - size / 2, x - size / 2], [y + size / 2, x + size / 2]])


def framed(look, y, x, size):
    return frame_object(look, CANVAS, (y, x), box(y, x, size), FRAME)


def test_a_large_object_in_view_moves_nothing():
    assert framed(WHOLE, 100, 100, 60) == WHOLE


def test_a_small_object_is_brought_nearer_with_its_surroundings():
    look = framed(WHOLE, 150, 200, 20)
    assert look.centre == (150, 200)
    assert look.zoom > 2
    view = np.array(CANVAS) / look.zoom
    assert (view >= 4 * 20).all()


def test_a_speck_is_not_brought_nearer_than_its_surroundings_allow():
    view = np.array(CANVAS) / framed(WHOLE, 150, 200, 1).zoom
    assert view.min() > 300 / 4


def test_at_the_edge_the_view_stays_within_the_frame():
    look = framed(WHOLE, 3, 397, 10)
    view = np.array(CANVAS) / look.zoom
    np.testing.assert_allclose(look.centre, (view[0] / 2, 400 - view[1] / 2))


def test_an_object_out_of_view_is_gone_to_without_zooming():
    near = Look((50.0, 50.0), 6.0)
    look = framed(near, 200, 300, 40)
    assert (look.centre, look.zoom) == ((200, 300), 6.0)


def test_an_object_that_does_not_fit_is_seen_from_farther_away():
    near = Look((50.0, 50.0), 20.0)
    look = framed(near, 200, 300, 60)
    assert look.zoom < 20
    assert (np.array(CANVAS) / look.zoom > 60).all()


def test_a_person_who_looks_closely_is_not_disturbed():
    near = Look((100.0, 100.0), 30.0)  # sees a part of the object, its middle in view
    assert framed(near, 100, 100, 40) == near


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_way_is_even(share):
    there = Look((0.0, 0.0), 8.0)
    look = WHOLE.towards(there, share)
    assert look.zoom == pytest.approx(2.0 * 4.0**share)
    assert look.centre == pytest.approx((150 * (1 - share), 200 * (1 - share)))

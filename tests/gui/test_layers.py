"""Our layers lie where the video lies, whatever axes it has."""

import numpy as np
import pytest


def shows(desk, layer):
    """What napari shows of a layer just now."""
    return np.asarray(layer._slice.image.raw)


def test_scale_affine_and_units_are_those_of_the_video(dock, movie):
    place = {
        "scale": (2.0, 0.5, 0.25),
        "translate": (0.0, 10.0, 20.0),
        "units": ("second", "micrometer", "micrometer"),
        "axis_labels": ("t", "y", "x"),
    }
    desk = dock(movie, layer=place)
    for layer in (desk.layers.masks, desk.layers.clicks, desk.layers.uncertainty):
        np.testing.assert_allclose(layer.scale, place["scale"])
        np.testing.assert_allclose(layer.translate, place["translate"])
        assert layer.units == desk.image.units
        assert layer.axis_labels == ("t", "y", "x")


def test_a_click_in_a_scaled_movie_lands_on_its_pixel(dock, movie, centre, true_mask, press):
    desk = dock(movie, layer={"scale": (2.0, 0.5, 0.25), "translate": (3.0, 10.0, 20.0)})
    press(desk.layers.clicks, (4, *centre(1, 4)))
    desk.quiet()
    assert [(c.t, c.y, c.x) for c in desk.session.clicks] == [(4, *centre(1, 4))]
    desk.layers.show_frame(4)
    assert desk.layers.shown_frame() == 4
    np.testing.assert_array_equal(shows(desk, desk.layers.masks), true_mask(1, 4))


def test_the_movie_is_not_hidden(dock, movie):
    desk = dock(movie)
    assert desk.layers.masks.opacity == 0.5
    uncertainty = desk.layers.uncertainty
    assert (uncertainty.visible, uncertainty.blending) == (False, "additive")
    assert tuple(uncertainty.contrast_limits) == (0, 255)
    names = [layer.name for layer in desk.viewer.layers]
    assert names == ["discs", "uncertainty discs", "masks discs", "clicks discs"]


@pytest.mark.parametrize("others", [{1: 0}, {1: "max"}])
def test_channels_between_time_and_picture(dock, movie, centre, true_mask, others):
    channels = np.stack([movie, movie // 2], axis=1)  # (T, C, Y, X)
    desk = dock(channels, data={"time": 0, "others": others})
    desk.layers.clicks.add((2, 1, *centre(1, 2)))
    desk.quiet()
    assert [(c.t, c.y, c.x) for c in desk.session.clicks] == [(2, *centre(1, 2))]
    for channel in (0, 1):  # the mask lies over either channel, in the same frame
        desk.viewer.dims.set_point((0, 1), (2, channel))
        np.testing.assert_array_equal(shows(desk, desk.layers.masks), true_mask(1, 2))
    desk.widget.track.track.click()
    desk.quiet()
    assert desk.layers.shown_frame() == 11
    np.testing.assert_array_equal(shows(desk, desk.layers.masks), true_mask(1, 11))


def test_painting_beside_channels(dock, movie):
    desk = dock(np.stack([movie, movie // 2], axis=1), data={"time": 0, "others": {1: 0}})
    desk.viewer.dims.set_point((0, 1), (3, 1))
    desk.layers.masks.paint((3, 1, 20, 20), 1)
    desk.quiet()
    assert desk.session.store.masks.stored(3)[20, 20] == 1


def test_time_may_be_the_second_axis(dock, movie, centre, true_mask):
    desk = dock(np.stack([movie, movie // 2]), data={"time": 1, "others": {0: 0}})
    desk.layers.clicks.add((0, 5, *centre(1, 5)))
    desk.quiet()
    desk.layers.show_frame(5)
    np.testing.assert_array_equal(shows(desk, desk.layers.masks), true_mask(1, 5))


def test_a_colour_movie(dock, movie, centre, true_mask):
    desk = dock(np.repeat(movie[..., None], 3, axis=-1), layer={"rgb": True})
    desk.layers.clicks.add((0, *centre(1, 0)))
    desk.quiet()
    np.testing.assert_array_equal(desk.layers.masks.data[0], true_mask(1, 0))


def test_more_than_255_objects(dock, movie, centre):
    desk = dock(movie)
    desk.widget.binding.choose(label=300)
    desk.layers.clicks.add((0, *centre(1, 0)))
    desk.quiet()
    desk.layers.show_frame(0)
    assert shows(desk, desk.layers.masks).max() == 300

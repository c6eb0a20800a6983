"""napari's own Image layers, without a viewer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video

layers = pytest.importorskip("napari.layers")

MOVIE = np.random.default_rng(0).integers(100, 3000, (5, 40, 50)).astype(np.uint16)


def test_grey_layer_with_scale_and_units() -> None:
    layer = layers.Image(
        MOVIE,
        name="nuclei",
        axis_labels=("t", "y", "x"),
        scale=(30, 0.5, 0.25),
        units=("s", "um", "um"),
        contrast_limits=(200, 1200),
    )
    video = open_video(layer)
    assert (video.name, video.frames, video.height, video.width) == ("nuclei", 5, 40, 50)
    assert (video.scale.t, video.scale.y, video.scale.x) == (30, 0.5, 0.25)
    assert (video.scale.time_unit, video.scale.space_unit) == ("second", "micrometer")
    expected = np.clip((MOVIE[2].astype(np.float32) - 200) / 1000, 0, 1)
    np.testing.assert_allclose(video.frame(2)[1], expected, atol=1e-6)


def test_colour_layer() -> None:
    colour = np.random.default_rng(1).integers(0, 255, (5, 40, 50, 3)).astype(np.uint8)
    video = open_video(layers.Image(colour, rgb=True))
    np.testing.assert_array_equal(video.raw(3), np.moveaxis(colour[3], -1, 0))
    np.testing.assert_allclose(video.frame(3), video.raw(3) / np.float32(255), atol=1e-6)


def test_multiscale_layer_is_read_at_full_resolution() -> None:
    layer = layers.Image([MOVIE, MOVIE[:, ::2, ::2]], multiscale=True)
    assert (open_video(layer).height, open_video(layer).width) == (40, 50)


def test_person_says_which_axis_is_time() -> None:
    stack = np.stack([MOVIE, MOVIE + 1], axis=1)  # (5, 2, 40, 50)
    video = open_video(layers.Image(stack), time=0, others={1: 1})
    np.testing.assert_array_equal(video.raw(4)[0], MOVIE[4] + 1)
    video = open_video(layers.Image(stack), time=1, others={0: "max"})
    assert video.frames == 2
    np.testing.assert_array_equal(video.raw(0)[0], MOVIE.max(axis=0))


def test_uint8_over_its_full_range_passes_through() -> None:
    movie = (MOVIE % 256).astype(np.uint8)
    np.testing.assert_allclose(
        open_video(layers.Image(movie, contrast_limits=(0, 255))).frame(0)[0],
        movie[0] / np.float32(255),
        atol=1e-6,
    )


def test_one_image_is_no_video() -> None:
    with pytest.raises(LazyVosError, match="layer 'still' is one image"):
        open_video(layers.Image(MOVIE[0], name="still"))


@pytest.mark.parametrize("kind", ["Labels", "Points"])
def test_other_layers_are_no_video(kind: str) -> None:
    layer = {"Labels": lambda: layers.Labels(MOVIE), "Points": lambda: layers.Points(ndim=3)}[
        kind
    ]()
    with pytest.raises(LazyVosError, match=f"no Image layer but a {kind}"):
        open_video(layer)

"""One mapping to RGB for the whole video."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video
from napari_lazyvos.video.array import ArraySource
from napari_lazyvos.video.intensity import SAMPLE_FRAMES, Intensity, measure_limits

RNG = np.random.default_rng(0)
DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int64", "float16", "float32", "float64"]


@given(planes=st.sampled_from(DTYPES).flatmap(lambda d: arrays.arrays(d, (2, 3, 4))))
def test_always_rgb_between_0_and_1(planes: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NaN
        rgb = Intensity(planes.dtype, (1, 0), [(-3, 100), (0, 5)])(planes)
    assert (rgb.shape, rgb.dtype) == ((3, 3, 4), np.float32)
    assert rgb.min() >= 0
    assert rgb.max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_limits_become_0_and_1(dtype: str) -> None:
    planes = np.array([[[10, 20, 60, 110, 120]]]).astype(dtype)
    rgb = Intensity(planes.dtype, (0,), [(10, 110)])(planes)
    np.testing.assert_allclose(rgb[0, 0], [0, 0.1, 0.5, 1, 1], atol=1e-6)


def test_wide_integers_keep_small_differences() -> None:
    planes = np.array([[[2**40, 2**40 + 1, 2**40 + 2]]])
    rgb = Intensity(planes.dtype, (0,), [(2**40, 2**40 + 2)])(planes)
    np.testing.assert_array_equal(rgb[0, 0], [0, 0.5, 1])


def test_uint8_passes_through() -> None:
    movie = RNG.integers(0, 256, (4, 30, 40, 3)).astype(np.uint8)
    video = open_video(movie)
    assert video.intensity.limits == ((0, 255),) * 3
    np.testing.assert_allclose(video.frame(1), np.moveaxis(movie[1], -1, 0) / 255, atol=1e-6)


def test_dim_uint8_is_stretched() -> None:
    movie = RNG.integers(10, 40, (4, 60, 70)).astype(np.uint8)
    ((low, high),) = open_video(movie).intensity.limits
    assert 10 <= low <= 11
    assert 38 <= high <= 39


def test_hot_pixels_do_not_darken_the_video() -> None:
    movie = RNG.normal(1000, 50, (20, 100, 100)).astype(np.uint16)
    movie[:, 7, 7] = 65535
    ((low, high),) = measure_limits(ArraySource(movie), (0,))
    assert 750 < low < 900
    assert 1100 < high < 1250


def test_limits_are_of_the_whole_video_so_that_nothing_flickers() -> None:
    ramp = np.linspace(0, 1000, 30).reshape(1, 5, 6)
    movie = (ramp * np.linspace(1, 3, 40).reshape(-1, 1, 1)).astype(np.uint16)
    video = open_video(movie)
    assert video.frame(0).max() == pytest.approx(1 / 3, abs=0.01)  # the first frame stays dim
    assert video.frame(39).max() == 1


def test_few_frames_are_read_and_always_the_same() -> None:
    class Counted(ArraySource):
        def read(self, t: int) -> np.ndarray:
            seen.append(t)
            return super().read(t)

    movie = RNG.integers(0, 5000, (1000, 8, 9)).astype(np.uint16)
    seen: list[int] = []
    first = measure_limits(Counted(movie), (0,))
    once, seen = seen, []
    assert measure_limits(Counted(movie), (0,)) == first
    assert seen == once
    assert len(once) == SAMPLE_FRAMES
    assert (once[0], once[-1]) == (0, 999)


def test_colour_shares_its_limits_but_channels_do_not() -> None:
    movie = np.stack([RNG.integers(0, 100 * 4**c, (5, 50, 60)) for c in range(3)], -1)
    movie = movie.astype(np.uint16)
    assert len(set(open_video(movie, axes="TYXS").intensity.limits)) == 1
    moved = np.moveaxis(movie, -1, 1)
    highs = [high for _, high in open_video(moved, axes="TCYX").intensity.limits]
    np.testing.assert_allclose(highs, [99, 399, 1598], rtol=0.01)


@pytest.mark.parametrize(
    ("channels", "rgb"),
    [([2], [2, 2, 2]), ([3, 1], [3, 1, None]), ([3, 1, 0], [3, 1, 0])],
)
def test_chosen_channels_become_rgb(channels: list[int], rgb: list[int | None]) -> None:
    movie = RNG.random((3, 4, 8, 9)).astype(np.float32)
    video = open_video(movie, axes="TCYX", channels=channels, contrast_limits=(0, 1))
    frame = video.frame(1)
    for plane, channel in zip(frame, rgb, strict=True):
        expected = np.zeros((8, 9)) if channel is None else movie[1, channel]
        np.testing.assert_allclose(plane, expected, atol=1e-6)


def test_more_than_three_channels_are_said() -> None:
    movie = np.zeros((3, 4, 8, 9), np.uint16)
    with pytest.warns(UserWarning, match="has 4 channels: the first three become RGB"):
        video = open_video(movie, axes="TCYX")
    assert video.intensity.channels == (0, 1, 2)


def test_transparency_is_dropped_silently() -> None:
    video = open_video(RNG.integers(0, 256, (3, 8, 9, 4)).astype(np.uint8))
    assert video.intensity.channels == (0, 1, 2)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nan_and_infinity_become_0_with_one_warning(dtype: str) -> None:
    movie = RNG.random((6, 30, 40)).astype(dtype)
    movie[:, 3, 4] = np.nan
    movie[:, 5, 6] = np.inf
    movie[:, 7, 8] = -np.inf
    video = open_video(movie)
    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(3) as pool:
        warnings.simplefilter("always")
        frames = list(pool.map(video.frame, range(6)))
    assert ["holds NaN or infinity" in str(w.message) for w in caught] == [True]
    for frame in frames:
        assert frame[:, 3, 4].max() == frame[:, 5, 6].max() == frame[:, 7, 8].max() == 0
        assert np.isfinite(frame).all()
        assert frame.max() > 0.98  # the limits are those of the other pixels


@pytest.mark.parametrize("value", [0, 7, np.nan])
def test_constant_video_is_black(value: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert open_video(np.full((3, 8, 9), value, np.float32)).frame(0).max() == 0


def test_bool_is_black_and_white() -> None:
    movie = np.zeros((3, 8, 9), bool)
    movie[1, 2, 3] = True
    assert open_video(movie).frame(1)[:, 2, 3].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"channels": [2]}, "there is no channel 2 in array: it has 0 to 1"),
        ({"channels": []}, "names 0 channels: choose one to three"),
        ({"channels": [0, 1, 0, 1]}, "names 4 channels"),
        ({"contrast_limits": (5, 5)}, "with low below high"),
        ({"contrast_limits": (0, np.nan)}, "must be finite"),
        ({"contrast_limits": (1, 2, 3)}, "do not fit: pass"),
        ({"contrast_limits": [(0, 1)] * 3}, "for each of the 2 channels"),
    ],
)
def test_errors_in_words(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LazyVosError, match=sentence):
        open_video(np.zeros((3, 2, 8, 9), np.uint16), axes="TCYX", **options)

"""Frames are cut out of arrays of any layout as a loop over indices would."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.axes import axis_letters, guess_axes, resolve

LENGTHS = {"T": 4, "Z": 3, "C": 2, "Y": 5, "X": 6}
MOVIE = np.random.default_rng(0).integers(0, 99, [LENGTHS[a] for a in "TZCYX"])


def arranged(axes: str) -> np.ndarray:
    """Return the movie with its axes in another order; axes that are not named are cut at 0."""
    array = MOVIE[tuple(slice(None) if a in axes else 0 for a in "TZCYX")]
    kept = [a for a in "TZCYX" if a in axes]
    return array.transpose([kept.index(a) for a in axes])


@pytest.mark.parametrize("axes", ["".join(p) for p in permutations("TZCYX")][::7])
def test_every_order_of_axes_gives_the_same_frames(axes: str) -> None:
    array = arranged(axes)
    layout = resolve(array.shape, axes, others={"Z": 1})
    assert (layout.frames, layout.channels, layout.height, layout.width) == (4, 2, 5, 6)
    for t in range(4):
        np.testing.assert_array_equal(layout.cut(array, t), MOVIE[t, 1])


@given(
    axes=st.permutations("TZCYX").map("".join),
    time=st.sampled_from("TZC"),
    z=st.one_of(st.just("max"), st.integers(0, 1)),
)
def test_any_axis_can_be_time_and_any_other_projected(axes: str, time: str, z: int | str) -> None:
    others = {a: z for a in "TZ" if a != time}
    layout = resolve(arranged(axes).shape, axes, time=time, others=others)
    for t in range(LENGTHS[time]):
        key = {a: p for a, p in others.items() if p != "max"} | {time: t}
        planes = MOVIE[
            tuple(slice(key[a], key[a] + 1) if a in key else slice(None) for a in "TZCYX")
        ]
        np.testing.assert_array_equal(layout.cut(arranged(axes), t), planes.max(axis=(0, 1)))


def test_channels_are_picked_in_the_order_that_is_asked_for() -> None:
    layout = resolve(MOVIE.shape, "TZCYX", others={"Z": 0, "C": [1, 0]})
    np.testing.assert_array_equal(layout.cut(MOVIE, 2), MOVIE[2, 0, [1, 0]])
    layout = resolve(MOVIE.shape, "TZCYX", others={"Z": 0, "C": 1})
    np.testing.assert_array_equal(layout.cut(MOVIE, 2), MOVIE[2, 0, 1][None])
    layout = resolve(MOVIE.shape, "TZCYX", others={"Z": 0, "C": "max"})
    np.testing.assert_array_equal(layout.cut(MOVIE, 2), MOVIE[2, 0].max(0)[None])


def test_axes_can_be_named_by_the_number_of_their_dimension() -> None:
    layout = resolve((3, 4, 5, 6), "TZYX", time=1, others={0: 2})
    assert (layout.time, layout.picks) == ("Z", {"T": 2})


def test_middle_plane_is_read_and_said() -> None:
    with pytest.warns(UserWarning, match="axis Z has 7 planes: plane 3 is read"):
        layout = resolve((4, 7, 5, 6), "TZYX")
    assert layout.picks == {"Z": 3}


@pytest.mark.parametrize(
    ("axes", "shape", "time"),
    [
        ("TYX", (4, 5, 6), "T"),
        ("ZYX", (4, 5, 6), "Z"),  # a volume, read slice by slice
        ("IYXS", (4, 5, 6, 3), "I"),
        ("TCZYX", (1, 2, 9, 5, 6), "Z"),  # one time point only: the volume is meant
        ("TCZYX", (1, 2, 1, 5, 6), "T"),
    ],
)
def test_time_is_found(axes: str, shape: tuple[int, ...], time: str) -> None:
    assert (
        resolve(shape, axes, others={"Z": 0} if axes == "TCZYX" and time == "T" else None).time
        == time
    )


def test_colour_that_comes_last_is_one_picture() -> None:
    assert resolve((4, 5, 6, 3), "TYXC").channel == "S"
    assert resolve((4, 5, 6, 2), "TYXC").channel == "C"


@pytest.mark.parametrize(
    ("shape", "axes"), [((4, 50, 60), "TYX"), ((4, 50, 60, 3), "TYXS"), ((4, 50, 60, 4), "TYXS")]
)
def test_guesses(shape: tuple[int, ...], axes: str) -> None:
    assert guess_axes(shape) == axes


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((50, 60), r"\(50, 60\) is one image, not a video"),
        ((50, 60, 3), "looks like one colour picture"),
        ((4, 7, 50, 60), "several ways: say which axis is which, such as axes='TZYX'"),
        ((4, 7, 2, 50, 60), "several ways"),
    ],
)
def test_shapes_that_are_not_guessed(shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(LazyVosError, match=sentence):
        guess_axes(shape)


@pytest.mark.parametrize(
    ("shape", "axes", "options", "sentence"),
    [
        ((4, 5, 6), "TZYX", {}, "name 4 axes, but the array has 3"),
        ((4, 5, 6), "TTX", {}, "must name Y, X"),
        ((4, 5, 6), "TZX", {}, "must name Y, X"),
        ((5, 6), "YX", {}, "one image, not a video"),
        ((2, 5, 6), "CYX", {}, "one image, not a video: pass time='C'"),
        ((4, 5, 6), "TYX", {"time": "Q"}, "there is no axis 'Q': the axes are T, Y, X"),
        ((4, 5, 6), "TYX", {"time": 3}, "there is no axis 3"),
        ((4, 5, 6), "TYX", {"time": "Y"}, "axis Y is part of the picture"),
        ((4, 5, 6), "TYX", {"others": {"Z": 0}}, "there is no axis 'Z'"),
        ((4, 5, 6), "TYX", {"others": {"T": 0}}, "others names axis T"),
        ((0, 5, 6), "TYX", {}, "zero frames"),
        ((4, 3, 5, 6), "TZYX", {"others": {"Z": 3}}, "axis Z has 0 to 2"),
        ((4, 3, 5, 6), "TZYX", {"others": {"Z": "mean"}}, "pass an index or 'max'"),
        ((4, 3, 5, 6), "TZYX", {"others": {"Z": [0, 1]}}, "pass an index or 'max'"),
        ((4, 3, 5, 6), "IZYX", {}, "do not say which of I, Z is time"),
    ],
)
def test_errors_in_words(
    shape: tuple[int, ...], axes: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(LazyVosError, match=sentence):
        resolve(shape, axes, **options)


def test_names_become_letters() -> None:
    assert axis_letters(("time", "channel", "y", "x")) == "TCYX"
    assert axis_letters(("-3", "-2", "-1")) is None
    assert axis_letters(("t", "a", "b")) is None

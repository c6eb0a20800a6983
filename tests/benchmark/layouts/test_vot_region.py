"""Regions of the VOT challenges, each worked out by hand or by a second way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_lazyvos.benchmark.layouts.vot_region import read_region

SIZE = (12, 16)


def encode(crop: np.ndarray, left: int, top: int) -> str:
    """Write a mask as the challenges do, one pixel after the other."""
    runs, inside = [0], False
    for pixel in crop.ravel().tolist():
        if pixel != inside:
            runs.append(0)
            inside = pixel
        runs[-1] += 1
    return "m" + ",".join(map(str, [left, top, crop.shape[1], crop.shape[0], *runs]))


@given(
    crop=arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)),
    left=st.integers(-12, 20),
    top=st.integers(-12, 20),
)
def test_run_lengths_are_read_as_they_were_written(crop, left, top):
    wanted = np.zeros((60, 60), bool)
    wanted[top + 20 :, left + 20 :][: crop.shape[0], : crop.shape[1]] = crop
    found = read_region(encode(crop, left, top), SIZE)
    assert found.dtype == bool
    assert np.array_equal(found, wanted[20:32, 20:36])


def test_runs_that_end_early_or_are_split():
    wanted = np.zeros(SIZE, bool)
    wanted[2, 1:3] = True
    for runs in ("1,2", "1,2,3", "1,1,0,1", "0,0,1,2"):
        assert np.array_equal(read_region(f"m0,2,3,2,{runs}", SIZE), wanted)


@pytest.mark.parametrize("line", ["m0,0,0,0,0", "m0,0,0,0", "m0,0,1,1,1", "m3,4,2,2,4"])
def test_an_object_that_is_not_there(line):
    found = read_region(line, SIZE)
    assert found.shape == SIZE
    assert not found.any()


@pytest.mark.parametrize("line", ["0", "1", "nan,nan,nan,nan", "nan", "1,2,nan,4,5,6"])
def test_of_some_frames_nothing_is_known(line):
    assert read_region(line, SIZE) is None


@pytest.mark.parametrize(
    ("line", "rows", "columns"),
    [
        ("2,3,4,5", (3, 8), (2, 6)),
        ("2.4,2.6,4.0,5.0", (3, 8), (2, 6)),
        ("-3,-2,5,4", (0, 2), (0, 2)),
        ("14,10,9,9", (10, 12), (14, 16)),
        ("30,40,2,2", (0, 0), (0, 0)),
        ("5,5,0,0", (0, 0), (0, 0)),
    ],
)
def test_a_rectangle(line, rows, columns):
    wanted = np.zeros(SIZE, bool)
    wanted[slice(*rows), slice(*columns)] = True
    assert np.array_equal(read_region(line, SIZE), wanted)


def test_a_polygon_with_its_border():
    wanted = np.zeros(SIZE, bool)
    wanted[2:6, 3:9] = True
    assert np.array_equal(read_region("3,2,8,2,8,5,3.2,4.9", SIZE), wanted)
    triangle = read_region("0,0,4,0,0,4", SIZE)
    assert triangle.sum() == 15
    assert np.array_equal(triangle[:5, :5], np.tri(5, dtype=bool)[::-1])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "cat",
        "1,2",
        "1,2,3",
        "1,2,3,4,5",
        "m1,2,3",
        "m0,0,2,2,5",
        "m0,0,2,2,-1",
        "m0,0,-2,-2,3",
        "m0,0,x,2",
    ],
)
def test_what_is_no_region(line):
    with pytest.raises(ValueError, match=r".+"):
        read_region(line, SIZE)

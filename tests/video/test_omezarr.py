"""OME-Zarr of both living versions, written by the reference library, and plain zarr."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import zarr
from ome_zarr.format import FormatV04, FormatV05

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video

MOVIE = np.random.default_rng(0).integers(0, 4000, (5, 2, 3, 40, 50)).astype(np.uint16)  # TCZYX
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its own, of what it uses itself
    from ome_zarr.writer import write_image

SCALE = {"t": 10.0, "c": 1.0, "z": 2.0, "y": 0.5, "x": 0.25}
UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}


def write(folder: Path, fmt: Any) -> Path:
    group = zarr.open_group(folder, mode="w", zarr_format=fmt.zarr_format)
    with dask.config.set(scheduler="synchronous"):  # its pool of threads would outlive the test
        write_image(MOVIE, group, fmt=fmt, axes=list("tczyx"), scale=SCALE, axes_units=UNITS)
    return folder


@pytest.mark.parametrize("fmt", [FormatV04(), FormatV05()], ids=["0.4", "0.5"])
def test_reads_full_resolution_with_axes_and_scale(tmp_path: Path, fmt: Any) -> None:
    with open_video(write(tmp_path / "cells.ome.zarr", fmt), others={"Z": "max"}) as video:
        assert (video.name, video.frames, video.source.channels) == ("cells", 5, 2)
        assert (video.scale.t, video.scale.y, video.scale.x) == (10.0, 0.5, 0.25)
        assert (video.scale.time_unit, video.scale.space_unit) == ("second", "micrometer")
        np.testing.assert_array_equal(video.raw(3), MOVIE[3].max(axis=1))


@pytest.mark.parametrize("version", [2, 3])
def test_plain_array(tmp_path: Path, version: int) -> None:
    zarr.create_array(
        tmp_path / "plain.zarr", data=MOVIE[:, 0, 0], chunks=(1, 40, 50), zarr_format=version
    )
    with open_video(tmp_path / "plain.zarr") as video:
        assert (video.name, video.frames) == ("plain", 5)
        np.testing.assert_array_equal(video.raw(4)[0], MOVIE[4, 0, 0])


def test_dimension_names_of_a_plain_array(tmp_path: Path) -> None:
    zarr.create_array(
        tmp_path / "named.zarr", data=MOVIE[:, :, 0], dimension_names=("time", "z", "y", "x")
    )
    with open_video(tmp_path / "named.zarr", others={"Z": 1}) as video:
        np.testing.assert_array_equal(video.raw(4)[0], MOVIE[4, 1, 0])


def test_group_without_an_image_names_what_is_inside(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "group.zarr", mode="w")
    group.create_array("movie", data=MOVIE[:, 0, 0])
    with pytest.raises(LazyVosError, match="without an OME-Zarr image: pass one of movie inside"):
        open_video(tmp_path / "group.zarr")
    with open_video(tmp_path / "group.zarr" / "movie") as video:
        assert video.frames == 5


def test_missing_level_is_an_error_in_words(tmp_path: Path) -> None:
    folder = write(tmp_path / "cells.zarr", FormatV05())
    del zarr.open_group(folder)["s0" if (folder / "s0").exists() else "0"]
    with pytest.raises(LazyVosError, match="which is missing"):
        open_video(folder)


def test_damaged_metadata_is_an_error_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "bad.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text("{not json")
    with pytest.raises(LazyVosError, match="cannot be read as zarr"):
        open_video(folder)


def test_metadata_that_break_the_rules_are_an_error_in_words(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "odd.zarr", mode="w")
    group.attrs["ome"] = {"multiscales": [{"axes": [{"type": "time"}]}]}
    with pytest.raises(LazyVosError, match="do not follow the specification: KeyError"):
        open_video(tmp_path / "odd.zarr")

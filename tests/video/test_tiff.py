"""TIFF stacks as microscopes and Fiji write them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video

MOVIE = np.random.default_rng(0).integers(0, 4000, (6, 3, 2, 40, 50)).astype(np.uint16)  # TZCYX


def test_imagej_hyperstack_with_scale(tmp_path: Path) -> None:
    path = tmp_path / "cells.tif"
    tifffile.imwrite(
        path,
        MOVIE,
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "TZCYX", "unit": "um", "finterval": 5.0, "spacing": 1.5},
    )
    with open_video(path, others={"Z": 2}) as video:
        assert (video.name, video.frames) == ("cells", 6)
        assert (video.scale.t, video.scale.y, video.scale.x) == (5.0, 0.5, 0.25)
        assert (video.scale.time_unit, video.scale.space_unit) == ("second", "micrometer")
        for t in (5, 0):
            np.testing.assert_array_equal(video.raw(t), MOVIE[t, 2])
    with open_video(path, time="Z", others={"T": "max", "C": 1}) as video:
        assert (video.frames, video.scale.t, video.scale.time_unit) == (3, 1.5, "micrometer")
        np.testing.assert_array_equal(video.raw(1)[0], MOVIE[:, 1, 1].max(axis=0))


def test_ome_tiff_with_scale(tmp_path: Path) -> None:
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(
        path,
        MOVIE[:, :, 0],
        metadata={
            "axes": "TZYX",
            "PhysicalSizeX": 0.2,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.3,
            "PhysicalSizeYUnit": "µm",
            "TimeIncrement": 2.0,
            "TimeIncrementUnit": "min",
        },
    )
    with open_video(path, others={"Z": "max"}) as video:
        assert video.name == "cells"
        assert (video.scale.t, video.scale.y, video.scale.x) == (2.0, 0.3, 0.2)
        assert (video.scale.time_unit, video.scale.space_unit) == ("minute", "micrometer")
        np.testing.assert_array_equal(video.raw(4)[0], MOVIE[4, :, 0].max(axis=0))


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_plain_stack_from_several_threads(tmp_path: Path, compression: str | None) -> None:
    if compression == "lzw":
        pytest.importorskip("imagecodecs")
    path = tmp_path / "stack.tif"
    frames = MOVIE[:, 0, 0]
    tifffile.imwrite(
        path, frames, compression=compression, rowsperstrip=7, photometric="minisblack"
    )
    with open_video(path, axes="TYX") as video, ThreadPoolExecutor(4) as pool:
        order = [3, 1, 5, 0, 2, 4] * 5
        for t, planes in zip(order, pool.map(video.raw, order), strict=True):
            np.testing.assert_array_equal(planes[0], frames[t])


def test_colour_stack(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 255, (4, 40, 50, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb")
    with open_video(tmp_path / "colour.tif") as video:
        assert video.source.rgb
        np.testing.assert_array_equal(video.raw(2), np.moveaxis(colour[2], -1, 0))


def test_unknown_axes_of_four_dimensions_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "who-knows.tif"
    tifffile.imwrite(path, MOVIE[:, :, 0], photometric="minisblack")
    with pytest.raises(LazyVosError, match="say which axis is which"):
        open_video(path)
    with open_video(path, axes="TZYX", others={"Z": 0}) as video:
        np.testing.assert_array_equal(video.raw(1)[0], MOVIE[1, 0, 0])


def test_one_page_is_no_video(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "one.tif", MOVIE[0, 0, 0])
    with pytest.raises(LazyVosError, match=r"is one image of shape .* pass the folder"):
        open_video(tmp_path / "one.tif")


def test_text_is_no_tiff(tmp_path: Path) -> None:
    (tmp_path / "notes.tif").write_text("not a picture")
    with pytest.raises(LazyVosError, match="cannot be read as TIFF"):
        open_video(tmp_path / "notes.tif")


def test_truncated_stack_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, MOVIE[:, 0, 0], photometric="minisblack")
    path.write_bytes(path.read_bytes()[: -3 * MOVIE[0, 0, 0].nbytes])
    with pytest.warns(UserWarning, match="the first 3 of 6 frames can be read"):
        video = open_video(path)
    assert video.frames == 3
    np.testing.assert_array_equal(video.raw(2)[0], MOVIE[2, 0, 0])
    video.close()


def test_truncated_hyperstack_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, MOVIE[:, 0, 0], imagej=True, metadata={"axes": "TYX"})
    path.write_bytes(path.read_bytes()[: -3 * MOVIE[0, 0, 0].nbytes])
    with pytest.raises(LazyVosError, match="ends too early"):
        open_video(path)


@pytest.mark.parametrize(
    ("name", "frames", "time"),
    [
        ("smoke/drosophila_histone_stack.tif", 12, "I"),
        ("medical/pyradiomics_brain1/frames.tif", 25, "Z"),
        ("medical/totalsegmentator_ct30/frames.tif", 30, "Z"),
        ("microscopy/epitools_wing_disc/frames.tif", 8, "T"),
    ],
)
def test_real_stacks(shared: Path, name: str, frames: int, time: str) -> None:
    path = shared / "data" / name
    with open_video(path) as video:
        assert video.frames == frames
        assert video.describe()["time"] == time
        last = tifffile.imread(path)[-1]
        expected = np.moveaxis(last, -1, 0) if last.ndim == 3 else last[None]
        np.testing.assert_array_equal(video.raw(frames - 1), expected)


def test_real_volume_over_time(shared: Path) -> None:
    path = shared / "data/smoke/ultrasound_4d_tzyx.tif"
    with open_video(path, others={"Z": "max"}) as video:
        np.testing.assert_array_equal(video.raw(7)[0], tifffile.imread(path)[7].max(axis=0))

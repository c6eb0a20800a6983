"""Folders of pictures, one file per frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (12, 20, 30)).astype(np.uint8)
COLOUR = RNG.integers(0, 255, (3, 20, 30, 3)).astype(np.uint8)


def test_natural_order(tmp_path: Path) -> None:
    for t, picture in enumerate(GREY):
        Image.fromarray(picture).save(tmp_path / f"img{t}.png")
    with open_video(tmp_path) as video:
        assert (video.frames, video.height, video.width) == (12, 20, 30)
        for t in range(12):  # img2 comes before img10
            np.testing.assert_array_equal(video.raw(t)[0], GREY[t])


def test_colour_with_and_without_transparency(tmp_path: Path) -> None:
    opaque = np.full((20, 30, 1), 255, np.uint8)
    for t, picture in enumerate(COLOUR):
        Image.fromarray(np.concatenate([picture, opaque], -1)).save(tmp_path / f"{t}.png")
    with open_video(tmp_path) as video:
        assert video.source.rgb
        np.testing.assert_array_equal(video.raw(2), np.moveaxis(COLOUR[2], -1, 0))


def test_palette_becomes_colour(tmp_path: Path) -> None:
    for t in range(2):
        Image.fromarray(COLOUR[t]).quantize(16).save(tmp_path / f"{t}.png")
    with open_video(tmp_path) as video:
        assert video.raw(1).shape == (3, 20, 30)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_kept(tmp_path: Path, suffix: str) -> None:
    deep = GREY.astype(np.uint16) * 200
    for t in range(3):
        path = tmp_path / f"{t}.{suffix}"
        tifffile.imwrite(path, deep[t]) if suffix == "tif" else Image.fromarray(deep[t]).save(path)
    with open_video(tmp_path) as video:
        assert video.raw(1).dtype == np.uint16
        np.testing.assert_array_equal(video.raw(1)[0], deep[1])


def test_grey_frame_among_colour_ones(tmp_path: Path) -> None:
    Image.fromarray(COLOUR[0]).save(tmp_path / "0.png")
    Image.fromarray(GREY[1]).save(tmp_path / "1.png")
    with open_video(tmp_path) as video:
        np.testing.assert_array_equal(video.raw(1), np.repeat(GREY[1][None], 3, 0))


def test_mixed_folder_says_what_it_uses(tmp_path: Path) -> None:
    for t in range(3):
        Image.fromarray(GREY[t]).save(tmp_path / f"{t}.png")
    Image.fromarray(GREY[0]).save(tmp_path / "preview.jpg")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "._0.png").write_text("")  # what macOS leaves on network disks
    with pytest.warns(UserWarning, match="holds 1 jpg and 3 png: the 3 png are used"):
        video = open_video(tmp_path)
    assert video.frames == 3


def test_folder_of_frames_is_named_by_the_one_above(tmp_path: Path) -> None:
    folder = tmp_path / "patient 7" / "frames"
    folder.mkdir(parents=True)
    Image.fromarray(GREY[0]).save(folder / "0.png")
    assert open_video(folder).name == "patient 7"


def test_sizes_that_differ_name_the_file(tmp_path: Path) -> None:
    for t in range(3):
        Image.fromarray(GREY[t]).save(tmp_path / f"{t}.png")
    Image.fromarray(GREY[0][:, :25]).save(tmp_path / "1.png")
    with pytest.raises(LazyVosError, match=r"1\.png is 20 x 25, but 0\.png is 20 x 30"):
        open_video(tmp_path)


def test_types_that_differ_name_the_file(tmp_path: Path) -> None:
    Image.fromarray(GREY[0]).save(tmp_path / "0.png")
    Image.fromarray(GREY[1].astype(np.uint16)).save(tmp_path / "1.png")
    with open_video(tmp_path) as video, pytest.raises(LazyVosError, match=r"1\.png is .* uint16"):
        video.raw(1)


def test_damaged_picture_names_the_file(tmp_path: Path) -> None:
    for t in range(2):
        Image.fromarray(GREY[t]).save(tmp_path / f"{t}.png")
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    with (
        open_video(tmp_path) as video,
        pytest.raises(LazyVosError, match=r"1\.png cannot be read"),
    ):
        video.raw(1)


def test_text_named_png_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_text("not a picture")
    with pytest.raises(LazyVosError, match=r"0\.png cannot be read: it is no picture"):
        open_video(tmp_path)


def test_stack_inside_a_folder_of_frames(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "0.tif", GREY, photometric="minisblack")
    with pytest.raises(LazyVosError, match="pass the file itself"):
        open_video(tmp_path)


def test_folder_without_pictures_names_its_folders(tmp_path: Path) -> None:
    with pytest.raises(LazyVosError, match=r"holds no png, jpg or tif$"):
        open_video(tmp_path)
    (tmp_path / "frames").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(LazyVosError, match="it holds the folders frames, masks: pass one of them"):
        open_video(tmp_path)


@pytest.mark.parametrize(
    ("name", "frames", "channels", "dtype"),
    [
        ("davis2016/dev/JPEGImages/480p/blackswan", 50, 3, "uint8"),
        ("smoke/mitocheck_movie_tif", 30, 1, "uint8"),
        ("microscopy/laptrack_nuclei/frames", 6, 1, "uint16"),
        ("medical/vocalfolds_p1_seq1/frames", 32, 3, "uint8"),
    ],
)
def test_real_folders(shared: Path, name: str, frames: int, channels: int, dtype: str) -> None:
    with open_video(shared / "data" / name) as video:
        assert (video.frames, video.source.channels, str(video.source.dtype)) == (
            frames,
            channels,
            dtype,
        )
        frame = video.frame(frames - 1)
        assert frame.shape == (3, video.height, video.width)
        assert frame.max() > 0.5

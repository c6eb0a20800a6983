"""Which files and folders are videos."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.listing import is_video, list_videos


def test_a_folder_of_pictures_is_a_video_and_a_folder_of_movies_is_not(tmp_path):
    pictures, planes, movies = tmp_path / "pictures", tmp_path / "planes", tmp_path / "movies"
    for folder in (pictures, planes, movies):
        folder.mkdir()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(pictures / "0.png")
    tifffile.imwrite(planes / "0.tif", np.zeros((4, 5), np.uint8))
    tifffile.imwrite(movies / "a.tif", np.zeros((6, 4, 5), np.uint8), photometric="minisblack")
    assert is_video(pictures)
    assert is_video(planes)  # a plane in each file
    assert not is_video(movies)  # many planes in one
    assert is_video(movies / "a.tif")
    assert not is_video(tmp_path)


def test_videos_bear_the_names_of_their_files(tmp_path):
    for name in ("day1.ome.tif", "day2.mp4", ".hidden.mp4", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "day3").mkdir()
    assert list_videos(tmp_path) == {
        "day1": tmp_path / "day1.ome.tif",
        "day2": tmp_path / "day2.mp4",
        "day3": tmp_path / "day3",
    }
    (tmp_path / "day2.avi").touch()
    with pytest.raises(LazyVosError, match="are both called day2"):
        list_videos(tmp_path)

"""Which files and folders are videos."""

from __future__ import annotations

from pathlib import Path

import tifffile

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.omezarr import is_zarr
from napari_lazyvos.video.opening import DICOM_SUFFIXES, MOVIE_SUFFIXES, TIFF_SUFFIXES

__all__ = ["SUFFIXES", "is_video", "list_videos"]

SUFFIXES = {*MOVIE_SUFFIXES, *TIFF_SUFFIXES, *DICOM_SUFFIXES, ".npy"}
PICTURES = {".png", ".jpg", ".jpeg"}


def is_video(path: Path) -> bool:
    """Tell a video, which may be a folder of pictures, from a folder of videos."""
    if not path.is_dir() or is_zarr(path):
        return True
    files = [each for each in path.iterdir() if not each.name.startswith(".")]
    if any(each.suffix.lower() in PICTURES for each in files):
        return True
    tiffs = [each for each in files if each.suffix.lower() in TIFF_SUFFIXES]
    return bool(tiffs) and not _is_stack(tiffs[0])


def _is_stack(path: Path) -> bool:
    try:
        with tifffile.TiffFile(path) as file:
            return len(file.series[0].shape) >= (4 if file.series[0].axes.endswith("S") else 3)
    except (tifffile.TiffFileError, OSError, IndexError, ValueError):
        return False


def list_videos(folder: Path) -> dict[str, Path]:
    """Return what may be a video in a folder, or the masks of one, by its name.

    Raises
    ------
    LazyVosError
        If two have one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not (path.is_dir() or path.suffix.lower() in SUFFIXES):
            continue
        name = video_name(path)
        if name in found:
            raise LazyVosError(
                f"{found[name]} and {path} are both called {name}: take one of them away."
            )
        found[name] = path
    return found

"""Open anything that holds a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.array import ArraySource
from napari_lazyvos.video.intensity import Limits
from napari_lazyvos.video.layer import is_layer, layer_limits, open_layer
from napari_lazyvos.video.layout import Pick
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.source import Source
from napari_lazyvos.video.video import Video

__all__ = ["MOVIE_SUFFIXES", "TIFF_SUFFIXES", "open_video"]

MOVIE_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")
TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".lsm", ".stk")
DICOM_SUFFIXES = (".dcm", ".dicom")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
READABLE = (
    "movies (mp4, mov, avi, mkv, webm), TIFF stacks, OME-Zarr, multi-frame DICOM, npy arrays, and "
    "folders of png, jpg or tif"
)


def open_video(
    what: Any,
    *,
    axes: str | None = None,
    time: str | int | None = None,
    others: Mapping[str | int, Pick] | None = None,
    channels: Sequence[int] | None = None,
    contrast_limits: Limits | None = None,
) -> Video:
    """Open a file, a folder, an array or a napari Image layer as a video.

    Opening reads headers and at most one frame.

    Parameters
    ----------
    what : path, array, napari Image layer, Source or Video
        A video is returned as it is. An array has three axes (T, Y, X), four if the last has
        length 3 or 4 (T, Y, X, colour), or any for which `axes` are given.
    axes : str, optional
        One letter per dimension of an array, such as "TZYX", "CTYX" or "TYXC", instead of what
        the file or layer states.
    time : str or int, optional
        The axis that is time, as a letter or as the number of the dimension: any but Y and X, so
        that a CT volume can be read slice by slice with ``time="Z"``.
    others : mapping, optional
        What is read of the other axes: an index, "max" for a maximum projection, or for channels
        a list of indices, such as ``{"Z": "max", "C": [0, 2]}``. Without it, all channels and the
        middle of any other axis.
    channels : sequence of 1 to 3 ints, optional
        Which of the channels that are read become RGB; without it the first three.
    contrast_limits : (low, high) or one pair per chosen channel, optional
        Stored values that become 0 and 1; without it a layer's own, or measured (see
        `napari_lazyvos.video.intensity.measure_limits`).

    Raises
    ------
    LazyVosError
        If it cannot be read as a video; the sentence says why and what to do.

    Examples
    --------
    >>> video = open_video(np.zeros((5, 32, 48), np.uint8))
    >>> video.frame(0).shape
    (3, 32, 48)
    """
    layout = {"axes": axes, "time": time, "others": others}
    if isinstance(what, Video):
        if any(option is not None for option in (*layout.values(), channels, contrast_limits)):
            raise LazyVosError(f"{what.name} is open already: give axes and channels when opening")
        return what
    if contrast_limits is None and is_layer(what) and hasattr(what, "rgb"):
        contrast_limits = layer_limits(what)
    source = _source(what, layout)
    try:
        return Video(source, channels=channels, contrast_limits=contrast_limits)
    except LazyVosError:
        source.close()
        raise


def _source(what: Any, layout: dict[str, Any]) -> Source:
    if isinstance(what, str | Path):
        return _open_path(Path(what).expanduser(), layout)
    if isinstance(what, Source):
        _refuse(layout, what.name)
        return what
    if is_layer(what):
        return open_layer(what, **layout)
    if hasattr(what, "shape") and hasattr(what, "dtype"):
        return ArraySource(what, **layout)
    if what is None:
        raise LazyVosError("there is no video: it lived in memory only, so pass the array again")
    raise LazyVosError(
        f"a {type(what).__name__} is no video: pass a path, an array of shape (T, Y, X), or a "
        "napari Image layer"
    )


def _open_path(path: Path, layout: dict[str, Any]) -> Source:
    """Open a file or folder by its suffix; the readers are imported when they are needed."""
    suffix = path.suffix.lower()
    if not path.exists():
        raise LazyVosError(f"there is no file or folder {path}")
    if path.is_dir():
        return _open_folder(path, layout)
    if suffix in TIFF_SUFFIXES:
        from napari_lazyvos.video.tiff import open_tiff

        return open_tiff(path, **layout)
    if suffix == ".npy":
        return _open_npy(path, layout)
    if suffix in MOVIE_SUFFIXES:
        from napari_lazyvos.video.movie import MovieSource

        _refuse(layout, path.name)
        return MovieSource(path)
    from napari_lazyvos.video.dicom import DicomSource, is_dicom

    if suffix in DICOM_SUFFIXES or (not suffix and is_dicom(path)):
        _refuse(layout, path.name)
        return DicomSource(path)
    if suffix in PICTURE_SUFFIXES:
        raise LazyVosError(
            f"{path} is one picture: for one file per frame, pass the folder {path.parent}"
        )
    raise LazyVosError(f"{path} has the suffix {suffix!r}: what can be read is {READABLE}")


def _open_folder(path: Path, layout: dict[str, Any]) -> Source:
    from napari_lazyvos.video.omezarr import is_zarr, open_zarr

    if is_zarr(path):
        return open_zarr(path, **layout)
    from napari_lazyvos.video.folder import FolderSource

    _refuse(layout, path.name)
    return FolderSource(path)


def _open_npy(path: Path, layout: dict[str, Any]) -> Source:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise LazyVosError(f"{path} cannot be read as a numpy array: {error}") from error
    return ArraySource(array, **layout, name=video_name(path), what=str(path.resolve()))


def _refuse(layout: dict[str, Any], name: str) -> None:
    """Say that axes are for arrays."""
    given = [option for option, value in layout.items() if value is not None]
    if given:
        raise LazyVosError(
            f"{given[0]} was given for {name}, whose frames follow one another already: leave it "
            "out"
        )

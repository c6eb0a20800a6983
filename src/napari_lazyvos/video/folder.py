"""Frames from a folder of pictures, one file per frame, in natural order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
from natsort import natsorted, ns

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.picture import read_picture, read_size
from napari_lazyvos.video.source import PixelScale

__all__ = ["FolderSource", "list_frames"]

KINDS = {
    ".png": "png",
    ".jpg": "jpg",
    ".jpeg": "jpg",
    ".tif": "tif",
    ".tiff": "tif",
}
HEADER_READERS = 8  # threads: on a network disk the time goes in waiting


class FolderSource:
    """The pictures of one kind in a folder; `img2.png` comes before `img10.png`.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    LazyVosError
        If it holds no png, jpg or tif, or pictures of different sizes.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = list_frames(folder)
        _check_sizes(self._paths)
        first = read_picture(self._paths[0])
        self.name = video_name(folder)
        self.frames: int | None = len(self._paths)
        self.channels, self.height, self.width = first.shape
        self.rgb = self.channels == 3
        self.dtype: np.dtype[Any] = first.dtype
        self.scale = PixelScale()
        self.origin: dict[str, Any] = {"what": str(folder.resolve())}

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W) in the stored dtype."""
        planes = read_picture(self._paths[t])
        if self.rgb and planes.shape == (1, self.height, self.width):
            planes = np.repeat(planes, 3, axis=0)  # some writers save a grey frame as grey
        expected = (self.channels, self.height, self.width)
        if planes.shape != expected or planes.dtype != self.dtype:
            raise LazyVosError(
                f"{self._paths[t]} is {_words(planes.shape)} {planes.dtype}, but "
                f"{self._paths[0].name} is {_words(expected)} {self.dtype}: all frames must be "
                "alike"
            )
        return planes

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""


def list_frames(folder: Path) -> list[Path]:
    """Return the pictures in a folder in natural order; of several kinds, the most frequent.

    Raises
    ------
    LazyVosError
        If there are none.
    """
    kinds: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        kind = KINDS.get(path.suffix.lower())
        if kind and not path.name.startswith("."):
            kinds.setdefault(kind, []).append(path)
    if not kinds:
        inside = natsorted(p.name for p in folder.iterdir() if p.is_dir())
        hint = f"; it holds the folders {', '.join(inside[:8])}: pass one of them" if inside else ""
        raise LazyVosError(f"{folder} holds no png, jpg or tif{hint}")
    used = max(kinds, key=lambda kind: (len(kinds[kind]), kind == "png"))
    if len(kinds) > 1:
        counts = " and ".join(f"{len(paths)} {kind}" for kind, paths in sorted(kinds.items()))
        warn(f"{folder} holds {counts}: the {len(kinds[used])} {used} are used", stacklevel=2)
    return natsorted(kinds[used], key=lambda path: path.name, alg=ns.PATH)


def _check_sizes(paths: Sequence[Path]) -> None:
    """Compare the sizes of all pictures by their headers."""
    with ThreadPoolExecutor(HEADER_READERS) as pool:
        sizes = pool.map(read_size, paths)
        first = next(sizes)
        for path, size in zip(paths[1:], sizes, strict=True):
            if size != first:
                raise LazyVosError(
                    f"{path} is {size[0]} x {size[1]}, but {paths[0].name} is {first[0]} x "
                    f"{first[1]} (rows x columns): all frames must have one size"
                )


def _words(shape: tuple[int, ...]) -> str:
    colour = {1: "grey", 3: "RGB"}.get(shape[0], f"{shape[0]}-channel")
    return f"{shape[1]} x {shape[2]} {colour}"

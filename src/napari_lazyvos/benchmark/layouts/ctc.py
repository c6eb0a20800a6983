"""Cell Tracking Challenge (Maska et al., Nature Methods 2023), its 2-D sets.

The masks are those of the silver truth (``01_ST/SEG``) where there is one: its values are the
labels of the tracks. Else they are the markers of the gold tracking truth (``01_GT/TRA``), which
lie in the cells but need not have their outlines. The gold segmentation truth (``01_GT/SEG``) is
not read: it has few frames, and numbers the cells in each of them anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import tifffile

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, list_folders, read_lines
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.folder import list_frames

__all__ = ["find"]


@dataclass(frozen=True)
class TrackReferences(PictureReferences):
    """Each cell is there in the frames of its track, and known in those in which it is drawn."""

    tracks: Mapping[int, range] = field(kw_only=True)  # by label; of frames

    def _find_labels(self) -> set[int]:
        return super()._find_labels() & set(self.tracks)

    def _known(self, t: int, picture: np.ndarray) -> Collection[int]:
        drawn = self._drawn(picture)
        return [k for k in self.labels if k in drawn or t not in self.tracks[k]]


def find(root: Path, split: str) -> Found:
    """Find the sequences that have a tracking truth."""
    return {
        name: partial(_clip, root, name)
        for name in list_folders(root)
        if (root / f"{name}_GT" / "TRA" / "man_track.txt").is_file()
    }


def _clip(root: Path, name: str) -> Clip:
    video, truth = root / name, root / f"{name}_GT" / "TRA"
    silver = root / f"{name}_ST" / "SEG"
    pictures = list_frames(video)
    _check_flat(pictures[0])
    frames = {_number(picture): t for t, picture in enumerate(pictures)}
    files: dict[int, Path] = {}
    for file in list_frames(silver if silver.is_dir() else truth):
        if _number(file) not in frames:
            raise LazyVosError(f"{file} belongs to no frame: {video} has none of that number.")
        files[frames[_number(file)]] = file
    tracks = _read_tracks(truth / "man_track.txt", frames)
    return Clip(name, video, TrackReferences(video, files, tracks=tracks))


def _check_flat(frame: Path) -> None:
    try:
        with tifffile.TiffFile(frame) as file:
            shape = file.series[0].shape
    except (tifffile.TiffFileError, OSError, IndexError) as error:
        raise LazyVosError(f"{frame} cannot be read as TIFF: {error}") from error
    if len(shape) != 2:
        raise LazyVosError(
            f"{frame} is a stack of shape {shape}, and cells cannot be followed in 3-D: use one of "
            "the 2-D sets of the Cell Tracking Challenge, whose names have 2D in them."
        )


def _read_tracks(path: Path, frames: Mapping[int, int]) -> dict[int, range]:
    """Return the frames of each track, from lines of label, first frame, last frame and parent."""
    tracks: dict[int, range] = {}
    for line in read_lines(path):
        try:
            label, first, last, _ = map(int, line.split())
            tracks[label] = range(frames[first], frames[last] + 1)
        except (ValueError, KeyError) as error:
            raise LazyVosError(
                f"{path} has the line {line!r}: it should be label, first frame, last frame and "
                f"parent, with frames from {min(frames)} to {max(frames)}."
            ) from error
    return tracks


def _number(path: Path) -> int:
    """Return the number at the end of a name, such as 7 of man_track007.tif."""
    digits = re.search(r"\d+$", path.stem)
    if digits is None:
        raise LazyVosError(f"{path} has no number in its name: frames of a sequence are t000.tif.")
    return int(digits[0])

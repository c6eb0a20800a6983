"""VOT and VOTS challenges (Kristan et al.), in the format of the VOT toolkit (0.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PureWindowsPath

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import frame_size
from napari_lazyvos.benchmark.layouts.tree import Found, frame_numbers, read_lines, read_text
from napari_lazyvos.benchmark.layouts.vot_region import read_region
from napari_lazyvos.errors import LazyVosError

__all__ = ["find"]

CHANNEL = "color/%08d.jpg"  # where the frames are if the sequence does not say


@dataclass(frozen=True)
class RegionReferences:
    """The references of a sequence, from one file for each object with one line for each frame.

    Where a file ends before the video does, nothing is known of its object.
    """

    video: Path  # folder of pictures
    files: Mapping[int, Path]  # by label

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects, sorted."""
        return tuple(sorted(self.files))

    def at(self, t: int) -> dict[int, np.ndarray]:
        """Return what is known of frame `t`; see `References`."""
        masks = {
            label: self._read(label, t) for label in self.labels if t < len(self._lines[label])
        }
        return {label: mask for label, mask in masks.items() if mask is not None}

    def close(self) -> None:
        """Forget the lines; `at` reads them again."""
        self.__dict__.pop("_lines", None)

    def __getstate__(self) -> dict[str, object]:
        return {"video": self.video, "files": self.files}

    def _read(self, label: int, t: int) -> np.ndarray | None:
        try:
            return read_region(self._lines[label][t], self._size)
        except ValueError as error:
            raise LazyVosError(
                f"line {t + 1} of {self.files[label]} is no region ({error}): download it again."
            ) from error

    @cached_property
    def _lines(self) -> dict[int, list[str]]:
        return {label: read_text(file).rstrip().splitlines() for label, file in self.files.items()}

    @cached_property
    def _size(self) -> tuple[int, int]:
        return frame_size(self.video)


def find(root: Path, split: str) -> Found:
    """Find the sequences that ``list.txt`` names."""
    listed = root / "list.txt"
    names = read_lines(listed) if listed.is_file() else []
    return {name: partial(_clip, root / name) for name in names}


def _clip(folder: Path) -> Clip:
    said = _read_properties(folder / "sequence")
    # Written on Windows, the path has backslashes.
    channel = PureWindowsPath(said.get("channels.color", CHANNEL))
    video = folder / (channel.parent if channel.suffix else channel).as_posix()
    frame_numbers(video)  # says if there are no frames
    references = RegionReferences(video, _find_objects(folder))
    return Clip(folder.name, video, references, fps=_fps(said.get("fps", "")))


def _find_objects(folder: Path) -> dict[int, Path]:
    """Return the ground truth of each object; its label is in the name, or is its place."""
    files = sorted(folder.glob("groundtruth_*.txt")) or sorted(folder.glob("groundtruth.txt"))
    if not files:
        raise LazyVosError(
            f"{folder} has no groundtruth.txt and no groundtruth_1.txt: download the annotations."
        )
    names = [file.stem.removeprefix("groundtruth_") for file in files]
    labels = {int(name) for name in names if name.isdecimal()} - {0}
    if len(labels) < len(files):
        return dict(enumerate(files, start=1))
    return {int(name): file for name, file in zip(names, files, strict=True)}


def _read_properties(path: Path) -> dict[str, str]:
    """Return what a file with lines of key=value says; nothing, if it is not there."""
    lines = read_lines(path) if path.is_file() else []
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _fps(text: str) -> float | None:
    return (float(text) or None) if text.replace(".", "", 1).isdecimal() else None

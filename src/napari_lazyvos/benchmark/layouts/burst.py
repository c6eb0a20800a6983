"""BURST (Athar et al., WACV 2023): run-length masks of COCO, about one frame per second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import check_size, frame_size
from napari_lazyvos.benchmark.layouts.tree import Found, frame_numbers, read_json
from napari_lazyvos.errors import LazyVosError

__all__ = ["find"]

FULL, FIRST = "all_classes.json", "first_frame_annotations.json"


@dataclass(frozen=True)
class RunLengthReferences:
    """The references of a video, from the run lengths of each object in each annotated frame."""

    video: Path  # folder of pictures
    annotations: Path  # the file that they come from
    size: tuple[int, int]  # rows and columns
    counts: Mapping[int, Mapping[int, str]]  # by annotated frame and label
    only_new: bool = False  # an object is shown once, so of later frames nothing is known

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects that ever have a mask, sorted."""
        return tuple(sorted(set().union(*self.counts.values())))

    def at(self, t: int) -> dict[int, np.ndarray]:
        """Return what is known of frame `t`; see `References`."""
        if t not in self.counts:
            return {}
        check_size(self.annotations, self.size, self.video, self._frame_size)
        known = self.counts[t] if self.only_new else self.labels
        return {label: self._decode(self.counts[t].get(label)) for label in sorted(known)}

    def close(self) -> None:
        """Do nothing: the file was read as a whole."""

    def _decode(self, counts: str | None) -> np.ndarray:
        if counts is None:
            return np.zeros(self.size, bool)
        height, width = self.size
        return rle.decode({"size": [height, width], "counts": counts.encode()}).astype(bool)

    @cached_property
    def _frame_size(self) -> tuple[int, int]:
        return frame_size(self.video)


def find(root: Path, split: str) -> Found:
    """Find the videos of a split: those in the file with all masks, or with the first ones."""
    path = root / split / FULL
    if not path.is_file():
        path = root / split / FIRST
    if not path.is_file():
        return {}
    try:
        return {
            f"{each['dataset']}/{each['seq_name']}": partial(_clip, root, split, path, each)
            for each in read_json(path)["sequences"]
        }
    except (KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def _clip(root: Path, split: str, path: Path, sequence: dict[str, Any]) -> Clip:
    try:
        name = f"{sequence['dataset']}/{sequence['seq_name']}"
        size = int(sequence["height"]), int(sequence["width"])
        shown = [
            (Path(picture).stem, {int(label): each["rle"] for label, each in objects.items()})
            for picture, objects in zip(
                sequence["annotated_image_paths"], sequence["segmentations"], strict=True
            )
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error
    video = root / "frames" / split / name
    numbers = frame_numbers(video)
    for stem, _ in shown:
        if stem not in numbers:
            raise LazyVosError(f"{path} annotates {stem} of {name}, but {video} has no such frame.")
    counts = {numbers[stem]: of for stem, of in shown}
    references = RunLengthReferences(video, path, size, counts, only_new=path.name == FIRST)
    return Clip(name, video, references, saved=frozenset(stem for stem, _ in shown))


def _damaged(path: Path, error: Exception) -> LazyVosError:
    return LazyVosError(
        f"{path} does not hold the annotations of BURST ({error!r}): download it again."
    )

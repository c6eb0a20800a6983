"""LVOS (Hong et al., ICCV 2023): every fifth frame of a video, named by its number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, list_folders, match, read_lines, read_meta
from napari_lazyvos.errors import LazyVosError

__all__ = ["find"]

FPS = 6.0
EVERY = 5  # frames of the original video, by which they are named


@dataclass(frozen=True)
class RangedReferences(PictureReferences):
    """Each object is known in a range of its own: as in the toolkit, outside it is not judged."""

    ranges: Mapping[int, range] = field(kw_only=True)  # by label; of the numbers in frames' names

    def _find_labels(self) -> set[int]:
        return set(self.ranges)

    def _known(self, t: int, picture: np.ndarray) -> Collection[int]:
        number = int(self.files[t].stem)
        return [label for label, numbers in self.ranges.items() if number in numbers]


def find(root: Path, split: str) -> Found:
    """Find the videos of a split: those of ``SPLIT_meta.json``, or without it all with masks.

    Of test, an object has a mask only where it is new; so it has in ``Annotations_first_only``,
    which is read where there are no ``Annotations``.
    """
    folder = root / split
    meta = read_meta(folder / f"{split}_meta.json")
    masks = folder / "Annotations"
    if not masks.is_dir():
        masks = folder / "Annotations_first_only"
    only_new = split == "test" or masks.name != "Annotations"
    lists = [each / "unseen_videos.txt" for each in (folder, root)]
    unseen = next((set(read_lines(path)) for path in lists if path.is_file()), None)

    def of(name: str) -> Mapping[int, range] | None:
        return None if only_new or name not in meta else _ranges(meta[name], name)

    return {
        name: partial(_clip, folder / "JPEGImages" / name, masks / name, of(name), only_new, unseen)
        for name in meta or list_folders(masks)
    }


def _clip(
    video: Path,
    masks: Path,
    ranges: Mapping[int, range] | None,
    only_new: bool,
    unseen: set[str] | None,
) -> Clip:
    files = match(video, masks)
    _check_numbers(files.values())
    references = (
        PictureReferences(video, files, only_new=only_new, void=True)
        if ranges is None
        else RangedReferences(video, files, void=True, ranges=ranges)
    )
    labels = None
    if unseen is not None:
        labels = frozenset(references.labels if video.name in unseen else ())
    return Clip(video.name, video, references, fps=FPS, judge_last=False, unseen=labels)


def _check_numbers(files: Iterable[Path]) -> None:
    for file in files:
        if not file.stem.isdecimal():
            raise LazyVosError(f"{file} is not named by a number: frames of LVOS are 00000001.jpg.")


def _ranges(objects: dict[int, dict[str, Any]], name: str) -> dict[int, range]:
    """Return in which frames each object is known, from its first one and how many there are."""
    try:
        known = {label: said["frame_range"] for label, said in objects.items()}
        return {
            label: range(int(of["start"]), int(of["start"]) + EVERY * int(of["frame_nums"]), EVERY)
            for label, of in known.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise LazyVosError(
            f"the meta.json of LVOS does not say in which frames the objects of {name} are "
            f"({error!r}): download it again."
        ) from error

"""Videos of one's own with their masks, in any of three arrangements."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from warnings import warn

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import LabelMasks
from napari_lazyvos.benchmark.layouts.tree import Found, list_folders
from napari_lazyvos.benchmark.truths import Truths, find_pairs
from napari_lazyvos.video import open_video
from napari_lazyvos.video.listing import SUFFIXES
from napari_lazyvos.video.naming import video_name

__all__ = ["find"]

TWO_FOLDERS = (("videos", "masks"), ("JPEGImages", "Annotations"))


class TruthReferences:
    """The references of a video, from whatever `Truths` reads."""

    def __init__(self, video: Path, masks: Path) -> None:
        self._video = video
        self._masks = masks
        self._truths: Truths | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects that ever have a mask, sorted; reads all masks once."""
        return self._opened().labels

    def at(self, t: int) -> Mapping[int, np.ndarray]:
        """Return what is known of frame `t`; see `References`."""
        truths = self._opened()
        label_map = truths.at(t)
        return {} if label_map is None else LabelMasks(label_map, truths.labels)

    def close(self) -> None:
        """Let go of files; safe to call twice, and `at` opens them again."""
        if self._truths is not None:
            self._truths.close()
            self._truths = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_truths": None}

    def _opened(self) -> Truths:
        if self._truths is None:
            with open_video(self._video) as video:
                self._truths = Truths(self._masks, video)
        return self._truths


def find(root: Path, split: str) -> Found:
    """Find videos and masks: in two folders under one name, or in a folder for each video."""
    found: dict[str, tuple[Path, Path]] = {}
    for videos, masks in TWO_FOLDERS:
        if (root / videos).is_dir() and (root / masks).is_dir():
            pairs, alone = find_pairs(root / videos, root / masks)
            for name in alone:
                warn(f"{name} has no masks: it is left out", stacklevel=3)
            found |= {video_name(video): (video, own) for video, own in pairs}
    for name in list_folders(root):
        video, own = (_part(root / name, part) for part in ("frames", "masks"))
        if video is not None and own is not None:
            found[name] = (video, own)
    return {name: partial(_clip, name, *pair) for name, pair in found.items()}


def _part(folder: Path, name: str) -> Path | None:
    """Return what has this name in a folder: a folder of pictures, or a file such as a stack."""
    places = (folder / f"{name}{suffix}" for suffix in ("", *sorted(SUFFIXES)))
    return next((place for place in places if place.exists()), None)


def _clip(name: str, video: Path, masks: Path) -> Clip:
    return Clip(name, video, TruthReferences(video, masks))

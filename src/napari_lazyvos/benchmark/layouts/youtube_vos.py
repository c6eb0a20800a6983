"""YouTube-VOS 2018 and 2019 (Xu et al., ECCV 2018)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, list_folders, match, read_meta

__all__ = ["find"]

FPS, EVERY_FIFTH_FPS = 30.0, 6.0


def find(root: Path, split: str) -> Found:
    """Find the videos of a split, with all their frames if these are there.

    Of valid and test, an object has a mask only in the frame in which it appears, which may be any.
    """
    meta = read_meta(root / split / "meta.json")
    names = list_folders(root / split / "Annotations")
    return {name: partial(_clip, root, split, name, meta.get(name)) for name in names}


def _clip(root: Path, split: str, name: str, objects: dict[int, dict[str, Any]] | None) -> Clip:
    video, fps = root / "all_frames" / f"{split}_all_frames" / "JPEGImages" / name, FPS
    if not video.is_dir():
        video, fps = root / split / "JPEGImages" / name, EVERY_FIFTH_FPS
    files = match(video, root / split / "Annotations" / name)
    references = PictureReferences(video, files, only_new=split != "train", void=True)
    return Clip(name, video, references, fps=fps, judge_last=False, saved=_saved(objects))


def _saved(objects: dict[int, dict[str, Any]] | None) -> frozenset[str] | None:
    """Return the names of the frames in which any of the objects is judged."""
    if objects is None:
        return None
    return frozenset(name for of in objects.values() for name in of.get("frames", ()))

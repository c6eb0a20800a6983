"""MOSE (Ding et al., ICCV 2023)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, list_folders, match

__all__ = ["find"]


def find(root: Path, split: str) -> Found:
    """Find the videos of a split; of valid, an object has a mask only where it is new."""
    folder = root / split
    only_new = split != "train"
    names = list_folders(folder / "Annotations")
    return {name: partial(_clip, folder, name, only_new) for name in names}


def _clip(folder: Path, name: str, only_new: bool) -> Clip:
    video = folder / "JPEGImages" / name
    files = match(video, folder / "Annotations" / name)
    return Clip(name, video, PictureReferences(video, files, only_new=only_new, void=True))

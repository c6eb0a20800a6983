"""Long Videos (Liang et al., NeurIPS 2020), and the same played back and forth (XMem)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, list_folders, match, read_lines

__all__ = ["find"]


def find(root: Path, split: str) -> Found:
    """Find the videos: those of ``ImageSets/2017/val.txt`` if there is one, else all with masks."""
    folder = root / split
    listed = folder / "ImageSets" / "2017" / "val.txt"
    names = read_lines(listed) if listed.is_file() else list_folders(folder / "Annotations")
    return {name: partial(_clip, folder, name) for name in names}


def _clip(folder: Path, name: str) -> Clip:
    video = folder / "JPEGImages" / name
    files = match(video, folder / "Annotations" / name)
    return Clip(name, video, PictureReferences(video, files, void=True), judge_last=False)

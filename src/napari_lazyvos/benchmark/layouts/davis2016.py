"""DAVIS 2016 (Perazzi et al., CVPR 2016), at 480p."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.davis2017 import FPS, sequences
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, match

__all__ = ["find"]


class ForegroundReferences(PictureReferences):
    """All that is not background is object 1, also in pictures of DAVIS 2017 with several."""

    def _picture(self, t: int) -> np.ndarray:
        foreground: np.ndarray = (super()._picture(t) != 0).astype(np.uint8)
        return foreground


def find(root: Path, split: str) -> Found:
    """Find the videos of a split, in the package of 2016 or in that of 2017, which lists them."""
    home, names = sequences(root, "2016", split)
    return {name: partial(_clip, home, name) for name in names}


def _clip(home: Path, name: str) -> Clip:
    video = home / "JPEGImages" / "480p" / name
    files = match(video, home / "Annotations" / "480p" / name)
    return Clip(name, video, ForegroundReferences(video, files), fps=FPS, judge_last=False)

"""DAVIS 2017 (Pont-Tuset et al., arXiv:1704.00675), at 480p."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts.references import PictureReferences
from napari_lazyvos.benchmark.layouts.tree import Found, match, read_lines

__all__ = ["FPS", "find", "sequences"]

FPS = 24.0


def find(root: Path, split: str) -> Found:
    """Find the videos of a split, in the package of trainval or of test-dev, or above it.

    Of test-dev and test-challenge the masks of the first frames alone are published.
    """
    home, names = sequences(root, "2017", split)
    only_new = split.startswith("test")
    return {name: partial(_clip, home, name, only_new) for name in names}


def sequences(root: Path, year: str, split: str) -> tuple[Path, list[str]]:
    """Find the folder that holds ``JPEGImages``, and the sequences of a split.

    The list is ``ImageSets/YEAR/SPLIT.txt``, ``ImageSets/480p/SPLIT.txt`` as in the package of
    2016, which names each frame, or ``sequences.txt``, which knows no splits.
    """
    package = split if split.startswith("test") else "trainval"
    for home in (root, root / package):
        for place in (f"ImageSets/{year}/{split}.txt", f"ImageSets/480p/{split}.txt"):
            if (home / "JPEGImages" / "480p").is_dir() and (home / place).is_file():
                return home, _names(home / place)
        if (home / "JPEGImages" / "480p").is_dir() and (home / "sequences.txt").is_file():
            return home, _names(home / "sequences.txt")
    return root, []


def _names(path: Path) -> list[str]:
    """Return the sequences of a list, whose lines are names or paths of frames."""
    firsts = [line.split()[0] for line in read_lines(path)]
    return list(
        dict.fromkeys(Path(first).parent.name if "/" in first else first for first in firsts)
    )


def _clip(home: Path, name: str, only_new: bool) -> Clip:
    video = home / "JPEGImages" / "480p" / name
    files = match(video, home / "Annotations" / "480p" / name)
    references = PictureReferences(video, files, only_new=only_new, void=True)
    return Clip(name, video, references, fps=FPS, judge_last=False)

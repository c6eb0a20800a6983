"""Clips on disk whose references are known, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lazyvos.benchmark.clip import Clip

HEIGHT, WIDTH = 48, 64
SQUARE = 16


@dataclass
class ArrayReferences:
    """References that lie in memory; of the frames in `unknown` nothing is known."""

    label_maps: np.ndarray  # (T, H, W)
    unknown: frozenset[int] = frozenset()

    @property
    def labels(self) -> tuple[int, ...]:
        return tuple(map(int, np.unique(self.label_maps[self.label_maps > 0])))

    def at(self, t: int) -> Mapping[int, np.ndarray]:
        if t in self.unknown:
            return {}
        return {label: self.label_maps[t] == label for label in self.labels}

    def close(self) -> None:
        """Hold no file."""


def moving_squares(frames: int, paths: Mapping[int, tuple[int, int, int]]) -> np.ndarray:
    """Return (T, H, W) label maps of squares that move right, from (first frame, top, left) on."""
    labels = np.zeros((frames, HEIGHT, WIDTH), np.uint8)
    for label, (first, top, left) in paths.items():
        for t in range(first, frames):
            labels[t, top : top + SQUARE, left + 2 * t : left + 2 * t + SQUARE] = label
    return labels


def movie_of(labels: np.ndarray) -> np.ndarray:
    """Return uint8 frames in which every object is brighter than a noisy ground."""
    noise = np.random.default_rng(1).integers(30, 60, labels.shape, dtype=np.uint8)
    return np.where(labels > 0, noise + 140, noise).astype(np.uint8)


@pytest.fixture
def squares() -> Callable[..., np.ndarray]:
    """Return what makes label maps of moving squares; see `moving_squares`."""
    return moving_squares


@pytest.fixture
def paint() -> Callable[[np.ndarray], np.ndarray]:
    """Return what makes a movie of label maps; see `movie_of`."""
    return movie_of


MakeClip = Callable[..., Clip]


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Return what writes a movie of label maps, (T, H, W), and makes a clip of both."""

    def make(labels: np.ndarray, name: str = "clip", *, unknown=(), movie=None, **about) -> Clip:
        path = tmp_path / f"{name}.tif"
        frames = movie_of(labels) if movie is None else movie
        tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
        return Clip(name, path, ArrayReferences(labels, frozenset(unknown)), **about)

    return make

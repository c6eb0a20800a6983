"""What is asked of a scene that is drawn frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Film", "Take", "numbered", "speed"]

MOST_OBJECTS = 4
SKIPPED, SKIPS = (1, 2, 4), (0.8, 0.12, 0.08)  # only every so many frames were kept; how often

Film = tuple[np.ndarray, np.ndarray]
"""Frames (T, h, w, 3) float32 in [0, 255], and their labels (T, h, w) uint8."""


@dataclass(frozen=True, slots=True)
class Take:
    """Size of a clip, and of object 1 in it."""

    side: int
    frames: int
    spans: tuple[float, float]  # of object 1 in the first frame, in sides

    def extent(self, rng: np.random.Generator) -> float:
        """Draw the extent of object 1 in pixels."""
        low, high = np.log(self.spans)
        return self.side * float(np.exp(rng.uniform(low, high)))

    def centre(self, rng: np.random.Generator) -> np.ndarray:
        """Draw where object 1 begins: y, x."""
        return self.side * rng.uniform(0.32, 0.68, 2)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the row and the column of each pixel, float32."""
        rows, columns = np.indices((self.side, self.side), dtype=np.float32)
        return rows, columns

    def film(self, grey: list[np.ndarray], labels: np.ndarray) -> Film:
        """Make a film of grey frames in [0, 1]."""
        frames = np.clip(np.stack(grey), 0, 1).astype(np.float32) * 255
        return np.repeat(frames[..., None], 3, 3), labels


def speed(rng: np.random.Generator) -> float:
    """Draw a speed, in extents a frame: from still to fast; faster where frames were skipped."""
    skipped = rng.choice(SKIPPED, p=SKIPS)
    return float(skipped * np.exp(rng.uniform(np.log(0.005), np.log(0.16))))


def numbered(rng: np.random.Generator, ids: np.ndarray, main: int) -> np.ndarray:
    """Return (T, h, w) uint8 labels: id `main` is 1, up to three others follow.

    Parameters
    ----------
    rng : numpy Generator
    ids : (T, h, w) int, 0 background
    main : int
    """
    others = np.setdiff1d(np.unique(ids[0]), (0, main))
    chosen = rng.permutation(others)[: rng.integers(MOST_OBJECTS)]
    table = np.zeros(int(max(ids.max(), main)) + 1, np.uint8)
    for number, each in enumerate((main, *chosen), start=1):
        table[each] = number
    return table[ids]

"""A simulated person: where the next click goes."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["first_click", "next_click"]

DEEPEST = 0.5  # share of first clicks that hit the deepest place of the object


def first_click(truth: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return y, x and 1: somewhere inside, rather far from the border.

    Parameters
    ----------
    truth : (H, W) bool, not empty
    """
    return (*_place(truth, rng), 1.0)


def next_click(
    truth: np.ndarray, mask: np.ndarray, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return y, x and 1 or -1: in the largest piece of what is missing or too much, else 0s."""
    largest, sign, most = None, 0.0, 4
    for error, kind in ((truth & ~mask, 1.0), (mask & ~truth, -1.0)):
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(error.astype(np.uint8))
        if count > 1:
            piece = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
            if stats[piece, cv2.CC_STAT_AREA] > most:
                largest, sign, most = pieces == piece, kind, stats[piece, cv2.CC_STAT_AREA]
    if largest is None:
        return 0.0, 0.0, 0.0
    return (*_place(largest, rng), sign)


def _place(region: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    depth = cv2.distanceTransform(np.pad(region.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    if rng.random() < DEEPEST:
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    else:
        ys, xs = np.where(depth > 0.4 * depth.max())
        chosen = int(rng.integers(len(ys)))
        y, x = ys[chosen], xs[chosen]
    return float(y), float(x)

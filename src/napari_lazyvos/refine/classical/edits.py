"""Masks that clicks ask for by contradicting another mask: a region more, or a region less.

People click in the middle of what is wrong. The distance from the click to the border of the mask
is then about the inner radius of the error, which says how much should change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from napari_lazyvos.refine.classical.candidates import Candidates
from napari_lazyvos.refine.protocol import Click

__all__ = ["apply_clicks", "contradicts", "disc", "edit", "expected_change", "held_parts", "pixel"]

CHOICES = 8  # regions that are tried for one click
ALIKE = 0.85  # overlap from which two regions are one choice
DISC = 0.02  # of the frame's short side: what a click changes where nothing can be seen
CHANGE, SPREAD = 1.0, 1.0  # mean and deviation of log(changed area / that of the inner disc)
SPREAD_APART = 2.5  # the latter below the mean, where what is missing may lie apart from the mask


def pixel(click: Click) -> tuple[int, int]:
    """Return the row and column of the pixel that a click lies in."""
    return round(click.y), round(click.x)


def contradicts(click: Click, mask: np.ndarray) -> bool:
    """Return whether a click says something else than a (H, W) bool mask."""
    return bool(mask[pixel(click)]) != click.positive


@dataclass(frozen=True, slots=True)
class Expected:
    """How much of a mask should change, as the places of contradicting clicks tell."""

    area: float  # of the largest discs of error around those clicks, in pixels; 0: nothing is wrong
    below: float  # deviation of the logarithm of smaller changes

    def cost(self, change: np.ndarray) -> np.ndarray:
        """Return what changes of these areas, in pixels, take off a score."""
        off = np.log(np.maximum(change, 1) / max(self.area, 1)) - CHANGE
        return np.asarray(0.5 * (off / np.where(off < 0, self.below, SPREAD)) ** 2)


def expected_change(mask: np.ndarray, clicks: Sequence[Click]) -> Expected:
    """Return how much of a (H, W) bool mask the clicks that contradict it ask to change."""
    area, below = 0.0, SPREAD
    for click in clicks:
        if contradicts(click, mask):
            same = (mask if mask[pixel(click)] else ~mask).astype(np.uint8)
            depth = cv2.distanceTransform(np.pad(same, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
            area += np.pi * float(depth[pixel(click)]) ** 2
            below = SPREAD_APART if click.positive else below
    return Expected(area, below)


def edit(
    mask: np.ndarray,
    clicks: Sequence[Click],
    find: Callable[[Click], Candidates],
    judge: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, float]:
    """Change a mask, click after click, until none contradicts it.

    Parameters
    ----------
    mask : (H, W) bool
    clicks : on this frame
    find : the regions around a click
    judge : (k, H, W) bool masks to their (k,) scores

    Returns
    -------
    (k, H, W) bool and float
        What the last change could be, best first, and the score of the first. The mask alone if
        nothing contradicts it.
    """
    choices = apply_clicks(mask, clicks)[None]
    scores = judge(choices)
    for click in clicks:
        if not contradicts(click, mask):
            continue
        opposite = [other for other in clicks if other.positive != click.positive]
        regions, chances = _regions(find(click), click, opposite, mask)
        changed = [mask | region if click.positive else mask & ~region for region in regions]
        choices = np.stack([apply_clicks(one, clicks) for one in changed])
        scores = judge(choices)
        order = np.argsort(-scores - chances, kind="stable")
        choices, scores = choices[order], scores[order]
        mask = choices[0]
    return choices, float(scores[0])


def _regions(
    candidates: Candidates, click: Click, forbidden: Sequence[Click], mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the likeliest regions that a click changes, and their scores.

    None holds a click of the other kind. The disc that reaches the mask's border is always one.
    """
    area, shared = candidates.areas(mask)
    change = area - shared if click.positive else shared
    expected = expected_change(mask, [click])
    scores = candidates.scores - expected.cost(change)
    for other in forbidden:
        scores[candidates.holds(*pixel(other))] = -np.inf
    best = _unlike(candidates, scores)
    shape = (mask.shape[0], mask.shape[1])
    inner = disc(*pixel(click), shape, np.sqrt(expected.area / np.pi))
    regions = [candidates.in_frame(i, shape) >= 0.5 for i in best]
    worst = min([*candidates.scores[best], 0.0])
    return np.stack([*regions, inner]), np.array([*candidates.scores[best], worst])


def _unlike(candidates: Candidates, scores: np.ndarray) -> list[int]:
    """Return the best of the regions, no two of which are nearly the same."""
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if len(chosen) == CHOICES or not np.isfinite(scores[index]):
            break
        if all(candidates.overlap[index, other] < ALIKE for other in chosen):
            chosen.append(int(index))
    return chosen


def disc(y: int, x: int, shape: tuple[int, int], radius: float | None = None) -> np.ndarray:
    """Return a (H, W) bool disc around a place; a small one if no radius in pixels is given."""
    size = DISC * min(shape) if radius is None else radius
    canvas = np.zeros(shape, np.uint8)
    return cv2.circle(canvas, (x, y), max(1, round(size)), 1, cv2.FILLED).astype(bool)


def apply_clicks(mask: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Return a mask that obeys all clicks, reduced to the parts that hold a positive one."""
    mask = mask.copy()
    for click in clicks:
        mask[pixel(click)] = click.positive
    return held_parts(mask, [click for click in clicks if click.positive])


def held_parts(mask: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Return the connected parts of a mask that hold one of the clicks."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    held = {int(parts[pixel(click)]) for click in clicks} - {0}
    return np.isin(parts, list(held))

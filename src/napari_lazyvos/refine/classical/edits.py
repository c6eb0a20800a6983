"""Masks that clicks ask for by contradicting another mask: a region more, or a region less.

People click in the middle of what is wrong. The distance from the click to the border of the mask
is then about the inner radius of the error, which says how much should change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from napari_lazyvos.refine.classical.candidates import Candidates
from napari_lazyvos.refine.protocol import Click

__all__ = ["apply_clicks", "contradicts", "disc", "edit", "expected_change", "pixel", "surprise"]

CHOICES = 8  # regions that are tried for one click
ALIKE = 0.85  # overlap from which two regions are one choice
DISC = 0.02  # of the frame's short side: what a click changes where nothing can be seen
CHANGE, SPREAD = 1.0, 1.0  # mean and deviation of log(changed area / that of the inner disc)


def pixel(click: Click) -> tuple[int, int]:
    """Return the row and column of the pixel that a click lies in."""
    return round(click.y), round(click.x)


def contradicts(click: Click, mask: np.ndarray) -> bool:
    """Return whether a click says something else than a (H, W) bool mask."""
    return bool(mask[pixel(click)]) != click.positive


def expected_change(mask: np.ndarray, clicks: Sequence[Click]) -> float:
    """Return the area, in pixels, of the largest discs of error around contradicting clicks."""
    total = 0.0
    for click in clicks:
        if contradicts(click, mask):
            same = (mask if mask[pixel(click)] else ~mask).astype(np.uint8)
            depth = cv2.distanceTransform(np.pad(same, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
            total += np.pi * float(depth[pixel(click)]) ** 2
    return total


def surprise(change: np.ndarray, expected: float) -> np.ndarray:
    """Return what a change of this area, in pixels, costs when another one is expected."""
    ratio = np.log(np.maximum(change, 1) / max(expected, 1))
    return np.asarray(0.5 * ((ratio - CHANGE) / SPREAD) ** 2)


def edit(
    mask: np.ndarray,
    clicks: Sequence[Click],
    find: Callable[[Click], Candidates],
    judge: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Change a mask, click after click, until none contradicts it.

    Parameters
    ----------
    mask : (H, W) bool
    clicks : on this frame
    find : the regions around a click
    judge : (k, H, W) bool masks to their (k,) scores

    Returns
    -------
    (k, H, W) bool
        What the last change could be, best first. The mask alone if nothing contradicts it.
    """
    choices = apply_clicks(mask, clicks, mask)[None]
    for click in clicks:
        if not contradicts(click, mask):
            continue
        opposite = [other for other in clicks if other.positive != click.positive]
        regions, chances = _regions(find(click), click, opposite, mask)
        changed = [mask | region if click.positive else mask & ~region for region in regions]
        choices = np.stack([apply_clicks(one, clicks, mask) for one in changed])
        choices = choices[np.argsort(-judge(choices) - chances, kind="stable")]
        mask = choices[0]
    return choices


def _regions(
    candidates: Candidates, click: Click, forbidden: Sequence[Click], mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the likeliest regions that a click changes, and their scores.

    None holds a click of the other kind. The disc that reaches the mask's border is always one.
    """
    area, shared = candidates.areas(mask)
    change = area - shared if click.positive else shared
    expected = expected_change(mask, [click])
    scores = candidates.scores - surprise(change, expected)
    for other in forbidden:
        scores[candidates.holds(*pixel(other))] = -np.inf
    best = _unlike(candidates, scores)
    shape = (mask.shape[0], mask.shape[1])
    inner = disc(*pixel(click), shape, np.sqrt(expected / np.pi))
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


def apply_clicks(
    mask: np.ndarray, clicks: Sequence[Click], before: np.ndarray | None = None
) -> np.ndarray:
    """Return a mask that obeys all clicks, reduced to the parts that belong to the object.

    Those are the parts that hold a positive click, and whole parts of the mask before.
    """
    mask = mask.copy()
    for click in clicks:
        mask[pixel(click)] = click.positive
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    kept = {int(parts[pixel(click)]) for click in clicks if click.positive} - {0}
    if before is not None and count - 1 > len(kept):
        _, old = cv2.connectedComponents(before.astype(np.uint8), connectivity=8)
        sizes = np.bincount(old.ravel())
        for part in set(range(1, count)) - kept:
            inside = old[parts == part]
            if (inside == inside[0]).all() and inside[0] and sizes[inside[0]] == inside.size:
                kept.add(part)
    return np.isin(parts, list(kept))

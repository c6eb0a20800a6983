"""Masks that clicks ask for by contradicting another mask: a region more, or a region less."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from napari_lazyvos.refine.classical.candidates import Candidates
from napari_lazyvos.refine.protocol import Click

__all__ = ["apply_clicks", "contradicts", "disc", "edit", "pixel"]

CHOICES = 8  # regions that are tried for one click
ALIKE = 0.85  # overlap from which two regions are one choice
DISC = 0.02  # of the frame's short side: what a click changes where nothing can be seen


def pixel(click: Click) -> tuple[int, int]:
    """Return the row and column of the pixel that a click lies in."""
    return round(click.y), round(click.x)


def contradicts(click: Click, mask: np.ndarray) -> bool:
    """Return whether a click says something else than a (H, W) bool mask."""
    return bool(mask[pixel(click)]) != click.positive


def edit(
    mask: np.ndarray,
    clicks: Sequence[Click],
    find: Callable[[Click], Candidates],
    judge: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Change a mask, click after click, until none contradicts it.

    Parameters
    ----------
    mask : (H, W) bool
    clicks : on this frame
    find : the regions around a click
    judge : (k, H, W) bool masks to their (k,) scores

    Returns
    -------
    (k, H, W) bool and (k,) float
        What the last change could be, best first, and scores. The mask alone if nothing changed.
    """
    choices = apply_clicks(mask, clicks)[None] if clicks else mask[None]
    scores = np.zeros(1)
    for click in clicks:
        if not contradicts(click, mask):
            continue
        opposite = [other for other in clicks if other.positive != click.positive]
        regions, chances = _regions(find(click), opposite, mask.shape)
        changed = [mask | region if click.positive else mask & ~region for region in regions]
        choices = np.stack([apply_clicks(one, clicks) for one in changed])
        scores = judge(choices) + chances
        order = np.argsort(-scores, kind="stable")
        choices, scores = choices[order], scores[order]
        mask = choices[0]
    return choices, scores


def _regions(
    candidates: Candidates, forbidden: Sequence[Click], shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the likeliest regions around a click that hold no click of the other kind."""
    scores = candidates.scores.copy()
    for click in forbidden:
        scores[candidates.holds(*pixel(click))] = -np.inf
    best = _unlike(candidates, scores)
    if not best:
        centre = candidates.windows[0]
        return disc(centre.y, centre.x, shape)[None], np.zeros(1)
    regions = np.stack([candidates.in_frame(i, (shape[0], shape[1])) >= 0.5 for i in best])
    return regions, scores[best]


def _unlike(candidates: Candidates, scores: np.ndarray) -> list[int]:
    """Return the best of the regions, no two of which are nearly the same."""
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if len(chosen) == CHOICES or not np.isfinite(scores[index]):
            break
        if all(candidates.overlap[index, other] < ALIKE for other in chosen):
            chosen.append(int(index))
    return chosen


def disc(y: float, x: float, shape: tuple[int, ...]) -> np.ndarray:
    """Return a small (H, W) bool disc around a place."""
    radius = max(1, round(DISC * min(shape)))
    canvas = np.zeros(shape, np.uint8)
    return cv2.circle(canvas, (round(x), round(y)), radius, 1, cv2.FILLED).astype(bool)


def apply_clicks(mask: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Return a mask that obeys all clicks, reduced to the parts that hold a positive one."""
    mask = mask.copy()
    for click in clicks:
        mask[pixel(click)] = click.positive
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    kept = [parts[pixel(click)] for click in clicks if click.positive]
    return np.isin(parts, [part for part in kept if part > 0])

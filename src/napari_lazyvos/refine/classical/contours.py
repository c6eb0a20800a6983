"""Closed contours around a click, by dynamic programming in polar coordinates.

Every contour that meets each ray from the click once is a path r(angle); the best one under a sum
of edge strengths, closed and with bounded slope, is found exactly up to the closing (the circular
shortest paths of Sun & Pallottino, Pattern Recognition 36, 2003). It needs no closed edge, which is
what floods fail on.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from napari_lazyvos.refine.classical.window import SAMPLES, Window

__all__ = ["KINDS", "contour_regions"]

KINDS = 8  # edges falling, rising, in colour, bright and dark ridges; the first three with a region
ANGLES = 64
RADII = 40
INNER, OUTER = 0.12, 0.92  # of the window's radius; smaller regions fit smaller windows
CLIP = 1.0  # window contrasts: a stronger edge counts no more, or one bright spot bends the contour
SMOOTH = 1.5  # samples; blur of the window before the rays are taken
SIMILARITY = 0.15  # weight of "the inside looks like the click" against "there is an edge here"


def contour_regions(windows: Sequence[Window]) -> list[np.ndarray]:
    """Return, for every window, (n, SAMPLES, SAMPLES) bool regions around its centre."""
    if not windows:
        return []
    rewards = np.stack([_rewards(window) for window in windows])  # (windows, kinds, ANGLES, RADII)
    kinds = rewards.shape[1]
    paths = _closed_paths(rewards.reshape(-1, ANGLES, RADII)).reshape(len(windows), kinds, ANGLES)
    return [np.stack([_fill(path) for path in of_window]) for of_window in paths]


def _radii() -> np.ndarray:
    return np.linspace(INNER, OUTER, RADII) * SAMPLES / 2


def _rays(extra: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of (ANGLES, RADII + 2 * extra) points, `extra` more on both sides."""
    radii = _radii()
    step = radii[1] - radii[0]
    reach = np.concatenate(
        [radii[0] + step * np.arange(-extra, 0), radii, radii[-1] + step * np.arange(1, extra + 1)]
    )
    angles = np.arange(ANGLES) * 2 * np.pi / ANGLES
    centre = (SAMPLES - 1) / 2
    x = centre + np.cos(angles)[:, None] * reach
    y = centre + np.sin(angles)[:, None] * reach
    return x.astype(np.float32), y.astype(np.float32)


def _rewards(window: Window) -> np.ndarray:
    """Return (kinds, ANGLES, RADII): what a contour gains by passing each point of each ray."""
    extra = 2
    x, y = _rays(extra)
    image = cv2.GaussianBlur(window.lab, (0, 0), SMOOTH)
    polar = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inner, here, outer = polar[:, :-4], polar[:, 2:-2], polar[:, 4:]
    fall = (inner - outer)[..., 0]
    colour = np.linalg.norm(inner - outer, axis=-1)
    ridge = here[..., 0] - 0.5 * (inner + outer)[..., 0]
    edges = [
        np.clip(fall, -CLIP, CLIP),
        np.clip(-fall, -CLIP, CLIP),
        np.clip(colour, 0, CLIP),
        2 * np.clip(ridge, 0, CLIP),
        2 * np.clip(-ridge, 0, CLIP),
    ]
    own = _likeness(image, here)
    return np.stack([*edges, *(edge + own for edge in edges[:3])]).astype(np.float32)


def _likeness(image: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Return (ANGLES, RADII): how much more of the ray up to each point is like the click than not.

    The sum over the inside of a star-shaped region is a sum over its rays, so a region term fits
    the same dynamic programme.
    """
    middle = SAMPLES // 2
    own = image[middle - 3 : middle + 3, middle - 3 : middle + 3].reshape(-1, 3).mean(axis=0)
    away = np.linalg.norm(here - own, axis=-1)
    like = np.clip(0.5 * float(np.median(away)) + 0.25 - away, -1, 1)
    weight = _radii() / _radii().mean()
    return SIMILARITY * np.cumsum(like * weight, axis=1)


def _closed_paths(rewards: np.ndarray) -> np.ndarray:
    """Return (n, ANGLES) indices of the radius at each angle for (n, ANGLES, RADII) rewards.

    Two turns are walked and the second is kept: its two ends then differ by a step or two at most.
    """
    count = len(rewards)
    total = np.zeros((count, RADII), np.float32)
    came = np.empty((2 * ANGLES, count, RADII), np.int8)
    padded = np.full((count, RADII + 2), -np.inf, np.float32)
    for turn in range(2 * ANGLES):
        padded[:, 1:-1] = total
        choices = np.stack([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]])
        best = choices.argmax(axis=0)
        came[turn] = best - 1
        total = choices.max(axis=0) + rewards[:, turn % ANGLES]
    index = total.argmax(axis=1)
    path = np.empty((count, ANGLES), np.int64)
    rows = np.arange(count)
    for turn in range(2 * ANGLES - 1, 0, -1):
        if turn < ANGLES + ANGLES // 2 and turn >= ANGLES // 2:
            path[:, turn % ANGLES] = index
        index = np.clip(index + came[turn][rows, index], 0, RADII - 1)
    return path


def _fill(path: np.ndarray) -> np.ndarray:
    radius = _radii()[path]
    angles = np.arange(ANGLES) * 2 * np.pi / ANGLES
    centre = (SAMPLES - 1) / 2
    points = np.stack([centre + np.cos(angles) * radius, centre + np.sin(angles) * radius], axis=1)
    canvas = np.zeros((SAMPLES, SAMPLES), np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], 1, shift=4)
    return canvas.astype(bool)

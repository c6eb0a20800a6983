"""Pictures made from noise: cells side by side, and organs as ultrasound and CT show them."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree

from training.data.pictures import Picture

__all__ = ["cells", "organs", "scan", "smooth", "tissue"]

SIDE = 224
"""Of the pictures, in pixels."""


def smooth(rng: np.random.Generator, side: int, step: float, channels: int = 1) -> np.ndarray:
    """Return smooth noise of deviation about 1 that changes over `step` pixels: (side, side, C)."""
    count = max(2, int(side / max(step, 1)) + 2)
    rough = rng.standard_normal((count, count, channels)).astype(np.float32)
    whole = cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC)
    return whole.reshape(side, side, channels)


def cells(rng: np.random.Generator) -> Picture:
    """Return cells of a Voronoi mosaic: membranes, bright or dark bodies, or phase contrast."""
    count = int(rng.integers(8, 60))
    centres = rng.uniform(0, SIDE, (count, 2))
    bend = smooth(rng, SIDE, 12, 2) * SIDE * 0.02
    places = np.indices((SIDE, SIDE)).transpose(1, 2, 0) + bend
    two, nearest = cKDTree(centres).query(places, k=2)
    first, gap, labels = two[..., 0], two[..., 1] - two[..., 0], nearest[..., 0] + 1
    pitch = SIDE / np.sqrt(count)
    kind = rng.integers(4)
    if kind == 0:  # membranes
        shade = 0.1 * rng.random(count + 1)
        image = np.exp(-((gap / (pitch * 0.12)) ** 2)) * rng.uniform(0.3, 1) + shade[labels]
    else:
        inside = (first < pitch * rng.uniform(0.3, 0.55)) & (gap > pitch * rng.uniform(0, 0.1))
        labels = np.where(inside, labels, 0)
        body = inside.astype(np.float32)
        if kind == 1:  # bright bodies, each of its own shade
            shade = rng.uniform(0.2, 0.9, count + 1)
            image = 0.1 + cv2.GaussianBlur((body * shade[labels]).astype(np.float32), (0, 0), 1)
        else:  # phase contrast: a halo, and an inside near to the background
            halo = body - cv2.GaussianBlur(body, (0, 0), rng.uniform(1.5, 4))
            image = 0.45 + rng.choice([-0.9, 0.9]) * halo + rng.uniform(-0.1, 0.1) * body
            image = image + body * smooth(rng, SIDE, 5)[..., 0] * rng.uniform(0, 0.12)
    image = image + smooth(rng, SIDE, 4)[..., 0] * 0.06 * rng.random()
    return _picture(rng, image, labels, "cells")


def organs(rng: np.random.Generator) -> Picture:
    """Return smooth shapes whose greys are near each other, as in CT and MR."""
    shapes = smooth(rng, SIDE, rng.uniform(30, 70))[..., 0]
    count, labels = cv2.connectedComponents((shapes > rng.uniform(0.2, 0.8)).astype(np.uint8))
    base = rng.uniform(0.2, 0.7)
    shade = base + rng.uniform(-0.3, 0.3, count)
    shade[0] = base
    image = shade[labels] + 0.1 * (smooth(rng, SIDE, 40)[..., 0] > 0.4) * rng.uniform(-1, 1)
    image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), rng.uniform(0.7, 2))
    image = image + smooth(rng, SIDE, 6)[..., 0] * rng.uniform(0, 0.08)
    image = image + smooth(rng, SIDE, 200)[..., 0] * rng.uniform(0, 0.15)  # the coil's field
    return _picture(rng, image, labels, "organs")


def scan(rng: np.random.Generator) -> Picture:
    """Return dark chambers in bright speckled walls within a fan, as ultrasound shows them."""
    shapes = smooth(rng, SIDE, rng.uniform(40, 90))[..., 0]
    level = rng.uniform(0.0, 0.6)
    _, labels = cv2.connectedComponents((shapes > level).astype(np.uint8))
    wall = np.exp(-(((shapes - level) / rng.uniform(0.2, 0.5)) ** 2)) * (shapes <= level)
    image = rng.uniform(0.05, 0.25) + wall * rng.uniform(0.2, 0.7)
    image = image - (labels > 0) * rng.uniform(0.02, 0.2)
    image = image * (0.6 + 0.5 * smooth(rng, SIDE, 60)[..., 0])  # walls drop out
    speckle = np.abs(smooth(rng, SIDE, rng.uniform(2, 4))[..., 0])
    image = image * (1 - (part := rng.uniform(0.3, 0.9)) + part * speckle)
    rows, columns = np.indices((SIDE, SIDE))
    angle = np.abs(np.arctan2(columns - SIDE / 2, rows + rng.uniform(5, 60)))
    within = angle < rng.uniform(0.5, 0.9)
    image, labels = image * within, labels * within
    return _picture(rng, image, labels, "scan")


def tissue(rng: np.random.Generator) -> Picture:
    """Return red folds with glare, as an endoscope sees them."""
    shapes = smooth(rng, SIDE, rng.uniform(40, 90))[..., 0]
    count, labels = cv2.connectedComponents((shapes > rng.uniform(0.2, 0.8)).astype(np.uint8))
    fine = smooth(rng, SIDE, 5)[..., 0] * 0.04 + smooth(rng, SIDE, 18)[..., 0] * 0.1
    shade = 0.55 + rng.uniform(-0.25, 0.25, count)
    light = shade[labels] + fine + 0.1 * np.gradient(shapes)[0] * 20
    hues = rng.uniform((0.9, 0.3, 0.25), (1.1, 0.6, 0.55), (count, 3))
    image = light[..., None] * hues[labels]
    image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.8)
    return Picture(_to_bytes(image), labels.astype(np.int32), "tissue")


def _picture(
    rng: np.random.Generator, image: np.ndarray, labels: np.ndarray, family: str
) -> Picture:
    """Return a grey picture; cells are now and then tinted by a stain."""
    stained = family == "cells" and rng.random() < 0.15
    tint = rng.uniform(0.4, 1, 3) if stained else np.ones(3)
    return Picture(_to_bytes(image[..., None] * tint), labels.astype(np.int32), family)


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)

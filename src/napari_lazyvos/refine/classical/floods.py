"""Connected regions around a click, by flooding several maps to many levels.

Each map grows away from the click: brightness above or below a level (the branch of the max-tree
and min-tree that holds the click), distance in colour, and gradient as a barrier.
"""

from __future__ import annotations

import cv2
import numpy as np

from napari_lazyvos.refine.classical.window import SAMPLES, Window

__all__ = ["flood_regions"]

LEVELS = 10  # per map
SMALLEST, LARGEST = 0.02, 0.6  # area of a region, of its window's: others fit another window
OPENING = 7  # samples; cuts the thin leaks of a flood
CLICK = 3  # samples; the click stands for the mean of this neighbourhood


def flood_regions(window: Window) -> np.ndarray:
    """Return (n, SAMPLES, SAMPLES) bool regions that hold the window's centre."""
    regions: list[np.ndarray] = []
    for scalar in _maps(window):
        regions.extend(_floods(scalar, window.inside))
    if not regions:
        return np.zeros((0, SAMPLES, SAMPLES), bool)
    return np.stack(regions)


def _maps(window: Window) -> list[np.ndarray]:
    """Return float maps, 0 at the click and growing with unlikeness to it."""
    maps = []
    middle = slice(SAMPLES // 2 - CLICK, SAMPLES // 2 + CLICK)
    for sigma in (0.8, 2.5):
        image = cv2.GaussianBlur(window.lab, (0, 0), sigma)
        own = image[middle, middle].reshape(-1, 3).mean(axis=0)
        maps.append(np.linalg.norm(image - own, axis=-1))
        maps.append(np.maximum(own[0] - image[..., 0], 0))
        maps.append(np.maximum(image[..., 0] - own[0], 0))
    for sigma in (2.0, 4.0):  # objects that differ from the background in texture alone
        texture = _texture(window.lab[..., 0], sigma)
        maps.append(np.maximum(texture[middle, middle].max() - texture, 0))
    barrier = _gradient(cv2.GaussianBlur(window.lab, (0, 0), 1.5))
    barrier[middle, middle] = 0
    maps.append(barrier)
    return maps


def _texture(light: np.ndarray, sigma: float) -> np.ndarray:
    """Return the local standard deviation, blurred so that it has no holes between the grains."""
    mean = cv2.GaussianBlur(light, (0, 0), sigma)
    square = cv2.GaussianBlur(light**2, (0, 0), sigma)
    return np.asarray(cv2.GaussianBlur(np.sqrt(np.maximum(square - mean**2, 0)), (0, 0), sigma))


def _gradient(image: np.ndarray) -> np.ndarray:
    across = cv2.Sobel(image, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(image, cv2.CV_32F, 0, 1) / 8
    return np.asarray(np.sqrt((across**2 + down**2).sum(axis=-1)))


def _floods(scalar: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """Return the regions of {scalar <= level} around the centre that have a fitting size."""
    scalar = scalar.copy()
    centre = SAMPLES // 2
    scalar[centre - 1 : centre + 1, centre - 1 : centre + 1] = 0
    scalar[~inside] = np.inf
    values = np.sort(scalar[inside])
    regions: list[np.ndarray] = []
    last = 0
    for share in np.linspace(0.02, 0.9, LEVELS):
        level = values[int(share * (len(values) - 1))]
        region = _component(scalar <= level)
        area = int(np.count_nonzero(region))
        if area > LARGEST * SAMPLES**2:
            break
        if area < SMALLEST * SAMPLES**2 or area < 1.1 * last:
            continue
        last = area
        regions.append(region)
        opened = _opened(region)
        if opened is not None:
            regions.append(opened)
    return regions


def _component(mask: np.ndarray) -> np.ndarray:
    """Return the part of a mask that is connected to the centre, with its holes filled."""
    canvas = mask.astype(np.uint8)
    cv2.floodFill(canvas, None, (SAMPLES // 2, SAMPLES // 2), 2)
    part = (canvas == 2).astype(np.uint8)
    outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(part, outlines, -1, 1, cv2.FILLED)
    return np.asarray(part.astype(bool))


def _opened(region: np.ndarray) -> np.ndarray | None:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OPENING, OPENING))
    opened = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)
    if not opened[SAMPLES // 2, SAMPLES // 2]:
        return None
    opened = _component(opened)
    enough = np.count_nonzero(opened) >= SMALLEST * SAMPLES**2
    return opened if enough and (opened != region).sum() > 0.03 * region.sum() else None

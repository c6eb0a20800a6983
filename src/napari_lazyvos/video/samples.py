"""Sample videos that need no download: a generated cell movie with its truth, and a real clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

__all__ = ["cells", "echocardiogram"]

SEED = 7


def cells(
    frames: int = 60, height: int = 256, width: int = 320, *, count: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Generate a fluorescence movie of cells that crawl and deform, with the truth.

    The same arguments always give the same movie. The first cell leaves the field of view; the
    last two pass by each other.

    Returns
    -------
    movie : (frames, height, width) uint16, counts of a 12-bit camera
    labels : (frames, height, width) uint8, 0 = background, 1 to `count` = cells
    """
    rng = np.random.default_rng(SEED)
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    movie = np.zeros((frames, height, width), np.uint16)
    labels = np.zeros((frames, height, width), np.uint8)
    start = rng.uniform(0.15, 0.85, (count, 2)) * (height, width)
    speed = rng.normal(0, 0.6, (count, 2))
    radius = rng.uniform(13, 20, count)
    phase = rng.uniform(0, 2 * np.pi, (count, 4))
    for t in range(frames):
        light = np.zeros((height, width), np.float32)
        for i in range(count):
            y, x = start[i] + speed[i] * t
            angle = np.arctan2(yy - y, xx - x)
            edge = radius[i] * (
                1
                + 0.12 * np.sin(2 * angle + phase[i, 0] + t / 9)
                + 0.07 * np.sin(3 * angle + phase[i, 1] - t / 7)
            )
            depth = 1 - np.hypot(yy - y, xx - x) / edge
            inside = depth > 0
            labels[t][inside] = i + 1
            light[inside] = 0.4 + 0.6 * np.sqrt(depth[inside])
        blurred = ndimage.gaussian_filter(light, 1.2)
        movie[t] = np.clip(
            rng.poisson(100 + 900 * blurred) + rng.normal(0, 6, blurred.shape), 0, 4095
        )
    return movie, labels


def echocardiogram() -> Path:
    """Return a real ultrasound clip of a heart (DICOM, 30 frames, 240 x 320) that pydicom ships."""
    from pydicom.examples import get_path

    return Path(get_path("ybr_color"))

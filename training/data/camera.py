"""What a camera makes of a scene: light, noise, blur."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["record"]


def record(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Return (T, h, w, 3) float32 frames in [0, 1] as they were recorded."""
    if rng.random() < 0.15:
        frames = np.repeat(frames.mean(3, keepdims=True), 3, 3)
    if rng.random() < 0.3:  # light that flickers, or a stain that bleaches
        light = 1 + np.cumsum(rng.normal(rng.choice([0, -0.02]), 0.04, len(frames)))
        frames = frames * np.clip(light, 0.2, 2)[:, None, None, None]
    if rng.random() < 0.3:  # little contrast
        frames = frames * rng.uniform(0.15, 0.8) + rng.uniform(0, 0.3)
    if rng.random() < 0.25:
        frames = np.stack([cv2.GaussianBlur(f, (0, 0), rng.uniform(0.5, 1.5)) for f in frames])
    if rng.random() < 0.1:
        frames = np.stack([_drag(rng, f) for f in frames])
    grain = rng.choice([0, 0.04, 0.12, 0.28])
    if grain:
        shape = (*frames.shape[:3], 1 if rng.random() < 0.6 else 3)
        frames = frames + rng.standard_normal(shape) * grain * frames.std()
    return np.clip(frames, 0, 1).astype(np.float32)


def _drag(rng: np.random.Generator, frame: np.ndarray) -> np.ndarray:
    """Blur along a line."""
    length, angle = int(rng.integers(3, 9)), rng.uniform(0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 2 * length):
        row, column = middle + step * np.sin(angle), middle + step * np.cos(angle)
        kernel[round(row), round(column)] = 1
    return cv2.filter2D(frame, -1, kernel / kernel.sum())

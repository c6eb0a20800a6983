"""What a camera makes of a scene: light, noise, blur."""

from __future__ import annotations

import cv2
import numpy as np

from training.data.procedural import smooth

__all__ = ["record", "scope"]

LEAST_CONTRAST = 0.04  # deviation of the greys below which nobody would see anything


def record(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Return (T, h, w, 3) float32 frames in [0, 1] as they were recorded."""
    if rng.random() < 0.15:
        frames = np.repeat(frames.mean(3, keepdims=True), 3, 3)
    if rng.random() < 0.3:  # light that flickers, or a stain that bleaches
        light = 1 + np.cumsum(rng.normal(rng.choice([0, -0.02]), 0.04, len(frames)))
        frames = frames * np.clip(light, 0.2, 2)[:, None, None, None]
    if rng.random() < 0.4:  # surfaces turn to the light, and away
        frames = frames * _shade(rng, frames)
    if rng.random() < 0.3 or frames.max() < 0.5:  # read as percentiles, as scientists' files are
        low, high = np.percentile(frames, (0.5, 99.7))
        frames = (frames - low) / max(high - low, 0.02)
    if rng.random() < 0.3:  # little contrast
        share = max(rng.uniform(0.15, 0.8), LEAST_CONTRAST / (frames.std() + 1e-6))
        frames = frames * min(share, 1.0) + rng.uniform(0, 0.3)
    if rng.random() < 0.25:
        frames = np.stack([cv2.GaussianBlur(f, (0, 0), rng.uniform(0.5, 1.5)) for f in frames])
    if rng.random() < 0.1:
        frames = np.stack([_drag(rng, f) for f in frames])
    grain = rng.choice([0, 0.04, 0.12, 0.28])
    if grain:
        shape = (*frames.shape[:3], 3 if _coloured(frames) and rng.random() < 0.6 else 1)
        noise = rng.standard_normal(shape, np.float32) * np.float32(grain * frames.std())
        frames = frames + (noise if rng.random() < 0.7 else noise * _shot(frames))
    return np.clip(frames, 0, 1).astype(np.float32)


def scope(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Add what an endoscope's lamp does, in camera space: glare on wet folds, a dark border."""
    side = frames.shape[1]
    rows, columns = np.indices((side, side), dtype=np.float32) / side - rng.uniform(0.4, 0.6)
    lamp = np.clip(1.25 - rng.uniform(0.6, 1.8) * (rows**2 + columns**2), 0.2, 1)[..., None]
    wet, other = smooth(rng, side, side / rng.uniform(6, 12), 2).transpose(2, 0, 1)
    level = rng.uniform(1.8, 3.5)
    lit = []
    for t, frame in enumerate(frames):  # glare stays with the lamp, and flickers as folds move
        change = min(1.0, 0.15 * t)
        spots = np.clip((wet * (1 - change) + other * change - level) * 4, 0, 1)
        spots = cv2.GaussianBlur(spots, (0, 0), 0.7)[..., None]
        lit.append(frame * lamp * (1 - spots) + spots)
    return np.stack(lit).astype(np.float32)


def _coloured(frames: np.ndarray) -> bool:
    return not np.array_equal(frames[0, ..., 0], frames[0, ..., 2])


def _shade(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Return (T, h, w, 3) gains, 1 in the first frame: smooth in space, wandering in time."""
    count, height, width = frames.shape[:3]
    steps = rng.normal(0, rng.uniform(0.05, 0.25), (count, 5, 5, 1))
    tint = rng.uniform(0, 0.06) if _coloured(frames) else 0.0
    steps = steps + rng.normal(0, tint, (count, 5, 5, 3))
    steps[0] = 0
    coarse = np.cumsum(steps, 0).astype(np.float32)
    gains = [cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in coarse]
    return np.exp(0.7 * np.tanh(gains))


def _shot(frames: np.ndarray) -> np.ndarray:
    """Return how noise grows with the light, when photons are counted; 1 on average."""
    share = np.sqrt(np.clip(frames.mean(3, keepdims=True), 0, None))
    return share / max(float(share.mean()), 1e-3)


def _drag(rng: np.random.Generator, frame: np.ndarray) -> np.ndarray:
    """Blur along a line."""
    length, angle = int(rng.integers(3, 9)), rng.uniform(0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 2 * length):
        row, column = middle + step * np.sin(angle), middle + step * np.cos(angle)
        kernel[round(row), round(column)] = 1
    return cv2.filter2D(frame, -1, kernel / kernel.sum())

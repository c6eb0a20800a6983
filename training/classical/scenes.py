"""Drawn scenes with known objects: what the training images lack.

Cells with bright walls, dense and spread cells in phase contrast, plain blobs, weak lesions among
smooth organs, and chambers in speckle. Each is drawn with random sizes, contrasts, polarities,
blur and noise, so that no setting of the score fits one look alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

__all__ = ["KINDS", "draw"]

SIDE = 256
Y, X = np.mgrid[:SIDE, :SIDE].astype(float)
Scene = tuple[np.ndarray, np.ndarray]  # brightness, label map


def draw(kind: str, random: np.random.Generator) -> Scene:
    """Return a (3, SIDE, SIDE) float32 frame in [0, 1] and its (SIDE, SIDE) int label map."""
    image, labels = KINDS[kind](random)
    spread = image.std()
    image = image + random.uniform(0.01, 0.08) * spread * random.normal(size=image.shape)
    image = image + random.uniform(0, 0.25) * spread * _noise(random, 40)  # uneven light
    low, high = np.percentile(image, [0.1, 99.9])
    unit = np.clip((image - low) / (high - low), 0, 1) * random.uniform(0.4, 1)
    return np.repeat(unit[None], 3, 0).astype(np.float32), labels


def _walls(random: np.random.Generator) -> Scene:
    spacing = random.uniform(14, 45)
    labels, gap, _ = _tiling(random, spacing)
    width = random.uniform(0.04, 0.2) * spacing
    light = np.exp(-((gap / 2 / width) ** 2)) * (1 + 0.4 * _noise(random, spacing / 2))
    return light, labels


def _dense(random: np.random.Generator) -> Scene:
    spacing = random.uniform(14, 45)
    tiles, gap, distance = _tiling(random, spacing)
    here = random.random(tiles.max() + 1) < random.uniform(0.4, 1)
    body = (gap > random.uniform(0.1, 0.25) * spacing) & here[tiles] & (distance < 0.62 * spacing)
    soft = gaussian_filter(body.astype(float), random.uniform(0.6, 1.2))
    halo = gaussian_filter(body.astype(float), random.uniform(0.08, 0.15) * spacing + 1)
    tone = random.normal(0, 0.25, tiles.max() + 1)[tiles] * soft
    image = random.uniform(0, 0.35) * soft - random.uniform(0.5, 1.2) * halo * (1 - soft)
    image = random.choice([-1, 1]) * image + random.uniform(-1, 1) * _edges(soft)
    return image + tone + 0.15 * _noise(random, 2) * soft, np.where(body, tiles, 0)


def _spread(random: np.random.Generator) -> Scene:
    labels, image = np.zeros((SIDE, SIDE), int), 0.15 * _noise(random, 30)
    for label in range(1, random.integers(4, 10)):
        centre, radius = random.uniform(20, SIDE - 20, 2), random.uniform(12, 34)
        flat = random.uniform(0.4, 1)
        body = (_distance(random, centre, flat, waves=0.25) < radius) & (labels == 0)
        if body.sum() < 60:
            continue
        labels[body] = label
        soft = gaussian_filter(body.astype(float), 0.8)
        inner = np.hypot(Y - centre[0], X - centre[1]) < radius * flat * random.uniform(0.2, 0.4)
        nucleus = gaussian_filter(inner.astype(float), 1)
        grain = random.uniform(0.05, 0.35) * _noise(random, random.uniform(0.8, 2))
        tone = (
            random.uniform(-0.4, 0.3) + grain * (1 + nucleus) + random.uniform(-0.3, 0.3) * nucleus
        )
        image += soft * (tone + random.uniform(-0.5, 0.5) * _edges(nucleus))
        rim = np.clip(1 + 0.8 * _noise(random, 8), 0, None) * _edges(soft)
        image += random.uniform(0.1, 1) * random.choice([-1, 1, 1]) * rim
        for _ in range(random.integers(0, 5)):  # vesicles
            spot = centre + random.normal(size=2) * radius * 0.3
            near = np.hypot(Y - spot[0], X - spot[1]) / random.uniform(1, 2)
            image += (
                soft * random.choice([-1, 1]) * random.uniform(0.5, 1.5) * np.exp(-(near**2) / 2)
            )
    return image, labels


def _blobs(random: np.random.Generator) -> Scene:
    labels, image = np.zeros((SIDE, SIDE), int), np.zeros((SIDE, SIDE))
    polarity, softness = random.choice([-1, 1]), random.uniform(0.4, 2)
    for label in range(1, random.integers(2, 25)):
        radius = random.uniform(4, 40)
        place = random.uniform(10, SIDE - 10, 2)
        body = _distance(random, place, random.uniform(0.6, 1)) < radius
        if labels[binary_dilation(body, iterations=2)].any():
            continue
        labels[body] = label
        soft = gaussian_filter(body.astype(float), min(softness, radius / 6))
        image += polarity * random.uniform(0.5, 1) * soft
    return image * (1 + random.uniform(0, 0.3) * _noise(random, 3)), labels


def _lesion(random: np.random.Generator) -> Scene:
    organs = np.digitize(_noise(random, random.uniform(14, 30)), [-1, 0, 1])
    base = organs * random.uniform(0.15, 0.35) + 0.1 * _noise(random, 25)
    distance = _distance(random, random.uniform(60, 196, 2), random.uniform(0.6, 1), waves=0.1)
    body = distance < random.uniform(8, 45)
    soft = gaussian_filter(body.astype(float), random.uniform(0.7, 2.5))
    image = base * (1 - soft * random.uniform(0.6, 1))
    image += random.choice([-1, 1]) * soft * random.uniform(0.2, 0.6) + 0.04 * _noise(random, 3)
    return image, body.astype(int)


def _speckle(random: np.random.Generator) -> Scene:
    image, labels = _lesion(random)
    return (image - image.min()) * np.abs(1 + 0.5 * _noise(random, random.uniform(1, 2.5))), labels


KINDS: dict[str, Callable[[np.random.Generator], Scene]] = {
    "walls": _walls,
    "dense": _dense,
    "spread": _spread,
    "blobs": _blobs,
    "lesion": _lesion,
    "speckle": _speckle,
}


def _noise(random: np.random.Generator, sigma: float) -> np.ndarray:
    """Return smooth noise of deviation 1."""
    field = gaussian_filter(random.normal(size=(SIDE, SIDE)), sigma)
    return field / field.std()


def _edges(soft: np.ndarray) -> np.ndarray:
    strength = np.hypot(*np.gradient(soft))
    return strength / max(strength.max(), 1e-6)


def _distance(
    random: np.random.Generator, centre: np.ndarray, flat: float, waves: float = 0.0
) -> np.ndarray:
    """Return the distance from a centre in a turned, flattened and wavy metric."""
    turn = random.uniform(0, np.pi)
    along = np.cos(turn) * (Y - centre[0]) + np.sin(turn) * (X - centre[1])
    across = (np.cos(turn) * (X - centre[1]) - np.sin(turn) * (Y - centre[0])) / flat
    angle = np.arctan2(across, along)
    wave = sum(
        waves * weight * np.sin(count * angle + random.uniform(0, 6))
        for count, weight in ((3, 1.0), (2, 0.6), (5, 0.4))
    )
    return np.hypot(along, across) / (1 + wave)


def _tiling(random: np.random.Generator, spacing: float) -> tuple[np.ndarray, ...]:
    """Return labels, distance between the two nearest centres, and distance to the nearest."""
    count = int(SIDE / spacing) + 2
    rows, columns = (grid.ravel() for grid in np.mgrid[:count, :count])
    shake = random.uniform(-0.35, 0.35, (2, count * count))
    y, x = (rows + shake[0]) * spacing, (columns + shake[1] + 0.5 * (rows % 2)) * spacing
    bend = 0.08 * spacing * np.stack([_noise(random, spacing / 3) for _ in range(2)])
    square = (Y + bend[0])[..., None] - y, (X + bend[1])[..., None] - x
    distance = np.hypot(*square)
    order = np.argsort(distance, axis=-1)[..., :2]
    nearest = np.take_along_axis(distance, order, axis=-1)
    return order[..., 0] + 1, nearest[..., 1] - nearest[..., 0], nearest[..., 0]

"""Organs cut slice by slice, as CT and MR show them: greys are near, shapes change."""

from __future__ import annotations

import cv2
import numpy as np

from training.data.procedural import smooth
from training.data.shapes import Blob
from training.data.take import Film, Take, numbered

__all__ = ["film"]


def film(rng: np.random.Generator, take: Take) -> Film:
    """Film a stack of slices; object 1 is one organ, its neighbours are others."""
    extent = take.extent(rng)
    centre = take.centre(rng)
    # The share of the change from A to B, and back.
    ways = np.abs(np.sin(np.arange(take.frames) / rng.uniform(2, 10)))
    organs = [_organ(rng, centre, extent, ways)]
    for _ in range(int(rng.integers(4, 13))):
        angle, far = rng.uniform(0, 6.3), extent * rng.uniform(0.55, 2.2)
        place = centre + far * np.array([np.sin(angle), np.cos(angle)])
        organs.append(_organ(rng, place, extent * np.exp(rng.normal(-0.4, 0.5)), ways))
    order = rng.permutation(len(organs))
    base, shades = _shades(rng, len(organs))
    warps = [0.06 * extent * smooth(rng, take.side, max(8, 0.7 * extent), 2) for _ in range(2)]
    grains = [smooth(rng, take.side, rng.uniform(4, 10))[..., 0] for _ in range(2)]
    inner, body = 0.02 + rng.uniform(0, 0.05), _outline(rng, take, ways)
    soft, noise = rng.uniform(0.8, 2.5), rng.choice([0.0, 0.02, 0.05])
    coil = 1 + rng.uniform(0, 0.35) * np.clip(smooth(rng, take.side, take.side)[..., 0], -1, 1)
    rows, columns = take.grid()
    grey, ids = [], []
    for t, way in enumerate(ways):
        warp = warps[0] * (1 - way) + warps[1] * way
        at = rows + warp[..., 0], columns + warp[..., 1]
        frame = base + inner * (grains[0] * (1 - way) + grains[1] * way)
        seen = np.zeros(frame.shape, np.int32)
        for n in order:
            _paint(frame, seen, organs[n], t, *at, shades[n], soft, n + 1)
        _cut_out(frame, seen, body, t, rows, columns)
        frame = frame + noise * _blurred_noise(rng, take.side)
        grey.append(frame * coil)
        ids.append(seen)
    return take.film(grey, numbered(rng, np.stack(ids), 1))


def _shades(rng: np.random.Generator, count: int) -> tuple[float, np.ndarray]:
    """Return the grey between the organs, and the organs'; a few are bone or air."""
    base = rng.uniform(0.25, 0.6)
    shades = base + rng.normal(0, rng.choice([0.06, 0.12, 0.25]), count)
    near = np.abs(shades - base) < 0.05
    shades[near] = base + rng.choice([-0.07, 0.07], near.sum())
    odd = rng.random(count) < 0.15
    shades[odd] = rng.choice([0.03, 0.95], odd.sum())
    return base, np.clip(shades, 0.02, 1)


def _organ(rng: np.random.Generator, place: np.ndarray, extent: float, ways: np.ndarray) -> Blob:
    """Return a shape that goes from one to another, and may end within the stack."""
    long = rng.uniform(1, 2.2)
    half = extent / 2 * np.array([1, 1 / long])
    other = half * np.exp(rng.normal(0, 0.45, 2))
    shares = ways[:, None]
    axes = np.maximum(half * (1 - shares) + other * shares, 0.6)
    path = place + shares * rng.normal(0, 0.3, 2) * extent
    rough = rng.choice([0.03, 0.08])
    lobes = rng.normal(0, rough, 4) * (1 - shares) + rng.normal(0, rough, 4) * shares
    angles = rng.uniform(0, 6.3) + ways * rng.normal(0, 0.6)
    bend = rng.normal(0, 0.4) * (long > 1.5)
    return Blob(path, axes, angles, lobes, rng.uniform(0, 6.3, 4), bend=bend)


def _outline(rng: np.random.Generator, take: Take, ways: np.ndarray) -> Blob | None:
    """Return the body, beyond which there is air; None where the frame is within."""
    if rng.random() < 0.5:
        return None
    half = take.side * rng.uniform(0.42, 0.7, 2)
    axes = half * (1 + 0.1 * rng.normal(0, 1, 2) * ways[:, None])
    place = take.side * (0.5 + rng.normal(0, 0.05, 2)) + np.zeros((len(ways), 2))
    lobes = rng.normal(0, 0.02, 4) + np.zeros((len(ways), 4))
    angles = np.full(len(ways), rng.normal(0, 0.2))
    return Blob(place, axes, angles, lobes, rng.uniform(0, 6.3, 4))


def _paint(
    frame: np.ndarray,
    ids: np.ndarray,
    organ: Blob,
    t: int,
    rows: np.ndarray,
    columns: np.ndarray,
    shade: float,
    soft: float,
    number: int,
) -> None:
    """Lay one organ over the frame and the ids, in place."""
    # The warp moves the outline beyond the window by at most a third of the radius.
    seen = organ.seen(t, rows, columns, most=1.35)
    if seen is None:
        return
    alpha = np.clip(seen.inside / soft + 0.5, 0, 1)
    part = frame[seen.window]
    # Some of the grain stays: organs have a texture too.
    part += alpha * (shade - part) * 0.93
    ids[seen.window][alpha >= 0.5] = number


def _cut_out(
    frame: np.ndarray,
    ids: np.ndarray,
    body: Blob | None,
    t: int,
    rows: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Make the air around the body black and its skin bright, in place."""
    if body is None:
        return
    seen = body.seen(t, rows, columns, most=9)
    if seen is None or seen.reach.shape != frame.shape:
        return
    fat = np.clip(1 - np.abs(seen.inside - 3) / 2, 0, 1)
    frame += fat * 0.25
    frame *= np.clip(seen.inside + 0.5, 0, 1)
    ids[seen.inside < 0] = 0


def _blurred_noise(rng: np.random.Generator, side: int) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), 0.8)
    return noise / 0.35

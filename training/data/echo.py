"""Ultrasound: chambers that beat within a fan, and dark lesions between layers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.data.procedural import smooth
from training.data.shapes import Blob, Seen
from training.data.take import Film, Take, numbered

__all__ = ["film"]


def film(rng: np.random.Generator, take: Take) -> Film:
    """Film beating chambers (fan probe) or a lesion that the probe glides over (line probe)."""
    fan = rng.random() < 0.6
    blobs = _chambers(rng, take) if fan else [_lesion(rng, take)]
    probe = _Probe(rng, take, blobs[0], fan=fan)
    paint = _Wall(rng, float(blobs[0].axes[0].min())) if fan else _Dim(rng)
    ground = _tissue(rng, take.side, fan=fan)
    extent = float(blobs[0].axes[0].min())
    bend = smooth(rng, take.side, max(8, extent), 2) * rng.uniform(0, 0.12) * extent
    rows, columns = take.grid()
    at = rows + bend[..., 0], columns + bend[..., 1]
    grey, ids = [], []
    for t in range(take.frames):
        frame = ground.copy()
        seen = np.zeros(frame.shape, np.int32)
        for number, blob in enumerate(blobs, start=1):
            part = blob.seen(t, *at, most=2.2)
            if part is not None:
                frame[part.window] = paint(frame[part.window], part, number)
                seen[part.window][part.inside > 0] = number
        grey.append(probe.image(rng, frame, blobs[0].centres[t] - blobs[0].centres[0]))
        ids.append(np.where(probe.field > 0.5, seen, 0))
    return take.film(grey, numbered(rng, np.stack(ids), 1))


def _beat(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return how far a chamber is contracted in each frame, about 0 to 1."""
    rate, start = rng.uniform(0.15, 1.2), rng.uniform(0, 6.3)
    return (0.5 - 0.5 * np.cos(rate * np.arange(frames) + start)).astype(float)


def _chambers(rng: np.random.Generator, take: Take) -> list[Blob]:
    """Return one to three chambers, the first one being meant."""
    extent, centre, beat = take.extent(rng), take.centre(rng), _beat(rng, take.frames)
    deep = rng.uniform(0.08, 0.35)
    long, angle = rng.uniform(1.05, 1.9), np.pi / 2 + rng.normal(0, 0.4)
    half = extent / 2 * np.array([1, 1 / long])
    spots = [(0.0, 0.0), (rng.choice([-1.15, 1.15]), 0.1), (0.0, 1.2)][: rng.integers(1, 4)]
    blobs = []
    for n, (aside, below) in enumerate(spots):
        mine = beat if not n else 1 - beat if n == 2 else 0.6 * beat
        size = half * (1 if not n else rng.uniform(0.6, 0.9))
        axes = size * (1 - mine[:, None] * deep * np.array([0.5, 1.0]))
        tilt = np.array([np.sin(angle), np.cos(angle)])
        aside_way = np.array([tilt[1], -tilt[0]])
        place = centre + aside_way * aside * 2.2 * half[1] + tilt * below * 2 * half[0] * 0.85
        heave = np.outer(mine, rng.normal(0, 0.05, 2)) * extent
        lobes = rng.normal(0, 0.04, 4) + np.outer(mine, rng.normal(0, 0.05, 4))
        angles = angle + mine * rng.normal(0, 0.08)
        blobs.append(Blob(place + heave, axes, angles, lobes, rng.uniform(0, 6.3, 4)))
    return blobs


def _lesion(rng: np.random.Generator, take: Take) -> Blob:
    ways = np.sin(np.arange(take.frames) / rng.uniform(4, 20))[:, None]
    extent = take.extent(rng)
    half = extent / 2 * np.array([1, rng.uniform(0.45, 0.95)])
    axes = half * np.exp(ways * rng.normal(0, 0.4, 2))
    path = take.centre(rng) + ways * rng.normal(0, 0.5, 2) * extent
    lobes = rng.normal(0, 0.07, 4) + ways * rng.normal(0, 0.1, 4)
    angles = rng.normal(0, 0.3) + ways[:, 0] * rng.normal(0, 0.3)
    return Blob(path, axes, angles, lobes, rng.uniform(0, 6.3, 4))


class _Wall:
    """A bright wall with gaps around a dark inside."""

    def __init__(self, rng: np.random.Generator, radius: float) -> None:
        self._thick = float(np.clip(radius * rng.uniform(0.12, 0.35), 1.5, 12))
        self._bright = rng.uniform(0.25, 0.7)
        self._gaps = rng.uniform(0.2, 1.0)
        self._waves, self._phases = rng.integers(1, 4, 3), rng.uniform(0, 6.3, 3)
        self._blood = rng.uniform(0.0, 0.35)

    def __call__(self, frame: np.ndarray, part: Seen, number: int) -> np.ndarray:
        wall = np.exp(-(((part.inside + self._thick) / self._thick) ** 2))
        turns = [np.cos(k * part.turn + p) for k, p in zip(self._waves, self._phases, strict=True)]
        there = 1 - self._gaps * np.clip(0.5 + 0.4 * sum(turns), 0, 1)
        frame = frame + wall * there * self._bright
        inside = np.clip(part.inside / 2 + 0.5, 0, 1)
        return frame * (1 - inside * (1 - self._blood))


class _Dim:
    """An inside that is darker than the tissue around, its border partly lost."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._share = rng.uniform(0.25, 0.8)
        self._soft = rng.uniform(1.5, 6)
        self._rim = rng.uniform(0, 0.15)
        self._level = rng.uniform(0, 0.1)

    def __call__(self, frame: np.ndarray, part: Seen, number: int) -> np.ndarray:
        inside = np.clip(part.inside / self._soft + 0.5, 0, 1)
        rim = np.exp(-((part.inside / 1.5) ** 2)) * self._rim
        return frame + rim + inside * ((self._share - 1) * frame + self._level)


def _tissue(rng: np.random.Generator, side: int, *, fan: bool) -> np.ndarray:
    """Return the mean brightness of what surrounds the objects: (h, w)."""
    if fan:
        rough = smooth(rng, side, rng.uniform(12, 40))[..., 0]
        return np.clip(rng.uniform(0.08, 0.3) * (1 + 0.8 * rough), 0.01, 1)
    layers = smooth(rng, side, rng.uniform(8, 20))[:, : side // 4, 0]
    layers = cv2.resize(layers, (side, side), interpolation=cv2.INTER_CUBIC)  # long, and thin
    level = rng.uniform(0.25, 0.5)
    return np.clip(level * (1 + 0.25 * layers) + 0.25 * (layers > 2), 0.03, 1).astype(np.float32)


@dataclass(slots=True)
class _Waves:
    """Complex echoes whose magnitude is speckle: (h, w) float32 parts."""

    real: np.ndarray
    imaginary: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator, side: int, size: tuple[float, float]) -> _Waves:
        noise = rng.standard_normal((side, side, 2)).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), size[0], sigmaY=size[1])
        noise /= noise.std()
        return cls(noise[..., 0], noise[..., 1])


class _Probe:
    """What the machine makes of the tissue: a field of view, speckle, shadows, compression."""

    def __init__(self, rng: np.random.Generator, take: Take, main: Blob, *, fan: bool) -> None:
        self._side, self._fan = take.side, fan
        rows, columns = take.grid()
        tip = np.array([-take.side * rng.uniform(0.02, 0.35), take.side * rng.normal(0.5, 0.06)])
        down = rows - tip[0]
        self._depth = np.hypot(down, columns - tip[1]) if fan else rows
        self._angle = np.arctan2(columns - tip[1], down) if fan else columns / take.side - 0.5
        centre = main.centres[0] - tip
        reach = abs(np.arctan2(centre[1], centre[0])) + rng.uniform(0.3, 0.6)
        self.field = self._within(rng, reach)
        self._shadow = self._shaded(rng)
        self._size = (rng.uniform(0.9, 2.2), rng.uniform(0.6, 1.0))
        self._waves = _Waves.drawn(rng, take.side, self._size)
        self._keep = rng.choice([0.0, 0.7, 0.95])
        self._part = rng.uniform(0.25, 0.9)
        self._dark = rng.uniform(0.0, 0.06)

    def _within(self, rng: np.random.Generator, reach: float) -> np.ndarray:
        if not self._fan or rng.random() < 0.25:
            return np.ones_like(self._depth)
        edge = (reach - np.abs(self._angle)) * self._depth
        bottom = self._side * rng.uniform(0.95, 1.4) - self._depth
        return np.clip(np.minimum(edge, bottom) + 0.5, 0, 1)

    def _shaded(self, rng: np.random.Generator) -> np.ndarray:
        """Return what share of the sound comes back: (h, w)."""
        light = np.exp(-self._depth / self._side * rng.uniform(-0.2, 0.8))
        if rng.random() < 0.4:
            width = rng.uniform(0.03, 0.1)
            gap = np.exp(-(((self._angle - rng.uniform(-0.5, 0.5)) / width) ** 2))
            below = np.clip((self._depth / self._side - rng.uniform(0, 0.7)) * 8, 0, 1)
            light = light * (1 - rng.uniform(0.3, 0.9) * gap * below)
        return light.astype(np.float32)

    def image(self, rng: np.random.Generator, frame: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Return what the screen shows of the tissue `frame`; its speckle goes along `moved`."""
        fresh = _Waves.drawn(rng, self._side, self._size)
        keep, rest = self._keep, np.sqrt(1 - self._keep**2)
        real = keep * self._waves.real + rest * fresh.real
        imaginary = keep * self._waves.imaginary + rest * fresh.imaginary
        speckle = (real**2 + imaginary**2) ** 0.35 / 1.15  # machines compress
        if self._fan:
            across = (self._angle / 1.8 + 0.5) * self._side - moved[1]
            speckle = cv2.remap(
                speckle, across.astype(np.float32), (self._depth - moved[0]).astype(np.float32),
                cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101,
            )  # fmt: skip
        image = (frame + self._dark) * (1 - self._part + self._part * speckle) * self._shadow
        return np.clip(image, 0, 1) ** 0.85 * self.field

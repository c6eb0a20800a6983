"""Thin things that bend as they go: worms, filaments, cables."""

from __future__ import annotations

import cv2
import numpy as np

from training.data.procedural import smooth
from training.data.take import Film, Take, numbered, speed

__all__ = ["film"]

POINTS = 28  # along a body
FINE = 3  # outlines are drawn so many times larger, then averaged


def film(rng: np.random.Generator, take: Take) -> Film:
    """Film one to five thin bodies that may cross."""
    count = int(rng.integers(1, 6))
    pace = speed(rng)
    bodies = [_Body(rng, take, pace, first=not n) for n in range(count)]
    bright = rng.random() < 0.6
    ground = rng.uniform(0.03, 0.3) if bright else rng.uniform(0.45, 0.85)
    step = rng.uniform(0.1, 0.6) * (1 if bright else -1)
    uneven = smooth(rng, take.side, rng.uniform(4, 60))[..., 0] * rng.uniform(0, 0.08)
    shades = np.clip(ground + step + rng.normal(0, 0.06, count), 0.02, 0.98)
    order = rng.permutation(count)
    seam = rng.uniform(0.3, 0.9)
    grey, ids = [], []
    for t in range(take.frames):
        frame = (ground + uneven).astype(np.float32)
        seen = np.zeros(frame.shape, np.int32)
        for number in order:
            alpha, core = bodies[number].drawn(t, take.side)
            alpha = cv2.GaussianBlur(alpha, (0, 0), seam)
            shade = shades[number] + bodies[number].ridge * (core - 0.5)
            frame = frame * (1 - alpha) + shade * alpha
            seen[alpha >= 0.5] = number + 1
        grey.append(frame)
        ids.append(seen)
    return take.film(grey, numbered(rng, np.stack(ids), 1))


class _Body:
    """A body whose direction waves along it; the wave travels, and the body follows its head."""

    def __init__(self, rng: np.random.Generator, take: Take, pace: float, *, first: bool) -> None:
        extent = max(take.extent(rng), 0.3 * take.side)
        length = extent * rng.uniform(1.0, 2.0)
        self._width = max(1.2, length * rng.choice([0.02, 0.035, 0.06, 0.1]) / 2)
        self._blunt = rng.uniform(0.15, 0.6)
        self.ridge = rng.uniform(-0.25, 0.25)
        along = np.linspace(0, 1, POINTS)
        waves, swing = rng.uniform(0.3, 1.6), rng.uniform(0.1, 1.1)
        ahead = np.arange(take.frames) * pace * rng.uniform(0.3, 2)
        curl, turn = rng.normal(0, 1.0), rng.normal(0, pace, take.frames)
        turn[0] = 0
        start, beat = rng.uniform(0, 6.3), rng.normal(0, 10 * pace)
        centre = take.centre(rng) if first else take.side * rng.uniform(0.05, 0.95, 2)
        places = np.linspace(0, 1 + ahead[-1], 2 * POINTS)
        self._lines = []
        for t in range(take.frames):
            heading = start + np.cumsum(turn)[t] + curl * (places - 0.5)
            heading = heading + swing * np.sin(6.3 * waves * places + beat * t + start)
            steps = np.stack([np.sin(heading), np.cos(heading)], 1) * (places[1] * length)
            way = np.cumsum(steps, 0)
            spots = [np.interp(ahead[t] + along, places, each) for each in (*way.T, heading)]
            if not t:
                offset = centre - np.mean(spots[:2], 1)
            self._lines.append((np.stack(spots[:2], 1) + offset, spots[2]))

    def drawn(self, t: int, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Return its (h, w) float32 cover, and a narrower one."""
        return self._filled(t, side, 1.0), self._filled(t, side, 0.5)

    def _filled(self, t: int, side: int, share: float) -> np.ndarray:
        line, heading = self._lines[t]
        along = np.linspace(0, 1, POINTS)
        width = share * self._width * np.sin(np.pi * np.clip(along, 0.03, 0.97)) ** self._blunt
        normal = np.stack([np.cos(heading), -np.sin(heading)], 1) * width[:, None]
        cover = np.zeros((side * FINE, side * FINE), np.uint8)
        left, right = line + normal, line - normal
        for n in range(POINTS - 1):  # piece by piece: an outline that crosses itself would tear
            piece = np.stack([left[n], left[n + 1], right[n + 1], right[n]])[:, ::-1]
            cv2.fillConvexPoly(cover, np.round(piece * FINE).astype(np.int32), 255)
        small = cv2.resize(cover, (side, side), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / 255

"""How something moves and deforms over the frames of a clip."""

from __future__ import annotations

import numpy as np

from training.data.procedural import smooth

__all__ = ["Motion"]

JOINTS = (0.55, 0.2, 0.15, 0.1)  # how often 0, 1, 2, 3 parts turn about a joint each
LEAVES = 0.08  # share of objects that go out of sight and come back
SOON = 6  # frames after which nothing gets faster
MOST_TURN, MOST_ZOOM = 1.0, 0.9  # radians, and logarithm of the size: beyond, it comes back


class Motion:
    """An affine path, elastic deformation, a pulse, and parts that turn about joints.

    Parameters
    ----------
    rng : numpy Generator
    side, frames : of the clip
    centre : (y, x) in the clip, where it begins
    scale : pixels of the clip for one of the source
    extent : side of what moves, in pixels of the clip
    speed, elastic : of the path and of the deformation, in extents a frame
    pulse : how much the middle shrinks and grows again, a share of its size
    passing : (y, x) pixels a frame that are added; it is at its place in a later frame
    leaves : whether it may go out of sight for a while
    jointed : whether it may have parts that turn about joints
    """

    def __init__(
        self,
        rng: np.random.Generator,
        side: int,
        frames: int,
        *,
        centre: tuple[float, float],
        scale: float,
        extent: float,
        speed: float,
        elastic: float,
        pulse: float = 0.0,
        passing: tuple[float, float] | None = None,
        leaves: bool = False,
        jointed: bool = False,
    ) -> None:
        self._side, self._scale, self._extent = side, scale, extent
        t = np.arange(frames)[:, None]
        quick = min(1.0, speed * 8)
        velocity, change = rng.normal(0, speed, 2), rng.normal(0, 0.1 * speed, 2)
        shake = rng.normal(0, 0.25 * speed, (frames, 2))
        shake[0] = 0
        way = extent * (velocity * t + change * t * np.minimum(t, SOON) / 2 + shake)
        self._path = _folded(np.array(centre), way, side)
        if passing is not None:
            middle = (frames - 1) * rng.uniform(0.4, 0.9)
            self._path = self._path + np.array(passing) * (t - middle)
        if leaves and frames > 3 and rng.random() < LEAVES:
            self._path = self._path + _away(rng, frames) * (side / 2 + extent)
        self._turn = _swaying(rng.normal(0, 0.12 * quick) * t[:, 0], MOST_TURN)
        self._zoom = np.exp(_swaying(rng.normal(0, 0.015 + 0.04 * quick) * t[:, 0], MOST_ZOOM))
        self._fields = [smooth(rng, side, max(step, 8), 2) for step in (extent / 3, extent)]
        beat, phase = rng.uniform(0.3, 1.2), rng.uniform(0, 2 * np.pi)
        swing = np.sin(beat * t[:, 0] + phase) - np.sin(phase)
        slow = np.sin(0.7 * beat * t[:, 0] + 2 * phase) - np.sin(2 * phase)
        self._swings = elastic * extent * np.stack([0.5 * swing, slow], 1)
        self._joints = [
            _Joint(rng, frames, extent, quick)
            for _ in range(rng.choice(len(JOINTS), p=JOINTS) if jointed else 0)
        ]
        beat = np.sin(beat * t[:, 0] + phase)
        self._pulse = pulse * (beat - beat[0])

    def source_of(self, t: int, origin: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Return for each pixel of frame `t` the row and column of the source that it shows.

        Parameters
        ----------
        t : int
        origin : (y, x) in the source of what is at the centre

        Returns
        -------
        two (side, side) float32 arrays
        """
        rows, columns = np.indices((self._side, self._side), dtype=np.float32)
        dy, dx = rows - self._path[t, 0], columns - self._path[t, 1]
        cosine, sine = np.cos(self._turn[t]), np.sin(self._turn[t])
        y, x = cosine * dy + sine * dx, cosine * dx - sine * dy
        for amount, field in zip(self._swings[t], self._fields, strict=True):
            if amount:
                y, x = y + amount * field[..., 0], x + amount * field[..., 1]
        for joint in self._joints:
            y, x = joint.turned(y, x, t)
        if self._pulse[t]:
            near = np.exp(-(y**2 + x**2) / np.float32(0.6 * self._extent) ** 2)
            y, x = (each * (1 + np.float32(self._pulse[t]) * near) for each in (y, x))
        scale = self._scale * self._zoom[t]
        return (y / scale + origin[0]).astype(np.float32), (x / scale + origin[1]).astype(
            np.float32
        )


class _Joint:
    """A line across the object; what lies beyond it turns about a point of it."""

    def __init__(self, rng: np.random.Generator, frames: int, extent: float, quick: float) -> None:
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(-0.05, 0.3) * extent
        self._across, self._far = np.array([np.cos(angle), np.sin(angle)], np.float32), far
        self._soft = extent * rng.uniform(0.04, 0.12)
        steps = rng.normal(0, 0.25 * quick, frames)
        steps[0] = 0
        swing = rng.normal(0, 0.5 * quick) * np.sin(rng.uniform(0.5, 2) * np.arange(frames))
        self._angles = np.clip(np.cumsum(steps) + swing, -1.1, 1.1)

    def turned(self, y: np.ndarray, x: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Turn the part beyond the line; softly, so that nothing tears."""
        angle = self._angles[t]
        if not angle:
            return y, x
        beyond = y * self._across[0] + x * self._across[1] - np.float32(self._far)
        share = 1 / (1 + np.exp(-np.clip(beyond / np.float32(self._soft), -30, 30)))
        at_y, at_x = self._across * np.float32(self._far)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        turned_y = at_y + cosine * (y - at_y) + sine * (x - at_x)
        turned_x = at_x + cosine * (x - at_x) - sine * (y - at_y)
        return y + share * (turned_y - y), x + share * (turned_x - x)


def _folded(start: np.ndarray, way: np.ndarray, side: int) -> np.ndarray:
    """Return the (T, 2) places on the way from `start`, thrown back at the borders of the frame."""
    low, high = np.minimum(start, 0), np.maximum(start, side)
    length = high - low
    return high - np.abs((start - low + way) % (2 * length) - length)


def _swaying(way: np.ndarray, most: float) -> np.ndarray:
    """Bend a way that would go on for ever, so that it comes back at `most`."""
    return most * np.sin(way / most)


def _away(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return a way out of the frame and back: (T, 2), at most 1 long."""
    angle = rng.uniform(0, 2 * np.pi)
    gone = np.sin(np.pi * np.arange(frames) / (frames - 1)) * rng.uniform(0.7, 1.1)
    return gone[:, None] * np.array([np.sin(angle), np.cos(angle)])

"""How something moves and deforms over the frames of a clip."""

from __future__ import annotations

import numpy as np

from training.data.procedural import smooth

__all__ = ["Motion"]

BENDS = 0.35  # share of motions in which one part turns about a joint


class Motion:
    """An affine path, elastic deformation, and perhaps a joint.

    Parameters
    ----------
    rng : numpy Generator
    side, frames : of the clip
    centre : (y, x) in the clip, where it begins
    scale : pixels of the clip for one of the source
    extent : side of what moves, in pixels of the clip
    speed, elastic : of the path and of the deformation, in extents a frame
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
    ) -> None:
        self._side, self._scale, self._extent = side, scale, extent
        t = np.arange(frames)[:, None]
        quick = min(1.0, speed * 8)
        velocity, change = rng.normal(0, speed, 2), rng.normal(0, 0.1 * speed, 2)
        shake = rng.normal(0, 0.25 * speed, (frames, 2))
        shake[0] = 0
        self._path = np.array(centre) + extent * (velocity * t + change * t**2 / 2 + shake)
        self._turn = rng.normal(0, 0.12 * quick) * t[:, 0]
        self._zoom = np.exp(rng.normal(0, 0.05 * quick) * t[:, 0])
        self._fields = [smooth(rng, side, max(step, 8), 2) for step in (extent / 3, extent)]
        beat, phase = rng.uniform(0.3, 1.2), rng.uniform(0, 2 * np.pi)
        swing = np.sin(beat * t[:, 0] + phase) - np.sin(phase)
        slow = np.sin(0.7 * beat * t[:, 0] + 2 * phase) - np.sin(2 * phase)
        self._swings = elastic * extent * np.stack([0.5 * swing, slow], 1)
        self._bends = rng.random() < BENDS
        angle, self._joint = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25) * extent
        self._across = np.array([np.cos(angle), np.sin(angle)])
        steps = rng.normal(0, 0.25 * quick, frames)
        steps[0] = 0
        self._bend = np.cumsum(steps)

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
        if self._bends and self._bend[t]:
            y, x = self._turn_part(y, x, self._bend[t])
        scale = self._scale * self._zoom[t]
        return (y / scale + origin[0]).astype(np.float32), (x / scale + origin[1]).astype(
            np.float32
        )

    def _turn_part(
        self, y: np.ndarray, x: np.ndarray, angle: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn what lies beyond the joint about it; softly, so that nothing tears."""
        beyond = y * self._across[0] + x * self._across[1] - self._joint
        share = 1 / (1 + np.exp(-np.clip(beyond / (0.06 * self._extent), -30, 30)))
        at_y, at_x = self._across * self._joint
        cosine, sine = np.cos(angle), np.sin(angle)
        turned_y = at_y + cosine * (y - at_y) + sine * (x - at_x)
        turned_x = at_x + cosine * (x - at_x) - sine * (y - at_y)
        return y + share * (turned_y - y), x + share * (turned_x - x)

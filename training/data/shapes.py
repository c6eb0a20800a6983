"""Round shapes that move and change: cells, organs, chambers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Blob", "Seen", "wander"]

LOBES = np.arange(2, 6)  # waves around the outline
TURNING = 10.0  # frames after which, about, a steady way turns back


@dataclass(frozen=True, slots=True)
class Seen:
    """A blob in one frame, within a window of it; arrays are (window rows, window columns)."""

    window: tuple[slice, slice]
    reach: np.ndarray  # 0 in the centre, 1 on the outline
    inside: np.ndarray  # distance to the outline in pixels, about; negative outside
    along: np.ndarray  # coordinate on the long axis, 1 at its end
    across: np.ndarray
    turn: np.ndarray  # angle around the centre


@dataclass(slots=True)
class Blob:
    """An ellipse with lobes, possibly pointed and bent, in each of T frames."""

    centres: np.ndarray  # (T, 2) y, x in pixels
    axes: np.ndarray  # (T, 2) half lengths, the long one first
    angles: np.ndarray  # (T,)
    lobes: np.ndarray  # (T, 4), shares of the radius
    phases: np.ndarray  # (4,)
    sharpness: float = 2.0  # 2: an ellipse, 1: pointed at four ends
    bend: float = 0.0

    def seen(self, t: int, rows: np.ndarray, columns: np.ndarray, most: float = 1.0) -> Seen | None:
        """Measure what lies within `most` of its radius; None where nothing is in the frame.

        Parameters
        ----------
        t : int
        rows, columns : (h, w) float32, where each pixel lies; may be warped a little
        most : float
        """
        far = most * float(self.axes[t].max()) * (1.15 + abs(self.bend)) + 4
        window = tuple(
            slice(max(0, int(c - far)), max(0, int(c + far) + 1)) for c in self.centres[t]
        )
        y, x = rows[window] - self.centres[t, 0], columns[window] - self.centres[t, 1]
        if not y.size:
            return None
        cosine, sine = np.cos(self.angles[t]), np.sin(self.angles[t])
        along = (cosine * x + sine * y) / self.axes[t, 0]
        across = (cosine * y - sine * x) / self.axes[t, 1] - self.bend * (along**2 - 0.3)
        turn = np.arctan2(across, along)
        if self.sharpness == 2:
            reach = np.sqrt(along**2 + across**2)
        else:
            reach = (np.abs(along) ** self.sharpness + np.abs(across) ** self.sharpness) ** (
                1 / self.sharpness
            )
        outline = np.ones_like(turn)
        for count, share, phase in zip(LOBES, self.lobes[t], self.phases, strict=True):
            if share:
                outline += np.float32(share) * np.cos(int(count) * turn + np.float32(phase))
        reach = reach / np.maximum(outline, 0.3)
        inside = (1 - reach) * np.float32(self.axes[t].min())
        return Seen((window[0], window[1]), reach, inside, along, across, turn)


def wander(rng: np.random.Generator, frames: int, step: float, width: int = 1) -> np.ndarray:
    """Return a path from 0 with a velocity that swings, and some jitter: (T, width)."""
    velocity = rng.normal(0, step, width)
    jitter = rng.normal(0, 0.4 * step, (frames, width))
    jitter[0] = 0
    way = TURNING * np.sin(np.arange(frames) / TURNING)
    return velocity * way[:, None] + np.cumsum(jitter, 0)

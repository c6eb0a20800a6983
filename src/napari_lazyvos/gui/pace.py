"""How fast tracking goes, and how long it will take."""

from __future__ import annotations

import time
from collections import deque

from napari_lazyvos.lazy.events import FrameResult

__all__ = ["Pace"]

WINDOW = 20  # looks that the speed is averaged over, so that it follows but does not jump


class Pace:
    """Measures a run from the results that arrive."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=WINDOW)

    def start(self) -> None:
        """Begin to measure: a run is handed in."""
        self._seen.clear()
        self._seen.append((time.monotonic(), 0))

    def see(self, result: FrameResult) -> None:
        """Note that a result arrived."""
        self._seen.append((time.monotonic(), result.done))

    def frames_per_second(self) -> float | None:
        """Return the speed over the last results; None before the first."""
        if len(self._seen) < 2 or self._seen[-1][1] <= self._seen[0][1]:
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / max(end - begin, 1e-9)

    def describe(self, result: FrameResult) -> str:
        """Return speed and time left in words: ``5.2 frames/s, 0:14 left``."""
        speed = self.frames_per_second()
        if speed is None:
            return ""
        words = f"{speed:.1f} frames/s"
        if result.total is not None and result.total > result.done:
            words += f", {_clock((result.total - result.done) / speed)} left"
        return words


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""How fast tracking or a download goes, and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from typing import Protocol

__all__ = ["Counted", "Pace"]

WINDOW = 20  # looks that the speed is averaged over, so that it follows but does not jump


class Counted(Protocol):
    """How far something is: frames of a run, or bytes of a download."""

    @property
    def done(self) -> int:
        """How many there are so far."""

    @property
    def total(self) -> int | None:
        """How many there will be; None if that is not known."""


class Pace:
    """Measures a run from the results that arrive."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=WINDOW)

    def start(self, done: int = 0) -> None:
        """Begin to measure: a run is handed in, of which so much was done before."""
        self._seen.clear()
        self._seen.append((time.monotonic(), done))

    def see(self, result: Counted) -> None:
        """Note that a result arrived."""
        self._seen.append((time.monotonic(), result.done))

    def per_second(self) -> float | None:
        """Return the speed over the last results; None before the first."""
        if len(self._seen) < 2 or self._seen[-1][1] <= self._seen[0][1]:
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / max(end - begin, 1e-9)

    def time_left(self, result: Counted) -> str:
        """Return ``, 0:14 left``, to be put after the speed; nothing where it is not known."""
        speed = self.per_second()
        if speed is None or result.total is None or result.total <= result.done:
            return ""
        return f", {_clock((result.total - result.done) / speed)} left"

    def describe(self, result: Counted) -> str:
        """Return speed and time left in words: ``5.2 frames/s, 0:14 left``."""
        speed = self.per_second()
        return "" if speed is None else f"{speed:.1f} frames/s{self.time_left(result)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

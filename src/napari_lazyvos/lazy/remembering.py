"""What the tracker remembers, for a person to look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

import numpy as np

from napari_lazyvos.store.document import Wish
from napari_lazyvos.store.store import Store
from napari_lazyvos.trackers.protocol import RememberedFrame, RememberingTracker, Tracker

__all__ = ["MemoryFrame", "MemoryView", "MemoryWatch", "Reason"]


class Reason(StrEnum):
    """Why a frame never leaves the memory."""

    ANNOTATED = auto()  # a person said what is in it
    ASKED = auto()  # a person wants it to stay
    FIRST = auto()  # it is the first that tells of an object


@dataclass(frozen=True, slots=True)
class MemoryFrame:
    """A frame that the tracker compares others with."""

    t: int
    reason: Reason | None  # why it never leaves; None: it may

    @property
    def permanent(self) -> bool:
        """Whether it never leaves."""
        return self.reason is not None


@dataclass(frozen=True, slots=True)
class MemoryView:
    """What the tracker remembered after the frame that was passed last."""

    frames: tuple[MemoryFrame, ...] = ()  # sorted
    diversity: float | None = None  # see `RememberingTracker.diversity`
    is_told: bool = True  # False: this tracker does not tell what it remembers


class MemoryWatch:
    """Takes note of what a tracker remembers; may be read from any thread at any time.

    Parameters
    ----------
    frames : length of the video: one number is kept for each frame
    """

    def __init__(self, frames: int) -> None:
        self._remembered: tuple[RememberedFrame, ...] = ()
        self._diversity: float | None = None
        self._is_told = True
        self._over_time = np.full(frames, np.nan, np.float32)

    def look(self, tracker: Tracker, t: int | None = None) -> None:
        """Take note of what a tracker remembers now, after it passed frame `t`."""
        self._is_told = isinstance(tracker, RememberingTracker)
        if not isinstance(tracker, RememberingTracker):
            return
        self._remembered = tracker.remembered
        found = tracker.diversity
        self._diversity = found if found is not None and np.isfinite(found) else None
        if t is not None:
            self._over_time[t] = np.nan if self._diversity is None else self._diversity

    @property
    def over_time(self) -> np.ndarray:
        """How diverse the memory was after each frame, (T,) float32, NaN where unknown; a copy."""
        return self._over_time.copy()

    def view(self, store: Store) -> MemoryView:
        """Return what is remembered, and why each frame that never leaves does not."""
        wishes, annotated = store.document.wishes, set(store.ledger.human_frames().tolist())

        def reason(frame: RememberedFrame) -> Reason | None:
            if not frame.permanent:
                return None
            if frame.t in annotated:
                return Reason.ANNOTATED
            return Reason.ASKED if wishes.get(frame.t) is Wish.KEEP else Reason.FIRST

        frames = tuple(MemoryFrame(frame.t, reason(frame)) for frame in self._remembered)
        return MemoryView(frames, self._diversity, self._is_told)

"""What the loop says while it runs. Events are frozen, small, and safe to hand to other threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any, Protocol, TypeAlias

import numpy as np

__all__ = [
    "Answering",
    "Corrected",
    "Event",
    "Failed",
    "FinishReason",
    "Finished",
    "FrameResult",
    "HelpRequest",
    "ObjectScore",
    "RunState",
    "Status",
    "WelcomeBack",
]


class RunState(StrEnum):
    """What a session is doing.

    IDLE --run()--> RUNNING --pause()--> PAUSED --run()--> RUNNING --> IDLE
    A loop that is paused or cancelled ends after the frame in flight; nothing is half done.
    """

    IDLE = auto()
    RUNNING = auto()
    PAUSED = auto()


class FinishReason(StrEnum):
    """Why a run ended."""

    COMPLETED = auto()  # every frame that was asked for is tracked
    PAUSED = auto()  # `Session.pause` was called; `run()` goes on from here
    CANCELLED = auto()  # `Session.cancel` was called
    FAILED = auto()  # a `Failed` event says why


@dataclass(frozen=True, slots=True)
class ObjectScore:
    """How sure the tracker is of one object in one frame (Lazy-XMem, Eq. 6.3)."""

    label: int
    score: float  # S_t: mean normalised entropy over the object's region; 0 for an empty mask
    rise: float | None  # S_t - S_(t-1); None where there is no frame before
    area: int  # in pixels; 0 means absent


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One frame is tracked, and on disk."""

    t: int
    label_map: np.ndarray  # (H, W) uint8 or uint16; 0 = background
    uncertainty: np.ndarray  # (H, W) uint8: round(255 * S), S the normalised entropy in [0, 1]
    scores: tuple[ObjectScore, ...]
    done: int  # frames tracked in this run, this one included
    total: int | None  # frames that this run will track, as known now
    generation: int  # grows with every change that a person makes; older results are stale


class Answering(Protocol):
    """Who takes the answers to calls for help: the session."""

    def click(self, t: int, y: float, x: float, *, label: int, positive: bool = True) -> Any:
        """Point at an object."""

    def set_mask(self, t: int, mask: np.ndarray, *, label: int) -> None:
        """Give the mask of an object."""

    def confirm(self, label: int, t: int) -> None:
        """Say that a mask is fine."""

    def mark_absent(self, label: int, t: int) -> None:
        """Say that an object is out of view."""

    def end_object(self, label: int, t: int) -> None:
        """Say that an object has left for good."""


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """The tracker is unsure of one object and asks for a click on it.

    Answer it before asking for the next event, or later; unanswered, it stays open.
    """

    t: int
    label: int
    score: float
    rise: float
    y: int  # the most uncertain place of the object's region
    x: int
    generation: int
    session: Answering = field(repr=False, compare=False)

    def click(self, y: float, x: float, *, positive: bool = True) -> None:
        """Answer with a click, in data pixels; see `Session.click`."""
        self.session.click(self.t, y, x, label=self.label, positive=positive)

    def mask(self, mask: np.ndarray) -> None:
        """Answer with the object's mask, (H, W) bool."""
        self.session.set_mask(self.t, mask, label=self.label)

    def fine(self) -> None:
        """Answer that the mask is fine; nothing is asked about the object for some frames."""
        self.session.confirm(self.label, self.t)

    def absent(self) -> None:
        """Answer that the object is out of view; it is looked for in the frames that follow."""
        self.session.mark_absent(self.label, self.t)

    def end(self) -> None:
        """Answer that the object has left for good."""
        self.session.end_object(self.label, self.t)


@dataclass(frozen=True, slots=True)
class Corrected:
    """The tracker clicked for itself, because its certainty of an object fell a little."""

    t: int
    label: int
    y: int  # of the pseudo-click
    x: int
    accepted: bool  # whether the refined mask was plausible, and took the place of the tracker's


@dataclass(frozen=True, slots=True)
class WelcomeBack:
    """An object that was absent is seen again."""

    t: int
    label: int
    last_seen: int | None  # the last frame before in which it had a mask


@dataclass(frozen=True, slots=True)
class Failed:
    """A run ended because of an error; what was tracked before it is kept."""

    t: int | None  # the frame that failed, where known
    message: str  # a sentence for the person
    error: Exception


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last event of a run."""

    reason: FinishReason
    tracked: int  # frames tracked in this run
    seconds: float


Event: TypeAlias = FrameResult | Corrected | WelcomeBack | HelpRequest | Failed | Finished


@dataclass(frozen=True, slots=True)
class Status:
    """What a session can do now: buttons are set from this alone."""

    state: RunState
    labels: tuple[int, ...]
    frames: int | None
    todo: int | None  # frames that `run()` would track
    can_undo: str | None  # what would be undone, in words; None if nothing
    can_redo: str | None
    generation: int

"""The round that would be run in the frame that is shown, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_lazyvos.lazy.events import FrameResult

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["RoundAhead", "RoundProgress", "look_ahead"]


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """How many frames of a round are tracked, on either side."""

    forwards: int
    of_forwards: int
    backwards: int
    of_backwards: int

    @property
    def done(self) -> int:
        """How many on both sides."""
        return self.forwards + self.backwards

    @property
    def total(self) -> int:
        """How many there will be on both sides."""
        return self.of_forwards + self.of_backwards

    @property
    def text(self) -> str:
        """Both sides in words."""
        return (
            f"forwards {self.forwards} of {self.of_forwards}, "
            f"backwards {self.backwards} of {self.of_backwards}"
        )


@dataclass(frozen=True, slots=True)
class RoundAhead:
    """What a round would do."""

    t: int
    labels: tuple[int, ...]  # the objects that it is about; none: nothing is annotated in the frame
    first: int  # frames first <= t <= last
    last: int
    forwards: int  # frames that are left to be tracked
    backwards: int

    @property
    def left(self) -> int:
        """Frames that are left on both sides."""
        return self.forwards + self.backwards

    @property
    def why_not(self) -> str:
        """Why there is nothing to run, in words; empty if there is."""
        if not self.labels:
            return "click on an object in this frame first"
        if self.first == self.last:
            return "the frames beside this one are annotated: it changes nothing"
        return "" if self.left else f"the round of frame {self.t} is done"

    @property
    def consequence(self) -> str:
        """Which frames it changes, in words."""
        return f"frames {self.first} to {self.last} change"

    @property
    def progress(self) -> RoundProgress:
        """How far it is before it begins, or goes on."""
        forwards, backwards = self.last - self.t, self.t - self.first
        return RoundProgress(
            forwards - self.forwards, forwards, backwards - self.backwards, backwards
        )

    def progress_at(self, result: FrameResult) -> RoundProgress:
        """Return how far it is when this frame is tracked: forwards come first."""
        begin = self.progress
        total = result.done if result.total is None else result.total
        if result.t > self.t:
            done, whole = begin.forwards + result.done, begin.forwards + total
            return RoundProgress(done, whole, begin.backwards, begin.of_backwards)
        done, whole = begin.backwards + result.done, begin.backwards + total
        return RoundProgress(begin.of_forwards, begin.of_forwards, done, whole)


def look_ahead(session: Session, t: int, **options: Any) -> RoundAhead:
    """Return what a round in frame `t` would do, with the options of `Session.rounds.run`."""
    reach = session.rounds.bounds(t, everyone=options["everyone"])
    return RoundAhead(
        t,
        tuple(reach),
        min((each.first for each in reach.values()), default=t),
        max((each.last for each in reach.values()), default=t),
        *session.rounds.left(t, **options),
    )

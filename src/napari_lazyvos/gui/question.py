"""A call for help, with all that is shown of it; gathered in the engine's thread."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_lazyvos.gui.states import name_of

if TYPE_CHECKING:
    from napari_lazyvos.lazy.calls import OpenCall
    from napari_lazyvos.lazy.session import Session

__all__ = ["Overview", "Question", "ask", "look_over"]


@dataclass(frozen=True, slots=True)
class Question:
    """One call for help, as a person sees it."""

    t: int
    label: int
    name: str
    score: float
    rise: float  # NaN where unknown
    y: int  # the most uncertain place of the object
    x: int
    box: tuple[int, int, int, int]  # top, left, bottom, right of the object; the last ones included
    start: int  # an answer can change the frames start <= t < stop
    stop: int

    @property
    def reason(self) -> str:
        """Why it is asked, in words."""
        if np.isnan(self.rise):
            return f"uncertainty {self.score:.2f}"
        return f"uncertainty rose, {self.score - self.rise:.2f} → {self.score:.2f}"

    @property
    def consequence(self) -> str:
        """Which frames a correction changes, in words."""
        first = self.start if self.start < self.t else self.t + 1
        last = self.stop - 1 if self.stop > self.t + 1 else self.t - 1
        if first > last:
            return "No other frame changes."
        if first == last:
            return f"Frame {first} of this object will be tracked again."
        return f"Frames {first} to {last} of this object will be tracked again."


@dataclass(frozen=True, slots=True)
class Overview:
    """All calls of a session."""

    calls: tuple[OpenCall, ...] = ()  # open ones, the greatest rise first
    answered: int = 0
    names: Mapping[int, str] = field(default_factory=dict)  # of all objects
    seconds: float = field(default=0.0, compare=False)  # that it took to gather


def ask(session: Session, call: OpenCall) -> Question:
    """Gather what is to be shown of a call; reads from disk."""
    request = session.request(call)
    mask = session.store.masks.stored(call.t) == call.label
    return Question(
        call.t,
        call.label,
        name_of(session, call.label),
        call.score,
        call.rise,
        request.y,
        request.x,
        _bounds(mask, request.y, request.x),
        *session.reach(call.label, call.t),
    )


def look_over(session: Session) -> Overview:
    """Gather all calls; its time grows with the number of objects times frames."""
    from napari_lazyvos.store.ledger import Call

    began, ledger = time.monotonic(), session.store.ledger
    answered = sum(int((ledger.calls(label) > Call.OPEN).sum()) for label in ledger.labels)
    names = {label: name_of(session, label) for label in session.labels}
    return Overview(session.calls, answered, names, time.monotonic() - began)


def _bounds(mask: np.ndarray, y: int, x: int) -> tuple[int, int, int, int]:
    """Return the box of a mask and a place."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        min(y, int(rows.min(initial=y))),
        min(x, int(columns.min(initial=x))),
        max(y, int(rows.max(initial=y))),
        max(x, int(columns.max(initial=x))),
    )

"""What a run is asked to track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from napari_lazyvos.lazy.plan import FORWARD, Direction, Plan, make_plan
from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.store import Store

__all__ = ["Pass", "Request"]


class Request(Protocol):
    """Says frame by frame what is left to do, however often the person changes something."""

    @property
    def directions(self) -> tuple[Direction, ...]:
        """One walk through the video each, in this order."""
        ...

    @property
    def text(self) -> str:
        """What the history calls it; ``{frames}`` stands for those that were tracked."""
        ...

    @property
    def at_most(self) -> int | None:
        """Frames to track in this run; then it pauses."""
        ...

    def prepare(self, store: Store, edit: Edit) -> None:
        """Do what has to be done once, before the first plan."""
        ...

    def plan(self, store: Store, direction: Direction, generation: int) -> Plan:
        """Find what is left to do in one direction."""
        ...


@dataclass(frozen=True, slots=True)
class Pass:
    """The lazy pass: what is missing or stale, after what a person annotated."""

    directions: tuple[Direction, ...] = (FORWARD,)
    labels: tuple[int, ...] | None = None  # None: every object
    start: int | None = None  # frames start <= t < stop; None: from the first
    stop: int | None = None  # None: to the last
    anew: bool = False  # also what has been tracked already
    at_most: int | None = None

    @property
    def text(self) -> str:
        """What the history calls it."""
        return "track frames {frames}"

    def prepare(self, store: Store, edit: Edit) -> None:
        """Have tracked anew what shall be."""
        if not self.anew:
            return
        stop = store.frames if self.stop is None else self.stop
        for label in store.ledger.labels if self.labels is None else self.labels:
            edit.mark_stale(label, self.start or 0, stop)

    def plan(self, store: Store, direction: Direction, generation: int) -> Plan:
        """Find what is missing or stale in one direction."""
        return make_plan(
            store.ledger,
            direction,
            generation,
            labels=self.labels,
            start=self.start,
            stop=self.stop,
        )

"""A round of clicks on any frame, which spreads to both sides (CiVOS, thesis ch. 4).

In a round a person corrects one frame. The correction is propagated backwards and forwards, up to
the nearest frames that were annotated before, and is fused with the masks that are there, so that
what was said in earlier rounds is not lost. Each pass begins with a memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.fusion import Fusion, Meeting, as_probabilities
from napari_lazyvos.lazy.plan import BACKWARD, FORWARD, Direction, Plan
from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.ledger import Ledger, Origin, State
from napari_lazyvos.store.store import Store
from napari_lazyvos.trackers.protocol import AttendingTracker, Tracker

__all__ = [
    "MEMORIES",
    "Bounds",
    "Changes",
    "Meet",
    "Round",
    "RoundMemory",
    "bounds",
    "labels_of_round",
]

RoundMemory: TypeAlias = Literal["all", "round"]

Meet: TypeAlias = Callable[[Tensor, tuple[int, ...]], Tensor]
"""Makes (1 + K, H, W) probabilities of new ones and of what it knows; with the K labels."""

MEMORIES: Mapping[str, str] = {
    "all": "the frame of the round first, then the frames that were annotated before",
    "round": "the frame of the round alone",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a round reaches for one object."""

    first: int  # frames first <= t <= last change, but for the frame of the round itself
    last: int
    before: int | None  # the annotated frame below `first`; None: there is none
    after: int | None  # the annotated frame above `last`

    def __contains__(self, t: object) -> bool:
        return isinstance(t, int) and self.first <= t <= self.last

    def nearness(self, t: int, source: int) -> float | None:
        """Return how near frame `t` is to that of the round, `source`; None: the side is open.

        1 there, 0 in the annotated frame that closes the side, linear between them.
        """
        end = self.after if t > source else self.before
        return None if end is None or t == source else abs(end - t) / abs(end - source)


def bounds(annotated: Iterable[int], t: int, frames: int) -> Bounds:
    """Return how far a round in frame `t` reaches (CiVOS, eq. 4.2 and 4.3).

    Parameters
    ----------
    annotated : frames that a person annotated; `t` itself does not matter
    t : int
    frames : int, length of the video
    """
    others = np.array([each for each in annotated if each != t], int)
    before, after = others[others < t], others[others > t]
    below = int(before.max()) if len(before) else None
    above = int(after.min()) if len(after) else None
    first = 0 if below is None else below + 1
    last = frames - 1 if above is None else above - 1
    return Bounds(first, last, below, above)


def labels_of_round(ledger: Ledger, t: int, *, everyone: bool) -> tuple[int, ...]:
    """Return the objects that a round in frame `t` is about.

    Those of which a person said there where they are; or, with `everyone`, all that have a mask
    there, which the person has seen and accepted.
    """
    rows = (row for row in ledger.rows_at(t) if row.state == State.TRACKED)
    return tuple(row.label for row in rows if everyone or row.origin == Origin.HUMAN)


class Changes:
    """What was shown of objects in frames, before a person corrected it."""

    def __init__(self) -> None:
        self._before: dict[tuple[int, int], np.ndarray] = {}  # by (frame, label), in bits

    def note(self, t: int, label: int, mask: np.ndarray) -> None:
        """Keep an (H, W) bool mask."""
        self._before[t, label] = np.packbits(mask, axis=1)

    def of(self, t: int, label: int, mask: np.ndarray) -> np.ndarray:
        """Return what was added, and what was taken away, to come to an (H, W) bool mask.

        Where nothing is known of before, such as in a session that was opened again, nothing was
        there.

        Returns
        -------
        (2, H, W) float32 of 0 and 1
        """
        before = self.before(t, label, mask.shape)
        return np.stack([mask & ~before, before & ~mask]).astype(np.float32)

    def before(self, t: int, label: int, size: tuple[int, ...]) -> np.ndarray:
        """Return the (H, W) bool mask that was noted; an empty one of this size if none was."""
        bits = self._before.get((t, label))
        if bits is None:
            return np.zeros(size, bool)
        return np.unpackbits(bits, axis=1, count=size[1]).astype(bool)


@dataclass(frozen=True)
class Round:
    """What the loop is asked to do in one round.

    Parameters
    ----------
    t : int, the annotated frame
    labels : the objects that are propagated from it
    fusion : how the new masks meet those before; None: they replace them
    changed : what a person changed in the frame, by label; see `Changes.of`
    memory : one of `MEMORIES`
    at_most : frames to track now; then it pauses
    passed : frames that are done
    """

    t: int
    labels: tuple[int, ...]
    fusion: Fusion | None
    changed: Mapping[int, np.ndarray] = field(default_factory=dict)
    memory: RoundMemory = "all"
    at_most: int | None = None
    passed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.memory not in MEMORIES:
            raise LazyVosError(f"memory is {self.memory!r}: choose {' or '.join(MEMORIES)}.")

    @property
    def directions(self) -> tuple[Direction, ...]:
        """One pass each."""
        return FORWARD, BACKWARD

    @property
    def text(self) -> str:
        """What the history calls it."""
        return f"round of frame {self.t}: frames {{frames}}"

    def prepare(self, store: Store, edit: Edit) -> None:
        """Nothing becomes stale: what is not reached before a cancel stays as it is."""

    def bounds_of(self, ledger: Ledger, label: int) -> Bounds:
        """Return how far the round reaches for an object."""
        return bounds(map(int, ledger.human_frames(label)), self.t, ledger.frames)

    def distance(self, t: int) -> tuple[int, int]:
        """Return how far a frame is from that of the round; the earlier of two is nearer."""
        return abs(t - self.t), t

    def meet(
        self, store: Store, tracker: Tracker, t: int, frame: np.ndarray, labels: Iterable[int]
    ) -> Meet | None:
        """Return how the new masks of a frame meet those before; None: they replace them."""
        near = self.nearness(store.ledger, t, labels)
        fusion = self.fusion
        if fusion is None or not near:
            return None
        label_map, uncertainty = store.masks.stored(t), store.uncertainty.stored(t)

        def changed(label: int) -> Tensor:
            assert isinstance(tracker, AttendingTracker)  # `Models.fusion` has looked
            return tracker.attend(self.t, label, self.changed[label])

        def meet(new: Tensor, labels: tuple[int, ...]) -> Tensor:
            before = as_probabilities(label_map, uncertainty, labels, new.device)
            return fusion.fuse(Meeting(frame, before, new, labels, near, changed))

        return meet

    def nearness(self, ledger: Ledger, t: int, labels: Iterable[int]) -> dict[int, float]:
        """Return how near a frame is, see `Bounds.nearness`, for each object that is to be fused.

        Those with no mask before, and those whose mask came through the frame of the round as it
        was before it was corrected, are not.
        """
        found = {}
        for label in labels:
            row = ledger.row(label, t)
            near = self.bounds_of(ledger, label).nearness(t, self.t)
            if near is not None and row.state in (State.TRACKED, State.ABSENT) and not row.stale:
                found[label] = near
        return found

    def plan(self, store: Store, direction: Direction, generation: int) -> Plan:
        """Find what is left to do on one side of the frame."""
        ledger, active = store.ledger, {}
        for label in self.labels:
            reach = self.bounds_of(ledger, label)
            wanted = np.zeros(ledger.frames, bool)
            if direction == FORWARD:
                wanted[self.t + 1 : reach.last + 1] = True
            else:
                wanted[reach.first : self.t] = True
            wanted[list(self.passed)] = False
            if wanted.any():
                active[label] = wanted
        anyone = np.any(list(active.values()), axis=0) if active else np.zeros(0, bool)
        return Plan(direction, active, np.flatnonzero(anyone), generation, self)

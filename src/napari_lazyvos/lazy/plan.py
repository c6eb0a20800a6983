"""What is still to be tracked: which frames, of which objects, in which direction.

A person's mask of an object opens a stretch of frames in which the object is *live*; the mark
"it ends here" closes it, and the mark "it is not here" does not: the object is looked for. A
forward pass tracks the live frames that follow a mask, a backward pass those that come before one.
What has been tracked already and is not stale is left alone, and what a person drew always is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from napari_lazyvos.store.ledger import Ledger, Origin, State

if TYPE_CHECKING:
    from napari_lazyvos.lazy.round import Round

__all__ = ["BACKWARD", "FORWARD", "Direction", "Plan", "live_frames", "make_plan"]

Direction: TypeAlias = Literal[1, -1]
FORWARD: Direction = 1
BACKWARD: Direction = -1

WALK = 8  # a gap of settled frames up to which it is cheaper to walk than to fill memory anew


@dataclass(frozen=True, slots=True)
class Plan:
    """The frames that a pass will track, in one direction."""

    direction: Direction
    active: Mapping[int, np.ndarray]  # label -> (T,) bool: to be tracked in this frame
    frames: np.ndarray  # sorted numbers of the frames in which any label is active
    generation: int  # the state of the session for which the plan was made
    round: Round | None = None  # that it is part of; None: the lazy pass

    def route(self) -> np.ndarray:
        """Return the frames that the pass visits, in its order.

        Between two frames to track that lie close together it walks through the settled ones; over
        a wider gap it jumps.
        """
        visits = np.zeros(self.frames.max(initial=-1) + 1, bool)
        visits[self.frames] = True
        for i in np.flatnonzero(np.diff(self.frames) <= WALK):
            visits[self.frames[i] : self.frames[i + 1]] = True
        return np.flatnonzero(visits)[:: self.direction]

    def labels_at(self, t: int) -> tuple[int, ...]:
        """Return the labels to track in frame `t`."""
        return tuple(label for label, frames in self.active.items() if frames[t])

    def intervals(self, label: int) -> tuple[tuple[int, int], ...]:
        """Return the frames in which a label is active as half-open intervals."""
        edges = np.diff(np.pad(self.active[label].astype(np.int8), 1))
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return tuple((int(a), int(b)) for a, b in zip(starts, stops, strict=True))


def live_frames(states: np.ndarray, origins: np.ndarray, direction: Direction) -> np.ndarray:
    """Tell in which frames an object is live, coming from one direction.

    Parameters
    ----------
    states, origins : (T,) arrays of `State` and `Origin` of one object
    direction : 1 or -1

    Returns
    -------
    (T,) bool: the last word of a person that a pass met, this frame included, is a mask; words
    that the object is absent do not count
    """
    if direction == BACKWARD:
        return live_frames(states[::-1], origins[::-1], FORWARD)[::-1]
    words = (origins == Origin.HUMAN) & (states != State.ABSENT)
    numbers = np.where(words, np.arange(len(states)), -1)
    last = np.maximum.accumulate(numbers) if len(numbers) else numbers
    live: np.ndarray = (last >= 0) & (states[last] == State.TRACKED)
    return live


def make_plan(
    ledger: Ledger,
    direction: Direction,
    generation: int,
    *,
    labels: Iterable[int] | None = None,
    start: int | None = None,
    stop: int | None = None,
) -> Plan:
    """Find what is missing or stale.

    Parameters
    ----------
    ledger : what is known of each object in each frame
    direction : 1 or -1
    generation : kept in the plan
    labels : only these objects; None is all
    start, stop : only frames ``start <= t < stop``

    Returns
    -------
    Plan
    """
    active = {}
    for label in ledger.labels if labels is None else labels:
        states, origins = ledger.states(label), ledger.origins(label)
        wanted = live_frames(states, origins, direction) & (origins != Origin.HUMAN)
        done = (states == State.TRACKED) | (states == State.ABSENT)
        wanted &= ~done | ledger.stale(label)
        wanted[: start or 0] = False
        if stop is not None:
            wanted[stop:] = False
        if wanted.any():
            active[label] = wanted
    anyone = np.any(list(active.values()), axis=0) if active else np.zeros(0, bool)
    return Plan(direction, active, np.flatnonzero(anyone), generation)

"""Objects that are out of view: not asked about, looked for all the same; and those that ended."""

from __future__ import annotations

from collections.abc import Iterator

from napari_lazyvos.lazy.plan import Direction
from napari_lazyvos.store.ledger import Ledger, Origin, Row, State

__all__ = ["is_absent", "last_seen", "state_at"]


def is_absent(ledger: Ledger, label: int, t: int, direction: Direction, after: int | None) -> bool:
    """Tell whether an object counts as absent when a pass comes to frame `t`.

    Parameters
    ----------
    ledger : what is known of the frames before
    label, t : which object, which frame
    direction : of the pass, 1 or -1
    after : so many empty masks in a row make it absent; None: only a person's word does
    """
    for empty, (_, row) in enumerate(_back(ledger, label, t, direction), start=1):
        if row.state != State.ABSENT:
            return False
        if row.origin == Origin.HUMAN or empty == after:
            return True
    return False


def last_seen(ledger: Ledger, label: int, t: int, direction: Direction) -> int | None:
    """Return the last frame that a pass met before `t` in which the object had a mask."""
    for frame, row in _back(ledger, label, t, direction):
        if row.state == State.TRACKED:
            return frame
    return None


def state_at(ledger: Ledger, label: int, t: int) -> State:
    """Tell whether an object is tracked, absent, ended or not tracked yet in a frame.

    Where a person said that it ends it is ended in the frames that follow too, whether a pass has
    been there or not.
    """
    known = ledger.row(label, t).state
    if known == State.UNTRACKED:
        states, origins = ledger.states(label)[: t + 1], ledger.origins(label)[: t + 1]
        words = states[(origins == Origin.HUMAN) & (states != State.ABSENT)]
        return State.ENDED if len(words) and words[-1] == State.ENDED else known
    return known


def _back(ledger: Ledger, label: int, t: int, direction: Direction) -> Iterator[tuple[int, Row]]:
    """Yield the frames that a pass has behind it at `t`, the nearest first."""
    frame = t - direction
    while 0 <= frame < ledger.frames:
        yield frame, ledger.row(label, frame)
        frame -= direction

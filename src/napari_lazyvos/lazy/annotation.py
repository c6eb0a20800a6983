"""What a person says about a frame, and what follows from it for the frames around it.

A person's mask is the truth of its frame: no pass overwrites it. The frames that a pass made on
the way from it, up to the next annotated frame, become *stale*; the next run tracks them anew.
An annotation without a mask says that the object ends there, or that it is out of view.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_lazyvos.lazy.plan import BACKWARD, FORWARD, live_frames
from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.ledger import Call, Origin, Row, State
from napari_lazyvos.store.store import Store

__all__ = [
    "annotate",
    "corrected_labels",
    "erase_object",
    "mask_so_far",
    "unannotate",
    "write_frame",
]


def annotate(
    store: Store,
    edit: Edit,
    t: int,
    label: int,
    mask: np.ndarray,
    *,
    gone: State = State.ENDED,
) -> None:
    """Write a person's mask of one object in one frame.

    Parameters
    ----------
    store, edit : where it is written, and the change that it belongs to
    t, label : which frame, which object
    mask : (H, W) bool; where a person drew other objects, they stay
    gone : what an empty mask says: the object ends here, or is out of view
    """
    before = store.masks.stored(t)
    rows = store.ledger.rows_at(t)
    drawn = [row.label for row in rows if row.origin == Origin.HUMAN and row.label != label]
    after = before.copy()
    after[before == label] = 0
    after[mask & ~np.isin(before, drawn)] = label
    write_frame(store, edit, t, after, corrected=(label,), gone=gone)


def write_frame(
    store: Store,
    edit: Edit,
    t: int,
    after: np.ndarray,
    *,
    corrected: tuple[int, ...],
    gone: State = State.ENDED,
) -> None:
    """Replace the label map of a frame, in which a person corrected some objects.

    Parameters
    ----------
    after : (H, W), the new label map
    corrected : labels whose masks in `after` are a person's; of the others, areas are counted anew
    gone : what an empty mask of those says
    """
    rows = [
        _human_row(store.ledger.row(label, t), int((after == label).sum()), gone)
        for label in corrected
    ]
    for row in store.ledger.rows_at(t):
        if row.label not in corrected:
            area = int((after == row.label).sum())
            rows += [] if area == row.area else [_recounted(row, area)]
    certain = np.isin(after, corrected)
    uncertainty = np.where(certain, 0, store.uncertainty.stored(t)).astype(np.uint8)
    edit.write_frame(t, label_map=after, uncertainty=uncertainty, rows=rows)
    for label in corrected:
        _settle_surroundings(store, edit, t, label)


def mask_so_far(store: Store, t: int, label: int, *, doubtful: bool) -> np.ndarray | None:
    """Return the (H, W) bool mask that a click corrects; None if there is none.

    As in Lazy-XMem, one that the tracker asked about is left out, unless `doubtful` ones are
    wanted: there the click says more.
    """
    row = store.ledger.row(label, t)
    if row.call and row.origin != Origin.HUMAN and not doubtful:
        return None
    mask = store.masks.stored(t) == label
    return mask if mask.any() else None


def unannotate(store: Store, edit: Edit, t: int, label: int) -> None:
    """Take back what a person said of one object in one frame."""
    _erase(store, edit, t, Row(label, State.UNTRACKED, Origin.NONE))
    _settle_surroundings(store, edit, t, label)


def erase_object(store: Store, edit: Edit, label: int) -> None:
    """Remove an object from every frame, with its clicks."""
    for t in np.flatnonzero(store.ledger.states(label) == State.TRACKED):
        _erase(store, edit, int(t), Row(label, State.UNTRACKED, Origin.NONE))
    edit.forget(label)


def corrected_labels(before: np.ndarray, after: np.ndarray) -> tuple[int, ...]:
    """Tell which objects a person corrected by painting: those that gained or lost pixels.

    One that another object's brush covered in part is among them, since what the brush left is
    what the person saw and accepted; so the two are told apart in the frames that follow.

    Parameters
    ----------
    before, after : (H, W) label maps

    Returns
    -------
    Sorted labels, without background
    """
    changed = before != after
    labels = np.union1d(before[changed], after[changed])
    return tuple(int(label) for label in labels if label != 0)


def _human_row(before: Row, area: int, gone: State) -> Row:
    """Return the row of a person's mask; the score stays that of the prediction before it."""
    return replace(
        before,
        state=State.TRACKED if area else gone,
        origin=Origin.HUMAN,
        stale=False,
        direction=0,
        area=area,
        call=Call.ANSWERED if before.call else Call.NONE,
    )


def _recounted(row: Row, area: int) -> Row:
    empty = area == 0 and row.state == State.TRACKED
    return replace(row, state=State.ABSENT if empty else row.state, area=area)


def _settle_surroundings(store: Store, edit: Edit, t: int, label: int) -> None:
    """Bring the frames around a changed annotation in line with it, up to the next ones.

    What a pass made while the object was live is stale. What it made where the object is no longer
    live is erased, because no pass would come and do it.
    """
    human = store.ledger.human_frames(label)
    before = int(human[human < t].max(initial=-1))
    after = int(human[human > t].min(initial=store.frames))
    states, origins = store.ledger.states(label), store.ledger.origins(label)
    directions = store.ledger.directions(label)
    ended = store.ledger.row(label, t).state == State.ENDED
    for direction, start, stop in ((FORWARD, t, after), (BACKWARD, before + 1, t + 1)):
        edit.mark_stale(label, start, stop, direction)
        orphan = (origins != Origin.HUMAN) & (states != State.UNTRACKED)
        orphan &= (directions == direction) & ~live_frames(states, origins, direction)
        for frame in start + np.flatnonzero(orphan[start:stop]):
            state = State.ENDED if ended else State.UNTRACKED
            origin = Origin.MACHINE if ended else Origin.NONE
            _erase(store, edit, int(frame), Row(label, state, origin, direction=direction))


def _erase(store: Store, edit: Edit, t: int, row: Row) -> None:
    """Take one object out of one frame, and write `row` for it."""
    before = store.masks.stored(t)
    after = np.where(before == row.label, 0, before).astype(before.dtype)
    edit.write_frame(t, label_map=after, rows=[row])

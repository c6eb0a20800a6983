"""Calls for help: which are open, and where in its frame each one is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.ledger import Call, Ledger
from napari_lazyvos.store.store import Store

__all__ = ["OpenCall", "confirm", "is_quiet", "most_unsure", "open_calls", "place_of", "reach"]


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A person was asked for help, and has not answered."""

    t: int
    label: int
    score: float
    rise: float


def open_calls(ledger: Ledger) -> tuple[OpenCall, ...]:
    """Return all calls that wait for an answer, the greatest rise first.

    Those in frames that will be tracked anew are left out: they may come again.
    """
    calls = []
    for label in ledger.labels:
        scores, rises = ledger.scores(label), ledger.rises(label)
        waiting = (ledger.calls(label) == Call.OPEN) & ~ledger.stale(label)
        for t in map(int, np.flatnonzero(waiting)):
            calls.append(OpenCall(t, label, float(scores[t]), float(rises[t])))
    return tuple(sorted(calls, key=lambda call: (-np.nan_to_num(call.rise), call.t, call.label)))


def is_quiet(ledger: Ledger, label: int, t: int, direction: int, patience: int) -> bool:
    """Tell whether a person said, in the last `patience` frames, that the object is fine."""
    frames = (t - step * direction for step in range(1, patience + 1))
    inside = (frame for frame in frames if 0 <= frame < ledger.frames)
    return any(ledger.row(label, frame).call == Call.FINE for frame in inside)


def most_unsure(uncertainty: np.ndarray, mask: np.ndarray) -> tuple[int, int]:
    """Return (y, x) of the most uncertain pixel of an object, or of the frame if it has none.

    Parameters
    ----------
    uncertainty : (H, W) uint8 or float
    mask : (H, W) bool
    """
    weights = uncertainty * mask if mask.any() else uncertainty
    y, x = np.unravel_index(int(weights.argmax()), weights.shape)
    return int(y), int(x)


def place_of(store: Store, call: OpenCall) -> tuple[int, int]:
    """Return (y, x) of what a call is about; reads from disk."""
    uncertainty = store.uncertainty.stored(call.t)
    return most_unsure(uncertainty, store.masks.stored(call.t) == call.label)


def confirm(ledger: Ledger, edit: Edit, label: int, t: int, patience: int) -> None:
    """Answer that an object is fine, to the calls in frame `t` and in the `patience` after it."""
    stop = min(t + 1 + patience, ledger.frames)
    for frame in t + np.flatnonzero(ledger.calls(label)[t:stop] == Call.OPEN):
        row = replace(ledger.row(label, int(frame)), call=Call.FINE)
        edit.write_frame(int(frame), rows=[row])


def reach(store: Store, label: int, t: int) -> tuple[int, int]:
    """Return the frames ``start <= frame < stop`` that a correction in frame `t` can change.

    They lie between the annotated frames before and after it; of those in between, only what was
    tracked is tracked anew.
    """
    ledger = store.ledger
    human = ledger.human_frames(label)
    before = int(human[human < t].max(initial=-1))
    after = int(human[human > t].min(initial=store.frames))
    states, directions = ledger.states(label), ledger.directions(label)
    made = states != 0
    ahead = np.flatnonzero(made[t + 1 : after] & (directions[t + 1 : after] > 0))
    behind = np.flatnonzero(made[before + 1 : t] & (directions[before + 1 : t] < 0))
    start = before + 1 + int(behind[0]) if len(behind) else t
    stop = t + 2 + int(ahead[-1]) if len(ahead) else t + 1
    return start, stop

"""Which frame to correct next, where nobody knows the truth (CiVOS asks it of the truth, eq. 4.4).

Correcting a frame gains the most where the tracker is unsure, and far from what was annotated: next
to an annotated frame there is little left to gain, however unsure the masks are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lazyvos.store.ledger import Ledger, Origin, State

__all__ = ["Suggestion", "suggest"]

FAR = 10  # frames from an annotated one at which half of what could go wrong has


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A frame that is worth a round."""

    t: int
    label: int  # the object that speaks for it most
    gain: float  # expected: the sum over the objects of score times remoteness, in no unit
    score: float  # of that object in the frame, in [0, 1]
    distance: int | None  # in frames, to the nearest that is annotated of it; None: there is none
    absent: bool  # whether the tracker does not find that object there

    @property
    def why(self) -> str:
        """The reason, in words for a person."""
        what = (
            f"object {self.label} was not found there"
            if self.absent
            else f"the tracker is unsure of object {self.label} there ({self.score:.2f})"
        )
        if self.distance is None:
            return f"{what}, and it is annotated nowhere"
        frames = "1 frame" if self.distance == 1 else f"{self.distance} frames"
        return f"{what}, {frames} from the nearest annotated one"


def suggest(ledger: Ledger) -> Suggestion | None:
    """Return the frame with the highest expected gain; None if nothing was tracked.

    An object's gain in a frame is S d / (d + 10), with its score S and the distance d in frames to
    the nearest one that is annotated of it. Where it was not found, its score is the median of
    those that it has elsewhere. The gains of all objects are added; of equal frames the first is
    taken. Frames that a person annotated in any way are left out.
    """
    gains = {label: _gains(ledger, label) for label in ledger.labels}
    total = np.sum(list(gains.values()), axis=0) if gains else np.zeros(0)
    total[ledger.human_frames()] = 0
    if not total.any():
        return None
    t = int(total.argmax())
    label = max(gains, key=lambda each: gains[each][t])
    human = ledger.human_frames(label)
    return Suggestion(
        t,
        label,
        float(total[t]),
        float(_scores(ledger, label)[t]),
        int(np.abs(human - t).min()) if len(human) else None,
        ledger.row(label, t).state == State.ABSENT,
    )


def _gains(ledger: Ledger, label: int) -> np.ndarray:
    """Return the expected gain of an object in each frame, (T,) float64."""
    human = ledger.human_frames(label)
    frames = np.arange(ledger.frames)
    if not len(human):
        return _scores(ledger, label)
    after = np.searchsorted(human, frames).clip(max=len(human) - 1)
    distance = np.minimum(
        np.abs(frames - human[after]), np.abs(frames - human[(after - 1).clip(min=0)])
    )
    gains: np.ndarray = _scores(ledger, label) * distance / (distance + FAR)
    return gains


def _scores(ledger: Ledger, label: int) -> np.ndarray:
    """Return an object's score where a machine looked for it, (T,) float64; 0 elsewhere."""
    states, made = ledger.states(label), ledger.origins(label) != Origin.HUMAN
    scores = np.nan_to_num(ledger.scores(label).astype(np.float64))
    seen = made & (states == State.TRACKED)
    usual = float(np.median(scores[seen])) if seen.any() else 0.0
    return np.where(seen, scores, np.where(made & (states == State.ABSENT), usual, 0.0))

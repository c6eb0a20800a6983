"""A tracker on its way through a video: one frame at a time, in either direction.

The tracker's memory is filled from the store wherever a pass begins: with the frames that a
person annotated, and with the few frames just before. So a pass can begin anywhere, and what a
person corrects is what the tracker remembers. What a person wants it to forget is passed without
being remembered, and what shall be kept is among what the memory is filled with.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.lazy.absence import is_absent
from napari_lazyvos.lazy.events import ObjectScore
from napari_lazyvos.lazy.merge import merge
from napari_lazyvos.lazy.plan import FORWARD, Direction
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.round import Meet, Round
from napari_lazyvos.store.document import Wish
from napari_lazyvos.store.ledger import Origin, State
from napari_lazyvos.store.store import Store
from napari_lazyvos.trackers.encodings import Encodings
from napari_lazyvos.trackers.protocol import (
    CachingTracker,
    Probabilities,
    RatingTracker,
    RememberingTracker,
    SamplingTracker,
    Tracker,
)
from napari_lazyvos.uncertainty import dilate, measure, region_radius, region_scores
from napari_lazyvos.video.video import Video

__all__ = ["Prediction", "Propagation"]

ANCHORS = 8  # nearest annotated frames that a fresh memory begins with
WARM_UP = 3  # frames before the first tracked one that a fresh memory has seen


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the tracker says of one frame, in line with what is settled; not remembered yet."""

    t: int
    frame: np.ndarray  # (3, H, W) float32
    probabilities: Tensor  # (1 + K, H, W), background first
    labels: tuple[int, ...]  # of probabilities[1:]
    known: frozenset[int]  # those of which there is something to remember in this frame
    label_map: np.ndarray  # (H, W) uint8 or uint16
    uncertainty: np.ndarray  # (H, W) float32 in [0, 1]
    scores: tuple[ObjectScore, ...]  # of the objects that were tracked in this frame

    def probability(self, label: int) -> np.ndarray:
        """Return the probability of an object, (H, W) float32."""
        return self.probabilities[1 + self.labels.index(label)].cpu().numpy()

    def region(self, label: int) -> np.ndarray:
        """Return an object's dilated mask, (H, W) bool."""
        mask = torch.from_numpy(self.label_map == label)
        return dilate(mask, region_radius(int(mask.sum()))).numpy()


class Propagation:
    """A tracker, and where it is.

    Parameters
    ----------
    video, store : where frames come from, and what is known of them
    tracker : any `Tracker` with an empty memory
    """

    def __init__(self, video: Video, store: Store, tracker: Tracker) -> None:
        self.tracker = tracker
        self._video = video
        self._store = store
        self._empty = tracker.snapshot()
        self._at: int | None = None  # the frame that was committed last; None: memory is stale
        self._direction: Direction = FORWARD

    def stands_before(self, t: int, direction: Direction) -> bool:
        """Tell whether the next frame of the tracker, as its memory is, would be `t`."""
        return self._at is not None and (self._at + direction, direction) == (t, self._direction)

    def stands_on(self, t: int) -> bool:
        """Tell whether the tracker's last frame was `t`."""
        return self._at == t

    def drop(self) -> None:
        """Forget where the tracker is, because what it remembers was changed behind its back."""
        self._at = None

    def begin(self, t: int, direction: Direction, turn: Round | None = None) -> None:
        """Fill the memory for a pass whose first frame is `t`, in a round if `turn` is given."""
        self.tracker.restore(self._empty)
        self._direction = direction
        self._keep_encodings(turn is not None)
        anchors = self._anchors(t) if turn is None else self._anchors_of(turn)
        for seen in (*anchors, *self._frames_before(t)):
            self.follow(seen, self._video.frame(seen))
        self._at = t - direction

    def follow(self, t: int, frame: np.ndarray) -> None:
        """Show the tracker a frame that is settled, as the store has it."""
        self._forget_ended(t)
        labels = self._known_labels(t)
        if labels and self._is_unwanted(t):
            self.tracker.commit(t, frame, None, ())
        elif labels:
            settled = one_hot(self._store.masks.stored(t), labels, self.tracker.device)
            self._commit(t, frame, settled, labels)
        self._at = t

    def predict(
        self,
        t: int,
        frame: np.ndarray,
        active: tuple[int, ...],
        policy: Policy,
        meet: Meet | None = None,
    ) -> Prediction:
        """Track the active objects in frame `t`, and remember nothing yet.

        Parameters
        ----------
        t : int, the frame next to the one before, in the direction of the pass
        frame : (3, H, W) float32, RGB in [0, 1]
        active : labels to track; all others keep what the store has of them
        policy : says how scores are measured
        meet : makes what is shown of what was predicted; what is remembered is what was predicted
        """
        self._forget_ended(t, but=active)
        known = frozenset((*self._known_labels(t), *active))
        settled = self._store.masks.stored(t)
        others = {*known, *self.tracker.labels}.difference(active)
        predicted = self.tracker.step(frame)
        unsure = measure(policy.uncertainty, predicted, _samples(self.tracker))
        fixed = {label: settled == label for label in sorted(others)}
        merged, labels = merge(predicted, self.tracker.labels, fixed)
        shown = merged
        if meet is not None:
            shown, _ = merge(meet(merged, labels), labels, fixed)
            unsure = measure("entropy", shown)
        found = label_map(shown, labels, self._store.masks.dtype)
        if policy.uncertainty == "quality":
            values = _lacks(self.tracker, active)
        else:
            values = region_scores(
                unsure, found, active, normaliser=policy.normaliser, compat=policy.compat
            )
        scores = tuple(
            ObjectScore(
                label,
                score,
                self._rise(label, t, score, policy),
                int(np.count_nonzero(found == label)),
            )
            for label, score in zip(active, values, strict=True)
        )
        uncertainty = unsure.cpu().numpy()
        return Prediction(t, frame, merged, labels, known, found, uncertainty, scores)

    def remember(
        self,
        seen: Prediction,
        *,
        without: Collection[int] = (),
        masks: Mapping[int, np.ndarray] | None = None,
    ) -> None:
        """Go past the frame that was predicted last.

        Parameters
        ----------
        seen : Prediction
        without : labels of which nothing is remembered from this frame, unless a person drew in it
        masks : label -> (H, W) bool, to be remembered in place of what was predicted
        """
        merged, labels = merge(seen.probabilities, seen.labels, masks or {})
        # Of objects that are neither tracked nor known in this frame there is nothing to remember.
        spoken = seen.known if self._is_permanent(seen.t) else seen.known.difference(without)
        named = [label for label in labels if label in spoken and not self._is_unwanted(seen.t)]
        rows = [0, *(1 + labels.index(label) for label in named)]
        self._commit(seen.t, seen.frame, merged[rows] if named else None, tuple(named))
        self._at = seen.t

    def obey(self, t: int, wish: Wish) -> None:
        """Do what a person wants of the memory of a frame, if it is in memory now.

        Raises
        ------
        LazyVosError
            See `RememberingTracker.forget_frame`.
        """
        if self._at is None:
            return  # it is filled anew before it is used
        if not isinstance(self.tracker, RememberingTracker):
            self.drop()
        elif remembering := _if_remembered(self.tracker, t):
            if wish is Wish.KEEP:
                remembering.keep_frame(t)
            else:
                remembering.forget_frame(t)

    def snapshot(self) -> dict[str, Any] | None:
        """Return the tracker's memory and place, or None where there is nothing to keep."""
        if self._at is None:
            return None
        memory = self.tracker.snapshot()
        return {"at": self._at, "direction": int(self._direction), "memory": memory}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Put the tracker back to where `snapshot` was taken."""
        self.tracker.restore(snapshot["memory"])
        self._at = snapshot["at"]
        self._direction = snapshot["direction"]

    def _keep_encodings(self, wanted: bool) -> None:
        """Let rounds over the same frames share what the tracker saw in them.

        A GPU is faster than it could be fetched, and its memory is dear.
        """
        tracker = self.tracker
        if isinstance(tracker, CachingTracker) and wanted != (tracker.encodings is not None):
            here = wanted and tracker.device.type == "cpu"
            tracker.encodings = Encodings() if here else None

    def _anchors(self, t: int) -> list[int]:
        """Return the frames that a fresh memory begins with, in the pass's order.

        Of those that a person annotated the nearest ones behind `t`, and of each object the first
        and the nearest; and all behind `t` that a person wants to be kept.
        """
        ledger = self._store.ledger
        chosen = set(self._behind(t, ledger.human_frames())[-ANCHORS:])
        for label in ledger.labels:
            own = self._behind(t, ledger.human_frames(label))
            chosen.update(own[:1] + own[-1:])
        wishes = self._store.document.wishes.items()
        kept = [frame for frame, wish in wishes if wish is Wish.KEEP]
        chosen.update(self._behind(t, np.array(kept, int)))
        return sorted(chosen, reverse=self._direction != FORWARD)

    def _anchors_of(self, turn: Round) -> list[int]:
        """Return the frames that a pass of a round begins with.

        The frame of the round is the first, so that a memory that compares others with its first
        frame compares them with this one (CiVOS), and the last, because the pass goes on from it.
        """
        if turn.memory == "round":
            return [turn.t]
        ledger = self._store.ledger
        annotated = sorted(set(map(int, ledger.human_frames())) - {turn.t}, key=turn.distance)
        chosen = set(annotated[:ANCHORS])
        for label in ledger.labels:
            own = set(map(int, ledger.human_frames(label))) - {turn.t}
            chosen.update(sorted(own, key=turn.distance)[:1])
        far_first = sorted(chosen, key=turn.distance, reverse=True)
        return [turn.t, *far_first, turn.t] if far_first else [turn.t]

    def _behind(self, t: int, frames: np.ndarray) -> list[int]:
        """Return those of the frames that a pass has behind it at `t`, in its order."""
        ordered = frames[:: self._direction]
        return [int(frame) for frame in ordered if (t - frame) * self._direction > 0]

    def _frames_before(self, t: int) -> list[int]:
        """Return the frames just before `t`, in the pass's order, of which something is known.

        None is taken from before an annotated frame: what a person corrected there is what the
        machine had got wrong until then.
        """
        frames: list[int] = []
        for step in range(1, WARM_UP + 1):
            frame = t - step * self._direction
            if not 0 <= frame < len(self._store.masks) or self._is_annotated(frame):
                break
            if self._known_labels(frame):
                frames.append(frame)
        return frames[::-1]

    def _known_labels(self, t: int) -> tuple[int, ...]:
        """Return the labels whose place in frame `t` is settled, or that are known to be absent."""
        rows = self._store.ledger.rows_at(t)
        return tuple(row.label for row in rows if row.state in (State.TRACKED, State.ABSENT))

    def _forget_ended(self, t: int, but: tuple[int, ...] = ()) -> None:
        for label in self.tracker.labels:
            ended = self._store.ledger.row(label, t).state == State.ENDED
            if ended and label not in but:
                self.tracker.forget(label)

    def _is_annotated(self, t: int) -> bool:
        return any(row.origin == Origin.HUMAN for row in self._store.ledger.rows_at(t))

    def _is_permanent(self, t: int) -> bool:
        """Whether a frame has to stay in memory."""
        return self._is_annotated(t) or self._store.document.wishes.get(t) is Wish.KEEP

    def _is_unwanted(self, t: int) -> bool:
        """Whether nothing of a frame may be remembered; an annotation counts for more."""
        return self._store.document.wishes.get(t) is Wish.FORGET and not self._is_annotated(t)

    def _commit(
        self, t: int, frame: np.ndarray, given: Probabilities | None, labels: tuple[int, ...]
    ) -> None:
        """Tell the tracker what a frame holds, and that it shall stay if that is so."""
        self.tracker.commit(t, frame, given, labels, permanent=self._is_permanent(t))
        kept = self._store.document.wishes.get(t) is Wish.KEEP
        # A tracker may have a limit to what is permanent for another reason.
        if kept and (remembering := _if_remembered(self.tracker, t)):
            remembering.keep_frame(t)

    def _rise(self, label: int, t: int, score: float, policy: Policy) -> float | None:
        """Return by how much a score rose; None where there is nothing to compare it with."""
        before = t - self._direction
        ledger = self._store.ledger
        if not 0 <= before < ledger.frames:
            return None
        if is_absent(ledger, label, t, self._direction, policy.absent_after):
            return None
        earlier = ledger.row(label, before).score
        return None if math.isnan(earlier) else score - earlier


def _if_remembered(tracker: Tracker, t: int) -> RememberingTracker | None:
    """Return the tracker if it tells that it remembers a frame."""
    if isinstance(tracker, RememberingTracker) and t in {each.t for each in tracker.remembered}:
        return tracker
    return None


def _samples(tracker: Tracker) -> Iterator[Probabilities] | None:
    """Return what several predictions of the frame there are, not computed yet."""
    return tracker.samples() if isinstance(tracker, SamplingTracker) else None


def _lacks(tracker: Tracker, labels: tuple[int, ...]) -> tuple[float, ...]:
    """Return what the masks of objects lack in quality, by what the tracker says of them itself."""
    if not isinstance(tracker, RatingTracker):
        raise LazyVosError(
            f"The uncertainty 'quality' is what a tracker says of its masks, and {tracker.name} "
            "says nothing of them: choose the uncertainty entropy, or qdmn as tracker."
        )
    quality = tracker.quality()
    return tuple(1.0 - quality.get(label, 1.0) for label in labels)

"""A tracker on its way through a video: one frame at a time, in either direction.

The tracker's memory is filled from the store wherever a pass begins: with the frames that a
person annotated, and with the few frames just before. So a pass can begin anywhere, and what a
person corrects is what the tracker remembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.lazy.events import ObjectScore
from napari_lazyvos.lazy.merge import merge
from napari_lazyvos.lazy.plan import FORWARD, Direction
from napari_lazyvos.store.ledger import Origin, State
from napari_lazyvos.store.store import Store
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.uncertainty import entropy, region_score
from napari_lazyvos.video.video import Video

__all__ = ["Outcome", "Propagation"]

ANCHORS = 8  # nearest annotated frames that a fresh memory begins with
WARM_UP = 3  # frames before the first tracked one that a fresh memory has seen


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tracker says of one frame, in line with what is settled there."""

    label_map: np.ndarray  # (H, W) uint8 or uint16
    uncertainty: np.ndarray  # (H, W) float32 in [0, 1]
    scores: tuple[ObjectScore, ...]  # of the objects that were tracked in this frame


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

    def begin(self, t: int, direction: Direction) -> None:
        """Fill the memory for a pass whose first frame is `t`."""
        self.tracker.restore(self._empty)
        self._direction = direction
        for seen in (*self._anchors(t), *self._frames_before(t)):
            self.follow(seen, self._video.frame(seen))
        self._at = t - direction

    def follow(self, t: int, frame: np.ndarray) -> None:
        """Show the tracker a frame that is settled, as the store has it."""
        self._forget_ended(t)
        labels = self._known_labels(t)
        if labels:
            settled = one_hot(self._store.masks.stored(t), labels, self.tracker.device)
            permanent = self._is_annotated(t)
            self.tracker.commit(t, frame, settled, labels, permanent=permanent)
        self._at = t

    def advance(self, t: int, frame: np.ndarray, active: tuple[int, ...]) -> Outcome:
        """Track the active objects in frame `t`, and remember it.

        Parameters
        ----------
        t : int, the frame next to the one before, in the direction of the pass
        frame : (3, H, W) float32, RGB in [0, 1]
        active : labels to track; all others keep what the store has of them
        """
        self._forget_ended(t, but=active)
        known = {*self._known_labels(t), *active}
        settled = self._store.masks.stored(t)
        others = {*known, *self.tracker.labels}.difference(active)
        predicted = self.tracker.step(frame)
        uncertainty = entropy(predicted)
        fixed = {label: settled == label for label in sorted(others)}
        merged, labels = merge(predicted, self.tracker.labels, fixed)
        labels_of_pixels = label_map(merged, labels, self._store.masks.dtype)
        scores = tuple(self._score(label, t, labels_of_pixels, uncertainty) for label in active)
        # Of objects that are neither tracked nor known in this frame there is nothing to remember.
        rows = [0, *(1 + i for i, label in enumerate(labels) if label in known)]
        remembered = tuple(label for label in labels if label in known)
        permanent = self._is_annotated(t)
        self.tracker.commit(t, frame, merged[rows], remembered, permanent=permanent)
        self._at = t
        return Outcome(labels_of_pixels, uncertainty.cpu().numpy(), scores)

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

    def _anchors(self, t: int) -> list[int]:
        """Return the annotated frames that a fresh memory begins with, in the pass's order.

        The nearest ones behind `t`, and of each object the first and the nearest.
        """
        ledger = self._store.ledger
        chosen = set(self._behind(t, ledger.human_frames())[-ANCHORS:])
        for label in ledger.labels:
            own = self._behind(t, ledger.human_frames(label))
            chosen.update(own[:1] + own[-1:])
        return sorted(chosen, reverse=self._direction != FORWARD)

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

    def _score(
        self, label: int, t: int, labels_of_pixels: np.ndarray, uncertainty: torch.Tensor
    ) -> ObjectScore:
        mask = torch.from_numpy(labels_of_pixels == label)
        score = region_score(uncertainty, mask.to(uncertainty.device))
        before = t - self._direction
        inside = 0 <= before < len(self._store.masks)
        earlier = self._store.ledger.row(label, before).score if inside else float("nan")
        rise = None if np.isnan(earlier) else score - earlier
        return ObjectScore(label, score, rise, int(mask.sum()))

"""Several trackers as one: the mean of what they predict, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.protocol import (
    Probabilities,
    RememberedFrame,
    RememberingTracker,
    Snapshot,
    Tracker,
)
from napari_lazyvos.trackers.remembered import check_remembered

__all__ = ["EnsembleTracker"]


class EnsembleTracker:
    """Follow objects with several trackers, which all remember the same masks.

    Lazy-XMem's is of three, trained on different videos (thesis sec. 6.8.3).

    Parameters
    ----------
    members : two or more trackers with an empty memory
        Networks of one method with different weights, or different methods.

    Raises
    ------
    LazyVosError
        If there are fewer than two.
    """

    name = "ensemble"

    def __init__(self, members: Sequence[Tracker]) -> None:
        if len(members) < 2:
            raise LazyVosError(
                f"An ensemble of {len(members)} has nothing to compare: give two or more trackers, "
                "or a list of two or more weights."
            )
        self.members = tuple(members)
        self.device = members[0].device
        self._predicted: list[Probabilities] = []  # by the members, waiting for `commit`

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels that all members know, in the order of the first one's."""
        first, *others = self.members
        return tuple(k for k in first.labels if all(k in each.labels for each in others))

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that a member remembers, sorted."""
        return tuple(sorted({t for each in self.members for t in each.memory_frames}))

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """Frames that a member compares others with, sorted; see `RememberingTracker.remembered`.

        One is permanent if it is so for each member that remembers it.
        """
        permanent: dict[int, bool] = {}
        for each in self._remembering:
            for frame in each.remembered:
                permanent[frame.t] = frame.permanent and permanent.get(frame.t, True)
        return tuple(RememberedFrame(t, permanent[t]) for t in sorted(permanent))

    @property
    def diversity(self) -> float | None:
        """Mean of the members'; None if one has none. See `RememberingTracker.diversity`."""
        found = [each.diversity for each in self._remembering]
        told = [each for each in found if each is not None]
        return sum(told) / len(told) if told and len(told) == len(self.members) else None

    def step(self, frame: np.ndarray) -> Probabilities:
        """Return the mean of what the members predict; see `Tracker.step`."""
        self._predicted = []  # nothing, if a member fails
        labels = self.labels
        self._predicted = [_of_labels(each, each.step(frame), labels) for each in self.members]
        mean = self._predicted[0].to(self.device, copy=True)
        for count, other in enumerate(self._predicted[1:], start=2):
            mean += (other.to(self.device) - mean) / count
        return mean

    def samples(self) -> Iterator[Probabilities]:
        """Yield what each member predicted; see `SamplingTracker.samples`."""
        if not self._predicted:
            raise LazyVosError("There is nothing to sample: predict a frame with step before.")
        return (each.to(self.device, copy=True) for each in tuple(self._predicted))

    def commit(
        self,
        t: int,
        frame: np.ndarray,
        probabilities: Probabilities | None,
        labels: tuple[int, ...],
        *,
        permanent: bool = False,
    ) -> None:
        """Tell all members the same of a frame; see `Tracker.commit`."""
        self._predicted = []
        for each in self.members:
            each.commit(t, frame, probabilities, labels, permanent=permanent)

    def forget(self, label: int) -> None:
        """Remove an object from the memory of all members."""
        self._predicted = []
        for each in self.members:
            each.forget(label)

    def forget_frame(self, t: int) -> None:
        """Remove one frame from the memory of all members that have it.

        Raises
        ------
        LazyVosError
            See `RememberingTracker.forget_frame`; then no member has forgotten it.
        """
        check_remembered(t, self.remembered)
        before = self.snapshot()
        self._predicted = []
        try:
            for each in self._having(t):
                each.forget_frame(t)
        except LazyVosError:
            self.restore(before)
            raise

    def keep_frame(self, t: int) -> None:
        """Make one frame permanent for all members that have it."""
        check_remembered(t, self.remembered)
        for each in self._having(t):
            each.keep_frame(t)

    def snapshot(self) -> Snapshot:
        """Return a copy of the memories, for undo, ranges and resume."""
        return {"members": [each.snapshot() for each in self.members]}

    def restore(self, snapshot: Snapshot) -> None:
        """Put back memories that `snapshot` returned.

        Raises
        ------
        LazyVosError
            If they are those of another number of trackers.
        """
        kept = snapshot.get("members", [])
        if len(kept) != len(self.members):
            raise LazyVosError(
                f"This memory is one of {len(kept)} trackers, and the ensemble has "
                f"{len(self.members)}: make it of the same ones."
            )
        self._predicted = []
        for each, own in zip(self.members, kept, strict=True):
            each.restore(own)

    @property
    def _remembering(self) -> list[RememberingTracker]:
        """The members that tell what they remember."""
        return [each for each in self.members if isinstance(each, RememberingTracker)]

    def _having(self, t: int) -> list[RememberingTracker]:
        """Return the members that remember a frame."""
        having = []
        for each in self._remembering:
            if t in {frame.t for frame in each.remembered}:
                having.append(each)
        return having


def _of_labels(
    member: Tracker, probabilities: Probabilities, labels: tuple[int, ...]
) -> Probabilities:
    """Return a member's prediction of some labels; the others become background."""
    if member.labels == labels:
        return probabilities
    rows = [1 + member.labels.index(label) for label in labels]
    chosen = probabilities[rows]
    background = (1 - chosen.sum(0, keepdim=True)).clamp(min=0)
    return torch.cat([background, chosen])

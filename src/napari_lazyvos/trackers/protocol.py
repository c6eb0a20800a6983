"""What every tracker promises.

Predicting and remembering are two calls. Between them the loop may veto the memory update, or
replace the mask that is remembered; that is what makes lazy correction simple.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch

from napari_lazyvos.trackers.encodings import Encodings

__all__ = [
    "AttendingTracker",
    "CachingTracker",
    "Probabilities",
    "RatingTracker",
    "RememberedFrame",
    "RememberingTracker",
    "SamplingTracker",
    "Snapshot",
    "Tracker",
]

Probabilities: TypeAlias = torch.Tensor
"""(1 + K, H, W) float32 on the tracker's device; sums to 1 over axis 0; index 0 is background."""

Snapshot: TypeAlias = dict[str, Any]
"""A tracker's whole memory: nested dicts, lists and tuples of tensors, numbers and strings.

It shares no memory with the tracker, and survives ``torch.save`` and
``torch.load(..., weights_only=True)``.
"""


@runtime_checkable
class Tracker(Protocol):
    """One tracking method: its network, or its features, and its memory.

    Masks enter and leave at the video's size; resizing and padding are the tracker's own affair.
    The same calls on the same device give the same results, bit for bit.
    """

    name: str
    device: torch.device

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels in the order of axis 0 of the probabilities; the background (0) is not named."""
        ...

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Numbers of the frames that are remembered, sorted."""
        ...

    def step(self, frame: np.ndarray) -> Probabilities:
        """Predict the objects in a frame without remembering anything.

        Nothing that a later `step` would see changes. What is computed on the way waits for
        `commit`, or is dropped by the next `step`.

        Parameters
        ----------
        frame : (3, H, W) float32, RGB in [0, 1]

        Returns
        -------
        (1 + K, H, W) float32 tensor, with K = ``len(self.labels)``

        Raises
        ------
        LazyVosError
            If the tracker remembers nothing yet.
        """
        ...

    def commit(
        self,
        t: int,
        frame: np.ndarray,
        probabilities: Probabilities | None,
        labels: tuple[int, ...],
        *,
        permanent: bool = False,
    ) -> None:
        """Tell the tracker what frame `t` holds; called once for every frame that is passed.

        The tracker's own cadence decides what the frame adds to its memory.

        Parameters
        ----------
        t : int
        frame : (3, H, W) float32, RGB in [0, 1]
        probabilities : (1 + len(labels), H, W) float32 tensor or None
            Soft probabilities, or a one-hot mask that replaces them. None means
            "seen, but do not remember it".
        labels : tuple of int
            The labels of ``probabilities[1:]``. One that was not known before adds an object, at
            any time in the video. A known one that is missing keeps its place in memory.
        permanent : bool
            The frame must be remembered and never evicted (a first mask, or a correction).
            Committing the same `t` again replaces what was remembered of it.
        """
        ...

    def forget(self, label: int) -> None:
        """Remove an object from memory; its pixels become background there."""
        ...

    def snapshot(self) -> Snapshot:
        """Return a copy of the memory, for undo, ranges and resume."""
        ...

    def restore(self, snapshot: Snapshot) -> None:
        """Put back a memory that `snapshot` returned."""
        ...


@runtime_checkable
class SamplingTracker(Tracker, Protocol):
    """A tracker that can tell how much its prediction depends on its weights."""

    def samples(self) -> Iterator[Probabilities]:
        """Yield several predictions of the frame of the last `step`; nothing else changes.

        They are computed one by one, when they are asked for, and are the same each time. To be
        asked for before `commit`.

        Returns
        -------
        iterator of (1 + K, H, W) float32 tensors, two or more, of the labels of `step`

        Raises
        ------
        LazyVosError
            If no frame was predicted since the last `commit`.
        """
        ...


@runtime_checkable
class RatingTracker(Tracker, Protocol):
    """A tracker that says itself how good its masks are."""

    def quality(self) -> Mapping[int, float]:
        """Return how good the mask of each label of the last `step` is; nothing else changes.

        To be asked for before `commit`.

        Returns
        -------
        mapping of label to float in [0, 1]; 1 is best

        Raises
        ------
        LazyVosError
            If no frame was predicted since the last `commit`.
        """
        ...


@runtime_checkable
class CachingTracker(Tracker, Protocol):
    """A tracker that may keep what it saw in a frame before it thought of any mask.

    It is the same in every round over the frame, and in either direction. The results are the
    same, bit for bit. `compact` is none: it looks through a window that follows the masks, and in
    another round through another one.
    """

    encodings: Encodings | None
    """Where it is kept and found; None, as a tracker is made: nowhere."""


@runtime_checkable
class AttendingTracker(Tracker, Protocol):
    """A tracker that compares places of the frame it predicts with places of one it remembers."""

    def attend(self, t: int, label: int, maps: np.ndarray) -> torch.Tensor:
        """Bring what is marked in frame `t` to where it is in the frame of the last `step`.

        To be asked for before `commit`; nothing else changes.

        Parameters
        ----------
        t : int
        label : whose memory of the frame is asked
        maps : (C, H, W) float32 in [0, 1]

        Returns
        -------
        (C, H, W) float32 tensor in [0, 1]; zeros where the frame is not in memory

        Raises
        ------
        LazyVosError
            If no frame was predicted since the last `commit`.
        """
        ...


@dataclass(frozen=True, slots=True)
class RememberedFrame:
    """A frame that a tracker compares others with."""

    t: int
    permanent: bool  # never leaves


@runtime_checkable
class RememberingTracker(Tracker, Protocol):
    """A tracker whose memory of frames can be looked at, and edited."""

    @property
    def remembered(self) -> tuple[RememberedFrame, ...]:
        """The frames that others are compared with, sorted.

        The frame that was passed last is among them only if it stays.
        """
        ...

    @property
    def diversity(self) -> float | None:
        """Logarithm of the determinant of the Gram matrix of what is remembered; see `ReadMem`.

        None where the rule of the memory is another, or has nothing to compare yet.
        """
        ...

    def forget_frame(self, t: int) -> None:
        """Remove one frame from memory, whether it is permanent or not.

        What was condensed of it with others, as in XMem's long-term memory, stays.

        Raises
        ------
        LazyVosError
            If it is not in memory, or is the last that tells of an object.
        """
        ...

    def keep_frame(self, t: int) -> None:
        """Make one frame of those in memory permanent.

        Raises
        ------
        LazyVosError
            If it is not in memory.
        """
        ...

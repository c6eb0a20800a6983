"""Objects followed through a video whose masks are known, without help, and watched meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos import label_maps
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.merge import merge
from napari_lazyvos.trackers.protocol import (
    Probabilities,
    RatingTracker,
    SamplingTracker,
    Tracker,
)
from napari_lazyvos.uncertainty import entropy, spread

__all__ = ["Moment", "Observer", "Prediction", "follow"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of a video, and what is known of the objects in it."""

    t: int
    frame: np.ndarray  # (3, H, W) float32, RGB in [0, 1]
    truth: Mapping[int, np.ndarray]  # label to (H, W) bool; see `References.at`


@dataclass(frozen=True)
class Prediction:
    """What a tracker says of a frame before it is told anything of it."""

    probabilities: Probabilities
    labels: tuple[int, ...]  # of ``probabilities[1:]``
    samples: Iterator[Probabilities] | None = None  # gone through by `spread`; None: there are none
    quality: Mapping[int, float] | None = None  # see `RatingTracker`; None of any other

    @cached_property
    def label_map(self) -> np.ndarray:
        """(H, W) int32."""
        return label_maps.label_map(self.probabilities, self.labels, np.dtype(np.int32))

    @cached_property
    def entropy(self) -> Tensor:
        """(H, W) float32 in [0, 1]."""
        return entropy(self.probabilities)

    @cached_property
    def spread(self) -> tuple[Tensor, Tensor]:
        """Total and epistemic uncertainty, two (H, W) float32 in [0, 1]; see `spread`.

        Raises
        ------
        LazyVosError
            If the tracker gives one prediction only.
        """
        if self.samples is None:
            raise LazyVosError(
                "total and epistemic uncertainty need several predictions of a frame, and this "
                "tracker gives one: choose compact, xmem or an ensemble."
            )
        return spread(self.samples)


Observer = Callable[[Moment, Prediction], object]
"""Called for each frame that was predicted, before the tracker remembers it."""


def follow(tracker: Tracker, moments: Iterable[Moment], observer: Observer) -> None:
    """Track all objects of a video without help.

    Each object is given where the truth shows it first, and such a frame is remembered for good.
    All later masks are the tracker's.

    Parameters
    ----------
    tracker : Tracker
        With an empty memory.
    moments : iterable of Moment, one frame after the other
        Those before the first object are passed over.
    observer : Observer
        Frames in which an object is given are told, too, if others were predicted in them.
    """
    followed: set[int] = set()
    for moment in moments:
        frame, labels = moment.frame, tracker.labels
        if followed:
            probabilities = tracker.step(frame)
            rated = tracker.quality() if isinstance(tracker, RatingTracker) else None
            observer(moment, Prediction(probabilities, labels, _samples(tracker), rated))
        else:  # all is background
            probabilities = torch.ones((1, *frame.shape[1:]), device=tracker.device)
        given = {
            label: mask
            for label, mask in moment.truth.items()
            if label not in followed and mask.any()
        }
        followed |= set(given)
        if followed:
            probabilities, labels = merge(probabilities, labels, given)
            tracker.commit(moment.t, frame, probabilities, labels, permanent=bool(given))


def _samples(tracker: Tracker) -> Iterator[Probabilities] | None:
    """Return several predictions of the frame, none of them computed yet."""
    return tracker.samples() if isinstance(tracker, SamplingTracker) else None

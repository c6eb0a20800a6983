"""Ways to measure how unsure a tracker is of an object in a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from napari_lazyvos.benchmark.following import Prediction
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.protocol import RatingTracker, SamplingTracker, Tracker
from napari_lazyvos.uncertainty import region_scores

__all__ = ["VARIANTS", "Sight", "Variant", "choose_variants"]


@dataclass(frozen=True)
class Sight:
    """One object in one frame that was predicted."""

    prediction: Prediction
    label: int
    truth: np.ndarray  # (H, W) bool

    @cached_property
    def mask(self) -> np.ndarray:
        """(H, W) bool, as predicted."""
        mask: np.ndarray = self.prediction.label_map == self.label
        return mask

    @property
    def lack(self) -> float:
        """What its mask lacks in quality, by what the tracker says; nan if that says nothing."""
        quality = self.prediction.quality
        return float("nan") if quality is None else 1 - quality[self.label]

    @cached_property
    def masked(self) -> float:
        """Entropy summed over the predicted mask, dilated."""
        return self.sum_in_region(self.prediction.entropy)

    def sum_in_region(self, uncertainty: Tensor) -> float:
        """Return an (H, W) map summed over the predicted mask, dilated; see `region_scores`."""
        (score,) = region_scores(uncertainty, self.prediction.label_map, (self.label,))
        return score * np.count_nonzero(self.mask)


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to measure how unsure a tracker is of an object in a frame."""

    title: str
    measure: Callable[[Sight], float]  # higher: less sure; nan: not known
    samples: bool = False  # whether it needs a `SamplingTracker`
    quality: bool = False  # whether it needs a `RatingTracker`


VARIANTS: Mapping[str, Variant] = {
    "masked": Variant("entropy summed over the object", lambda sight: sight.masked),
    "by-predicted": Variant(
        "the same, by the predicted area", lambda sight: _share(sight.masked, sight.mask)
    ),
    "by-reference": Variant(
        "the same, by the true area", lambda sight: _share(sight.masked, sight.truth)
    ),
    "whole": Variant(
        "entropy summed over the frame", lambda sight: float(sight.prediction.entropy.sum())
    ),
    "total": Variant(
        "total uncertainty of the object, by the predicted area",
        lambda sight: _share(sight.sum_in_region(sight.prediction.spread[0]), sight.mask),
        samples=True,
    ),
    "epistemic": Variant(
        "epistemic uncertainty of the object, by the predicted area",
        lambda sight: _share(sight.sum_in_region(sight.prediction.spread[1]), sight.mask),
        samples=True,
    ),
    "quality": Variant(
        "1 less the quality that the tracker gives its mask", lambda sight: sight.lack, quality=True
    ),
}
"""By name."""


def choose_variants(names: Sequence[str], tracker: Tracker) -> tuple[str, ...]:
    """Return the variants that are asked for; without names, all that a tracker can tell.

    Raises
    ------
    LazyVosError
        If there is no such variant, or the tracker cannot tell it.
    """
    samples, rates = isinstance(tracker, SamplingTracker), isinstance(tracker, RatingTracker)
    known = [
        name
        for name, variant in VARIANTS.items()
        if (samples or not variant.samples) and (rates or not variant.quality)
    ]
    for name in names:
        if name not in VARIANTS:
            raise LazyVosError(f"there is no variant {name!r}: choose from {', '.join(known)}.")
        if name not in known and VARIANTS[name].quality:
            raise LazyVosError(
                f"{name} is what a tracker says of its own masks, and {tracker.name} says nothing "
                f"of them: choose from {', '.join(known)}, or qdmn."
            )
        if name not in known:
            raise LazyVosError(
                f"{name} needs several predictions of a frame, and the tracker {tracker.name} "
                f"gives one: choose from {', '.join(known)}, or compact, xmem or an ensemble."
            )
    return tuple(name for name in known if name in names or not names)


def _share(total: float, mask: np.ndarray) -> float:
    """Return a sum by the area of an (H, W) mask; nan if that is empty."""
    area = np.count_nonzero(mask)
    return total / area if area else float("nan")

"""The measures of the VOTS challenges, in which objects leave and trackers may say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.errors import LazyVosError

__all__ = ["ABSENT_FRAMES", "ObjectFrames", "Vots", "vots"]

ABSENT_FRAMES = 10  # VOTS: only an object absent in more frames says how well absence is noticed


@dataclass(frozen=True, slots=True)
class ObjectFrames:
    """One object in the frames of its video, that of the initialisation first."""

    overlaps: ArrayLike  # (T,) float in [0, 1], from `jaccard`: 1 where both are empty
    present: ArrayLike  # (T,) bool, the reference has the object
    predicted: ArrayLike  # (T,) bool, the prediction is not empty
    known: ArrayLike | None = None  # (T,) bool, there is a reference; None: in every frame


@dataclass(frozen=True, slots=True)
class Vots:
    """The measures, all in [0, 1]; NaN where no object has a frame of the kind."""

    quality: float  # Q: overlap in all frames, a correct absence being 1 and a wrong one 0
    accuracy: float  # ACC: overlap where the object is found at all
    robustness: float  # ROB: share of the object's frames in which it is found
    not_reported: float  # NRE: ... in which it is there and the prediction is empty
    drift: float  # DRE: ... in which the prediction is elsewhere
    absence: float  # ADQ: share of the frames without it in which nothing is predicted


def vots(
    sequences: Sequence[Sequence[ObjectFrames]],
    *,
    absent_frames: int = ABSENT_FRAMES,
    toolkit: bool = False,
) -> Vots:
    """Return the measures of VOTS: means over frames, then over objects, then over sequences.

    An object is found in a frame if the overlap is above 0. ROB, NRE and DRE add up to 1. Where
    an object has no frame to be judged by, Q and ACC take 0 for it, and the others leave it out,
    and likewise a sequence that has no such object.

    The first frame, in which the object is given, does not count. The toolkit (0.8) stores no
    region for it and so counts it as not reported, with an overlap of 0.

    The toolkit also takes a region that is one pixel wide for empty, which is left to ``predicted``
    and ``overlaps`` here. Ignored pixels are the `void` of `jaccard`, and unknown references the
    `known` of `ObjectFrames`.

    Parameters
    ----------
    sequences : for each video, its objects
    absent_frames : int
        ADQ asks only objects that are absent in more frames than this.
    toolkit : bool
        Count the first frame as the toolkit does.

    Raises
    ------
    LazyVosError
        If there is no sequence, or one without objects, or the arrays of an object differ in
        length.

    Examples
    --------
    After the first frame 8 with an overlap of .8, one drifted, one missed, and 4 without the
    object, of which 3 were noticed: Q is (8 * .8 + 3) / 14.

    >>> overlaps = [1, *[0.8] * 8, 0, 0, 1, 1, 1, 0]
    >>> present = [True] * 11 + [False] * 4
    >>> predicted = [True] * 10 + [False] * 4 + [True]
    >>> found = vots([[ObjectFrames(overlaps, present, predicted)]], absent_frames=0)
    >>> round(found.quality, 4), found.robustness, found.drift, found.absence
    (0.6714, 0.8, 0.1, 0.75)
    """
    if not sequences or not all(sequences):
        raise LazyVosError("the measures of VOTS need sequences, and objects in each of them.")
    by_sequence = [
        [_mean(column) for column in zip(*(_of_object(each, absent_frames, toolkit)
                                           for each in objects), strict=True)]
        for objects in sequences
    ]  # fmt: skip
    return Vots(*(_mean(column) for column in zip(*by_sequence, strict=True)))


def _of_object(given: ObjectFrames, absent_frames: int, toolkit: bool) -> tuple[float, ...]:
    """Return the six measures of an object in the order of `Vots`."""
    overlaps, present, predicted, known = _columns(given)
    if toolkit:
        overlaps[0], predicted[0] = 0.0, False
    else:
        known[0] = False
    overlaps, present, predicted = overlaps[known], present[known], predicted[known]
    found = present & (overlaps > 0)
    missed = present & ~found & ~predicted
    drifted = present & ~found & predicted
    absent = ~present
    return (
        float(overlaps.mean()) if overlaps.size else 0.0,
        float(overlaps[found].mean()) if found.any() else 0.0,
        _share(found, present),
        _share(missed, present),
        _share(drifted, present),
        _share(absent & ~predicted, absent) if absent.sum() > absent_frames else float("nan"),
    )


def _columns(given: ObjectFrames) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    overlaps = np.array(given.overlaps, float)
    present, predicted = np.array(given.present, bool), np.array(given.predicted, bool)
    known = np.ones(overlaps.shape, bool) if given.known is None else np.array(given.known, bool)
    shapes = {overlaps.shape, present.shape, predicted.shape, known.shape}
    if len(shapes) > 1 or overlaps.ndim != 1 or not overlaps.size:
        raise LazyVosError(
            "an object of VOTS needs one overlap, presence and prediction for each frame, and "
            f"these have the shapes {', '.join(map(str, sorted(shapes)))}."
        )
    return overlaps, present, predicted, known


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else float("nan")


def _mean(values: Iterable[float]) -> float:
    """Return the mean of what is not NaN; NaN if there is nothing else."""
    known = [value for value in values if not np.isnan(value)]
    return sum(known) / len(known) if known else float("nan")

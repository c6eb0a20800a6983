"""One number for many frames: mean, recall and decay, as DAVIS 2017 reports J and F."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.errors import LazyVosError

__all__ = ["RECALLED", "Statistics", "j_and_f", "statistics"]

RECALLED = 0.5  # DAVIS: a frame counts as recalled above this
QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Statistics:
    """The scores of one object over the frames of a video, in short."""

    mean: float
    recall: float  # share of the frames above RECALLED
    decay: float  # mean of the first quarter less that of the last; negative: it became better


def statistics(scores: ArrayLike, *, skip_ends: bool = False) -> Statistics:
    """Return mean, recall and decay of an object's score over time (DAVIS 2017).

    A quarter holds both of the frames that bound it, so neighbouring quarters share one. The
    toolkit stores these bounds in 8 bits, and its decay is wrong beyond 256 frames; this one is
    right. A frame that is NaN counts neither in a mean nor as recalled, though in the number of
    frames of the recall, as in the toolkit.

    Parameters
    ----------
    scores : (T,) float, J or F of each frame in order
    skip_ends : bool
        Leave out the first and the last frame, as the semi-supervised track of DAVIS does: the
        first mask is given.

    Raises
    ------
    LazyVosError
        If there is no frame.

    Examples
    --------
    The quarters are the frames 0 to 2 and 5 to 7, of means 2.5 / 3 and 1.2 / 3:

    >>> found = statistics([0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    >>> round(found.mean, 4), found.recall, round(found.decay, 4)
    (0.625, 0.625, 0.4333)
    """
    values = np.asarray(scores, float)
    values = values[1:-1] if skip_ends else values
    if values.ndim != 1 or not values.size:
        raise LazyVosError(
            f"statistics need the scores of at least {3 if skip_ends else 1} frames, one after "
            f"another, and these have the shape {np.shape(scores)}."
        )
    # The small number rounds halves up, where numpy would round them to even numbers.
    bounds = np.round(np.linspace(1, values.size, QUARTERS + 1) + 1e-10).astype(int) - 1
    first, last = values[bounds[0] : bounds[1] + 1], values[bounds[-2] : bounds[-1] + 1]
    return Statistics(
        _mean(values),
        int(np.count_nonzero(values > RECALLED)) / values.size,
        _mean(first) - _mean(last),
    )


def j_and_f(region: ArrayLike, contour: ArrayLike) -> float:
    """Return J&F: the mean of the mean J and the mean F over all objects of all videos.

    Parameters
    ----------
    region, contour : (K,) float, each object's mean J and mean F
        Every object weighs the same, however long its video.
    """
    means = [np.asarray(values, float).mean() for values in (region, contour)]
    return float(sum(means) / 2)


def _mean(values: np.ndarray) -> float:
    """Return the mean of what is not NaN; NaN if there is nothing else."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")

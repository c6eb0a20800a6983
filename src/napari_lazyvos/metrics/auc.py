"""Areas under curves of quality: over rounds of interaction, and over a person's time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid

from napari_lazyvos.errors import LazyVosError

__all__ = ["THRESHOLD_SECONDS", "r_auc", "score_at", "time_auc"]

THRESHOLD_SECONDS = 60.0  # DAVIS interactive: J&F@60s


def r_auc(scores: ArrayLike) -> float:
    """Return R-AUC: the area under J&F over rounds of interaction (CiVOS).

    The curve begins with 0 before the first round, and stays at its last value for one round more;
    its area is divided by that length, R + 1. A perfect method has therefore (R + .5) / (R + 1):
    .9444 after the usual 8 rounds, and figures of unequal R cannot be compared.

    Parameters
    ----------
    scores : (R,) float in [0, 1], the mean J, F or J&F after each round
        Over all frames, the annotated ones included, and with 1 where an object is absent from
        both; the mean over objects and videos may be taken before or after.

    Returns
    -------
    float in [0, 1)

    Raises
    ------
    LazyVosError
        If there is no round.

    Examples
    --------
    >>> round(r_auc([0.6, 0.7, 0.75, 0.8, 0.8, 0.82, 0.83, 0.84]), 4)
    0.7289
    """
    heights = _curve(scores)
    return float(trapezoid(heights) / (len(heights) - 1))


def time_auc(seconds: ArrayLike, scores: ArrayLike, *, limit: float) -> float:
    """Return the area under quality over time, by time (DAVIS interactive).

    From 0 at 0 s in straight lines from round to round, and level from the last one to the limit.
    The benchmark's own code expects all rounds before the limit; here a curve that goes on is cut
    there.

    Parameters
    ----------
    seconds : (R,) float, ascending, above 0
        When the result of each round was there, counted from the start: sums, not durations, of
        the mean durations over videos.
    scores : (R,) float in [0, 1], the mean quality after each round
    limit : float, in seconds
        In the benchmark the mean number of objects by the seconds allowed for one.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    LazyVosError
        If there is no round, the times do not ascend or are not as many, or the limit is not
        above 0.

    Examples
    --------
    Up to .8 in 10 s, which is an area of 4, and level for 30 s more, an area of 24:

    >>> round(time_auc([10.0], [0.8], limit=40.0), 4)
    0.7
    """
    if not limit > 0:
        raise LazyVosError(f"the limit of the time must be above 0 s, not {limit}.")
    times, heights = _timed(seconds, scores)
    before = times < limit
    end = np.interp(limit, times, heights)
    area = trapezoid([*heights[before], end], x=[*times[before], limit])
    return float(area / limit)


def score_at(
    seconds: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD_SECONDS
) -> float:
    """Return the quality at a moment on the curve of `time_auc` (DAVIS interactive: J&F@60s).

    Parameters
    ----------
    seconds, scores : as in `time_auc`
    threshold : float, in seconds
        After the last round, its value.

    Raises
    ------
    LazyVosError
        If there is no round, or the times do not ascend or are not as many.

    Examples
    --------
    Half-way from .6 at 40 s to .8 at 80 s:

    >>> round(score_at([40.0, 80.0], [0.6, 0.8]), 4)
    0.7
    """
    times, heights = _timed(seconds, scores)
    return float(np.interp(threshold, times, heights))


def _curve(scores: ArrayLike) -> np.ndarray:
    """Return the heights with 0 before the first round and the last once more."""
    values = np.asarray(scores, float)
    if values.ndim != 1 or not values.size:
        raise LazyVosError(
            "an area over rounds needs one score for each round, at least one, and these have the "
            f"shape {values.shape}."
        )
    return np.concatenate([[0.0], values, values[-1:]])


def _timed(seconds: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return when the curve has which height, its begin at 0 s included."""
    heights = _curve(scores)[:-1]
    times = np.concatenate([[0.0], np.asarray(seconds, float)])
    if times.size != heights.size or (np.diff(times) <= 0).any():
        raise LazyVosError(
            f"{heights.size - 1} scores need as many times, each later than the one before, in "
            f"seconds from the start, and these are {times[1:].tolist()}."
        )
    return times, heights

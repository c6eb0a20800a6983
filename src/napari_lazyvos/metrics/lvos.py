"""How the LVOS benchmark sums up J and F, which is not how DAVIS does."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.errors import LazyVosError

__all__ = ["lvos_mean", "lvos_variability"]


def lvos_mean(region: ArrayLike, contour: ArrayLike, seen: ArrayLike) -> float:
    """Return the headline J&F of LVOS: the mean of J and F of seen and of unseen categories.

    Each of the four is a mean over objects, so an object of the smaller group weighs more than one
    of the larger. The mean over objects alike is `j_and_f`; report both, and say which is which.

    Parameters
    ----------
    region, contour : (K,) float, each object's mean J and mean F
    seen : (K,) bool, whether the category of an object occurs in the training set

    Raises
    ------
    LazyVosError
        If one of the groups is empty.

    Examples
    --------
    Two seen objects and one unseen: (.8 + .9 + .4 + .5) / 4, where `j_and_f` gives .7667.

    >>> lvos_mean([0.7, 0.9, 0.4], [0.8, 1.0, 0.5], [True, True, False])
    0.65
    """
    known = np.asarray(seen, bool)
    if known.all() or not known.any():
        raise LazyVosError(
            "the J&F of LVOS needs objects of seen and of unseen categories, and these are all "
            f"{'seen' if known.any() else 'unseen'}: use j_and_f, the mean over objects."
        )
    means = [
        np.asarray(values, float)[group].mean()
        for group in (known, ~known)
        for values in (region, contour)
    ]
    return float(np.mean(means))


def lvos_variability(region: ArrayLike, contour: ArrayLike) -> float:
    """Return V of LVOS: how much an object's J&F differs from frame to frame.

    The standard deviation over the frames, of a variance that is rounded to four decimals first,
    as in the benchmark's toolkit.

    Parameters
    ----------
    region, contour : (T,) float, J and F of each frame

    Examples
    --------
    J&F of .9, .5, .7 and .7 has the variance .02.

    >>> round(lvos_variability([0.8, 0.4, 0.6, 0.6], [1.0, 0.6, 0.8, 0.8]), 4)
    0.1414
    """
    both = (np.asarray(region, float) + np.asarray(contour, float)) / 2
    return float(np.sqrt(np.round(np.var(both), 4)))

"""Does uncertainty say how wrong a mask is: rank correlation over the frames of an object."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr

from napari_lazyvos.errors import LazyVosError

__all__ = ["spearman"]


def spearman(overlaps: ArrayLike, scores: ArrayLike, *, confidence: bool = False) -> float:
    """Return Spearman's rank correlation of an object's overlap and certainty (Lazy-XMem).

    1 is best: the more uncertain the frame, the worse the mask. For a whole data set, the
    distribution of this number over its objects is looked at.

    The first frame does not count: its mask is given. Nor does a frame in which either number is
    not finite, as an entropy divided by the size of an empty mask. Where that leaves two frames
    or fewer, or one of the two never changes, there is no correlation.

    Parameters
    ----------
    overlaps : (T,) float in [0, 1], from `jaccard`
        0 if only one mask exists, 1 if both are absent.
    scores : (T,) float, one number for the object's uncertainty in each frame
        Such as its entropy summed over its dilated mask, by size or not. Its sign is turned.
    confidence : bool
        The scores say how sure, not how unsure, the tracker is, as QDMN's do: keep the sign.

    Returns
    -------
    float in [-1, 1]; NaN where there is no correlation

    Raises
    ------
    LazyVosError
        If the two are not of one length.

    Examples
    --------
    Frames in the order of their overlap are in the reverse order of their score:

    >>> round(spearman([1, 0.9, 0.85, 0.6, 0.4, 0.7], [0, 0.1, 0.2, 0.5, 0.9, 0.4]), 4)
    1.0
    """
    pairs = [np.asarray(values, float) for values in (overlaps, scores)]
    if pairs[0].ndim != 1 or pairs[0].shape != pairs[1].shape:
        raise LazyVosError(
            "a correlation needs one overlap and one score for each frame, and these have the "
            f"shapes {pairs[0].shape} and {pairs[1].shape}."
        )
    both = np.stack(pairs)[:, 1:]
    both = both[:, np.isfinite(both).all(axis=0)]
    if both.shape[1] < 3 or (np.ptp(both, axis=1) == 0).any():
        return float("nan")
    rho = float(spearmanr(both[0], both[1]).statistic)
    return rho if confidence else -rho

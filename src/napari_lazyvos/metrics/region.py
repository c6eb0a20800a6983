"""Region similarity J: how much of two masks is common to both."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.metrics.masks import as_masks

__all__ = ["jaccard"]


def jaccard(mask: ArrayLike, truth: ArrayLike, void: ArrayLike | None = None) -> float:
    """Return the intersection over union of two masks (DAVIS 2017: region similarity J).

    Two empty masks are alike: 1. If only one is empty: 0. This is also the overlap that
    `robustness`, `vots` and `spearman` want, for which a correctly predicted absence counts 1.

    Parameters
    ----------
    mask, truth : (H, W); what is not 0 is the object
    void : (H, W), optional
        Pixels that do not count, such as the label 255 of some data sets. DAVIS uses them in its
        unsupervised track alone, VOTS calls them ignored.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    LazyVosError
        If an array is not an image, or the sizes differ.

    Examples
    --------
    >>> jaccard([[1, 1, 0]], [[0, 1, 1]])
    0.3333333333333333
    """
    mask, truth = as_masks(mask, truth, void)
    union = int(np.count_nonzero(mask | truth))
    return int(np.count_nonzero(mask & truth)) / union if union else 1.0

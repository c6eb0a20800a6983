"""How a prediction meets what is already settled in a frame: what is fixed wins.

A pass predicts some objects and leaves others alone: those that a person drew in this frame, and
those that the pass was not asked to track. Their masks are *fixed*. The prediction is brought in
line with them before it is written and before it is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

__all__ = ["merge"]


def merge(
    probabilities: Tensor, labels: tuple[int, ...], fixed: Mapping[int, np.ndarray]
) -> tuple[Tensor, tuple[int, ...]]:
    """Put fixed masks into a prediction.

    In a fixed mask its label is certain. Elsewhere a fixed label is certainly not there, and what
    was predicted of it is shared out among background and the other labels in proportion.

    Parameters
    ----------
    probabilities : (1 + K, H, W) float32 tensor, sums to 1 over axis 0
    labels : K labels of ``probabilities[1:]``
    fixed : label -> (H, W) bool; labels that were not predicted are added; masks do not overlap

    Returns
    -------
    (1 + K', H, W) float32 tensor that sums to 1 over axis 0, and its K' labels
    """
    if not fixed:
        return probabilities, labels
    everyone = labels + tuple(label for label in fixed if label not in labels)
    merged = probabilities.new_zeros((1 + len(everyone), *probabilities.shape[1:]))
    merged[: 1 + len(labels)] = probabilities
    rows = {label: 1 + everyone.index(label) for label in fixed}
    merged[list(rows.values())] = 0.0
    left = merged.sum(dim=0)
    # Where a fixed label had all the certainty, nothing is left to share: background.
    merged[0] = torch.where(left > 0, merged[0], 1.0)
    merged /= torch.where(left > 0, left, 1.0)
    for label, mask in fixed.items():
        inside = torch.from_numpy(np.ascontiguousarray(mask)).to(merged.device)
        merged[:, inside] = 0.0
        merged[rows[label], inside] = 1.0
    return merged, everyone

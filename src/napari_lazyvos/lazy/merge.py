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

__all__ = ["label_map", "merge", "one_hot"]


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


def label_map(probabilities: Tensor, labels: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return the most probable label of each pixel; background wins ties.

    Parameters
    ----------
    probabilities : (1 + K, H, W) float tensor
    labels : K labels of ``probabilities[1:]``
    dtype : uint8 or uint16

    Returns
    -------
    (H, W) array of labels, 0 = background
    """
    # Not argmax: along the first axis of a large image it is some fifty times slower.
    best = probabilities[0]
    winner = torch.zeros(best.shape, dtype=torch.int32, device=best.device)
    for row, label in enumerate(labels, start=1):
        wins = probabilities[row] > best
        winner.masked_fill_(wins, label)
        best = torch.where(wins, probabilities[row], best)
    return winner.cpu().numpy().astype(dtype)


def one_hot(labels_of_pixels: np.ndarray, labels: tuple[int, ...], device: torch.device) -> Tensor:
    """Return probabilities that are certain of a label map.

    Parameters
    ----------
    labels_of_pixels : (H, W) integer label map; labels that are not in `labels` count as background
    labels : the K labels to tell apart
    device : where the tensor is made

    Returns
    -------
    (1 + K, H, W) float32 tensor of 0 and 1, sums to 1 over axis 0
    """
    masks = np.stack([labels_of_pixels == label for label in labels])
    objects = torch.from_numpy(masks).to(device=device, dtype=torch.float32)
    return torch.cat([1.0 - objects.sum(dim=0, keepdim=True), objects])

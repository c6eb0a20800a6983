"""Label maps, which people and files have, and probabilities, which trackers have."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["label_map", "one_hot"]


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

"""Drop what broke off from masks: most objects are in one piece."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from napari_lazyvos.label_maps import label_map

__all__ = ["drop_fragments"]

# Chosen on the developers' clips.
_LEAST_SHARE = 0.4  # of the largest piece; smaller pieces of a mask are fragments
_DOUBT = 0.8  # share of its probability that a fragment loses


def drop_fragments(masks: Tensor) -> Tensor:
    """Doubt the pieces of each object's mask that are much smaller than its largest piece.

    Parameters
    ----------
    masks : (1 + K, h, w) float tensor, background first

    Returns
    -------
    (1 + K, h, w) float tensor; what a fragment loses goes to the background
    """
    winners = label_map(masks, tuple(range(1, len(masks))), np.dtype(np.int32))
    masks = masks.clone()
    for channel, box in enumerate(ndimage.find_objects(winners), start=1):
        if box is None:
            continue
        mask = (winners[box] == channel).astype(np.uint8)
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
        if count <= 2:  # the background and one piece
            continue
        areas = stats[1:, cv2.CC_STAT_AREA]
        small = 1 + np.flatnonzero(areas < _LEAST_SHARE * areas.max())
        fragments = torch.from_numpy(np.isin(pieces, small)).to(masks.device)
        lost = masks[channel][box] * fragments * _DOUBT
        masks[channel][box] -= lost
        masks[0][box] += lost
    return masks

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
_DOUBT = 0.8  # share of its probability that a fragment loses
_GAP = 3  # pixels around each piece: those that touch then are one, as across a belt or a string
_AROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _GAP + 1, 2 * _GAP + 1))


def drop_fragments(masks: Tensor, least_share: float) -> Tensor:
    """Doubt the pieces of each object's mask that are much smaller than its largest piece.

    Parameters
    ----------
    masks : (1 + K, h, w) float tensor, background first
    least_share : smaller pieces are fragments; of the area of the largest

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
        count, pieces = cv2.connectedComponents(cv2.dilate(mask, _AROUND))
        if count <= 2:  # the background and one piece
            continue
        pieces *= mask
        areas = np.bincount(pieces.ravel(), minlength=count)[1:]
        small = 1 + np.flatnonzero(areas < least_share * areas.max())
        fragments = torch.from_numpy(np.isin(pieces, small)).to(masks.device)
        lost = masks[channel][box] * fragments * _DOUBT
        masks[channel][box] -= lost
        masks[0][box] += lost
    return masks

"""How unsure a prediction is: per pixel, and per object.

Lazy-XMem measures uncertainty as the entropy of the predicted label of each pixel, and condenses
it to one number per object; a sudden rise of that number is what the lazy loop reacts to.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["dilate", "entropy", "region_radius", "region_score"]

REGION_SHARE = 0.05  # Lazy-XMem: the kernel's area is 5 % of the object's


def entropy(probabilities: Tensor) -> Tensor:
    """Return the normalised Shannon entropy of each pixel's label (Lazy-XMem, Eq. 6.2).

    Parameters
    ----------
    probabilities : (1 + K, H, W) float tensor that sums to 1 over axis 0; K >= 1
        Axis 0 counts the background.

    Returns
    -------
    (H, W) float32 tensor in [0, 1]: nats divided by log(1 + K)

    Examples
    --------
    >>> entropy(torch.tensor([[[1.0, 0.5]], [[0.0, 0.5]]]))
    tensor([[0., 1.]])
    """
    count = probabilities.shape[0]
    if count < 2:
        raise ValueError(f"entropy needs at least one object besides background, got {count - 1}")
    p = probabilities.float()
    # Not torch.special.entr, which takes twice as long.
    return torch.xlogy(p, p).sum(dim=0).div_(-math.log(count)).clamp_(0.0, 1.0)


def region_radius(area: int) -> int:
    """Return by how many pixels an object of this area is dilated to give its region.

    A kernel of about 5 % of the object's area, and a disc in it: ``max(0, side / 2 - 1)`` with
    ``side`` the even number at or above ``sqrt(0.05 * area)`` (Lazy-XMem's published script).
    """
    side = int(math.sqrt(REGION_SHARE * area))
    side = max(2, side + side % 2)
    return max(0, side // 2 - 1)


def dilate(mask: Tensor, radius: int) -> Tensor:
    """Grow a mask by a disc, the pixels within `radius` of it.

    Parameters
    ----------
    mask : (H, W) bool tensor
    radius : int, in pixels

    Returns
    -------
    (H, W) bool tensor
    """
    if radius <= 0 or not bool(mask.any()):
        return mask
    # Only the surroundings of the object are looked at: a cost of the object's size, not the
    # frame's. Whether a row holds the object within some distance is a difference of sums.
    window = _bounding_window(mask, radius)
    part = mask[window]
    height, width = part.shape
    sums = functional.pad(part.int(), (radius + 1, radius)).cumsum(dim=1)
    grown = torch.zeros_like(part)
    for rise in range(min(radius + 1, height)):
        reach = math.isqrt(radius**2 - rise**2)  # of the disc, along a row that lies `rise` off
        right = sums[:, radius + reach + 1 :][:, :width]
        near = right > sums[:, radius - reach :][:, :width]
        grown[rise:] |= near[: height - rise]
        grown[: height - rise] |= near[rise:]
    result = torch.zeros_like(mask)
    result[window] = grown
    return result


def region_score(
    uncertainty: Tensor,
    mask: Tensor,
    *,
    normaliser: str = "original",
) -> float:
    """Return an object's score: entropy summed over its region, by size (Lazy-XMem, Eq. 6.3).

    Parameters
    ----------
    uncertainty : (H, W) float tensor in [0, 1], from `entropy`
    mask : (H, W) bool tensor
    normaliser : {"original", "dilated"}
        What the sum is divided by: the area of the mask, as the published thresholds were tuned
        (the score of a small object can then exceed 1), or that of the dilated region, as in the
        text of the thesis.

    Returns
    -------
    float, 0 or more; 0 for an empty mask
    """
    area = int(mask.sum())
    if area == 0:
        return 0.0
    region = dilate(mask, region_radius(area))
    size = area if normaliser == "original" else int(region.sum())
    return float(uncertainty[region].sum()) / size


def _bounding_window(mask: Tensor, margin: int) -> tuple[slice, slice]:
    """Return the rows and columns that hold the mask, and `margin` more on each side."""
    height, width = mask.shape
    ys = mask.any(dim=1).nonzero()
    xs = mask.any(dim=0).nonzero()
    top, bottom = int(ys[0]), int(ys[-1]) + 1
    left, right = int(xs[0]), int(xs[-1]) + 1
    return (
        slice(max(0, top - margin), min(height, bottom + margin)),
        slice(max(0, left - margin), min(width, right + margin)),
    )

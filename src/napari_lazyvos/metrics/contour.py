"""Contour accuracy F: how well the outlines of two masks meet."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics.masks import as_masks

__all__ = ["TOLERANCE", "boundary", "contour_accuracy"]

TOLERANCE = 0.008  # DAVIS 2017, of the diagonal of the frame


def contour_accuracy(
    mask: ArrayLike,
    truth: ArrayLike,
    tolerance: float = TOLERANCE,
    void: ArrayLike | None = None,
) -> float:
    """Return the F-measure of two masks' boundaries (DAVIS 2017: contour accuracy F).

    Precision is the share of the mask's boundary that lies within the tolerance of the reference's,
    recall the reverse, and F their harmonic mean: 0 if both are 0. Two masks without a boundary
    give 1; if only one has none, 0. A mask that fills the frame has none, just as an empty one:
    the two compared give 1. This follows the DAVIS-2017 toolkit to the last digits.

    Parameters
    ----------
    mask, truth : (H, W); what is not 0 is the object
    tolerance : float
        Below 1, a share of the frame's diagonal, rounded up to whole pixels; from 1 on, a whole
        number of pixels.
    void : (H, W), optional
        Pixels that do not count: they belong to neither mask, so their edge can be a boundary.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    LazyVosError
        If an array is not an image, the sizes differ, or the tolerance is neither.

    Examples
    --------
    A square of 10 x 10 in a frame of 20 x 20, moved by 2 pixels with a tolerance of 1: of the 40
    pixels of each boundary 22 are near the other, so precision, recall and F are .55.

    >>> truth = np.zeros((20, 20), bool)
    >>> truth[5:15, 5:15] = True
    >>> contour_accuracy(np.roll(truth, 2, axis=1), truth)
    0.55
    """
    mask, truth = as_masks(mask, truth, void)
    window = _window(mask | truth)
    edges = [boundary(image[window]).view(np.uint8) for image in (mask, truth)]
    lengths = [cv2.countNonZero(edge) for edge in edges]
    if not all(lengths):
        return float(lengths[0] == lengths[1])
    disc = _disc(_reach(mask.shape, tolerance))
    near = [cv2.bitwise_and(edges[i], cv2.dilate(edges[1 - i], disc)) for i in (0, 1)]
    precision, recall = (cv2.countNonZero(near[i]) / lengths[i] for i in (0, 1))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """Return where a mask differs from its neighbour to the east, the south or the south-east.

    Neighbours outside the image are not asked, so a mask has no boundary along the image's border,
    and the pixel in the south-east corner is never one.

    Parameters
    ----------
    mask : (H, W) bool

    Returns
    -------
    (H, W) bool
    """
    edge = np.zeros_like(mask)
    edge[:, :-1] = mask[:, :-1] ^ mask[:, 1:]
    edge[:-1] |= mask[:-1] ^ mask[1:]
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def _reach(shape: tuple[int, ...], tolerance: float) -> int:
    """Return the tolerance in pixels."""
    if 0 <= tolerance < 1:
        return math.ceil(tolerance * math.sqrt(sum(side**2 for side in shape)))
    if not (tolerance >= 1 and float(tolerance).is_integer()):
        raise LazyVosError(
            f"the tolerance of a contour cannot be {tolerance}: give a share of the frame's "
            f"diagonal below 1, such as {TOLERANCE}, or a whole number of pixels."
        )
    return int(tolerance)


@cache
def _disc(radius: int) -> np.ndarray:
    """Return a (2 radius + 1, 2 radius + 1) uint8 image of a disc."""
    squares = np.arange(-radius, radius + 1) ** 2
    return (squares[:, None] + squares <= radius**2).astype(np.uint8)


def _window(region: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns of a region and one more all around, where the frame has them.

    With that one more, boundaries are in it as a whole, and its sides are no border of the frame.
    """
    sides = []
    for axis in (1, 0):
        filled = np.flatnonzero(region.any(axis=axis))
        low, high = (filled[0], filled[-1]) if filled.size else (0, 0)
        sides.append(slice(max(0, low - 1), high + 2))
    return sides[0], sides[1]

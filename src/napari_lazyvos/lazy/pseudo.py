"""Pseudo-corrections: the tracker clicks for itself, and the refiner answers."""

from __future__ import annotations

import cv2
import numpy as np

from napari_lazyvos.refine.protocol import Click

__all__ = ["is_plausible", "negative_click", "positive_click"]

MOST_GROWTH = 2.0  # times the area, or as many times less: more is a jump to something else
LEAST_INSIDE = 0.5  # of the refined mask lies where the object was seen
LEAST_CONFUSION = 0.25  # probability of the object from which a place outside confuses


def positive_click(
    mask: np.ndarray, region: np.ndarray, uncertainty: np.ndarray, *, weighted: bool = True
) -> Click:
    """Return the pixel that is deepest inside the object and surest (Lazy-XMem, Eq. 6.4 and 6.5).

    That is where M E (1 - S) is greatest: M the mask, E the distance to the boundary of its region
    over the greatest such distance, and S the entropy. Of equal pixels the first one counts.

    Parameters
    ----------
    mask : (H, W) bool, not empty
    region : (H, W) bool, the mask dilated; see `uncertainty.dilate`
    uncertainty : (H, W) float32 in [0, 1]
    weighted : bool; without it, S counts as zero: the centre
    """
    window = _bounds(region)
    depth = _depth(region[window])
    worth = depth / depth.max() * mask[window]
    if weighted:
        worth *= 1 - uncertainty[window]
    if not worth.any():  # unsure everywhere: the centre
        worth = depth * mask[window]
    return _place(worth, window)


def negative_click(
    region: np.ndarray, probability: np.ndarray, uncertainty: np.ndarray
) -> Click | None:
    """Return the pixel outside of the region that is most easily taken for the object.

    Ours, after the outlook of the thesis (sec. 6.9): where the object's probability times the
    entropy is greatest; None where the object's probability is below a quarter everywhere.

    Parameters
    ----------
    region : (H, W) bool
    probability : (H, W) float32, of the object
    uncertainty : (H, W) float32 in [0, 1]
    """
    outside = ~region & (probability >= LEAST_CONFUSION)
    if not outside.any():
        return None
    return _place(probability * uncertainty * outside, (slice(None), slice(None)), positive=False)


def is_plausible(refined: np.ndarray, mask: np.ndarray, region: np.ndarray) -> bool:
    """Tell whether a refined mask can be of the same object as the tracker's mask.

    Refiners fail on small objects: they take a part, or all that lies around it. So the area may
    at most double or halve, and at least half of the refined mask must lie in the old region.

    Parameters
    ----------
    refined, mask : (H, W) bool; of the refiner and of the tracker
    region : (H, W) bool, the tracker's mask dilated
    """
    area, before = int(refined.sum()), int(mask.sum())
    if not before <= MOST_GROWTH * area or not area <= MOST_GROWTH * before:
        return False
    return int((refined & region).sum()) >= LEAST_INSIDE * area


def _depth(region: np.ndarray) -> np.ndarray:
    """Return each pixel's distance to the outside; what is beyond the frame is outside too."""
    padded = np.pad(region.astype(np.uint8), 1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance[1:-1, 1:-1])


def _place(worth: np.ndarray, window: tuple[slice, slice], *, positive: bool = True) -> Click:
    y, x = np.unravel_index(int(worth.argmax()), worth.shape)
    top, left = window[0].start or 0, window[1].start or 0
    return Click(float(top + y), float(left + x), positive)


def _bounds(mask: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

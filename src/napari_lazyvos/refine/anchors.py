"""What a mask that is to be corrected says, said by clicks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from napari_lazyvos.refine.protocol import Click

__all__ = ["anchors"]

MOST = 3
# How far a positive click may be from the mask, in radii of a disc of its area. Chosen on
# corrections of tracked masks of DAVIS, and on cells whose neighbour was tracked in their place.
REACH = 0.75
LEAST_DEPTH = 1.0  # pixels from the edge of the mask, and from a negative click


def anchors(mask: np.ndarray, clicks: Sequence[Click], most: int = MOST) -> list[Click]:
    """Return positive clicks that say what a mask says: that the object is there.

    Someone who corrects a mask clicks where it is wrong. A network that learned to find an object
    from clicks on it takes the place of such a click for all of it, and needs to be told. But a
    click far from the mask says that the object is elsewhere, and then the mask says nothing.

    Parameters
    ----------
    mask : (H, W) bool, may be empty
    clicks : of a person
    most : so many places at most, the deepest of the mask, far from negative clicks and each other
    """
    if not mask.any() or _is_elsewhere(mask, clicks):
        return []
    inside = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    taken = np.ones(mask.shape, bool)
    for click in clicks:
        if not click.positive:
            taken[round(click.y), round(click.x)] = False
    found: list[Click] = []
    while len(found) < most:
        depth = inside
        if not taken.all():
            depth = np.minimum(inside, ndimage.distance_transform_edt(taken))
        y, x = np.unravel_index(int(depth.argmax()), mask.shape)
        if depth[y, x] <= LEAST_DEPTH:
            break
        found.append(Click(float(y), float(x), implied=True))
        taken[y, x] = False
    return found


def _is_elsewhere(mask: np.ndarray, clicks: Sequence[Click]) -> bool:
    """Tell whether a positive click is far from the mask."""
    reach = REACH * math.sqrt(mask.sum() / math.pi)
    distance = ndimage.distance_transform_edt(~mask)
    return any(
        distance[round(click.y), round(click.x)] > reach for click in clicks if click.positive
    )

"""A person who answers calls for help in a benchmark: knows the truth, and clicks on it.

That of Lazy-XMem clicks on the centre of an object (thesis sec. 6.7); its package cannot be
had, so what the centre is was decided here: the pixel that is farthest from the outside.
"""

from __future__ import annotations

import cv2
import numpy as np

from napari_lazyvos.errors import LazyVosError

__all__ = ["SimulatedUser", "centre", "depth"]


class SimulatedUser:
    """Clicks on regions: on the centre, or as people do, somewhere about it.

    Parameters
    ----------
    spread : float, 0 or more
        0: always the centre. Above: a pixel is drawn with a chance that grows with its distance to
        the outside, to the power of 1 / `spread`. At .5, which is human-like, the outermost pixels
        of an object are hardly ever hit; a very large one draws all pixels alike.
    seed : int
    name : str
        Of the video: in each one other chances are drawn, whichever is played first.

    Raises
    ------
    LazyVosError
        If the spread is negative.
    """

    def __init__(self, *, spread: float = 0.0, seed: int = 0, name: str = "") -> None:
        if not spread >= 0:
            raise LazyVosError(f"the spread of clicks is {spread}: give 0 (the centre) or more.")
        self.spread = spread
        self._random = np.random.default_rng([seed, *name.encode()])

    def point(self, region: np.ndarray) -> tuple[float, float]:
        """Return (y, x), the pixel of a region that is clicked.

        Parameters
        ----------
        region : (H, W) bool, not empty
        """
        if not self.spread:
            return centre(region)
        y, x = np.nonzero(region)
        inside = depth(region)[y, x].astype(float)
        chances = (inside / inside.max()) ** (1 / self.spread)
        chosen = int(self._random.choice(len(y), p=chances / chances.sum()))
        return float(y[chosen]), float(x[chosen])


def centre(region: np.ndarray) -> tuple[float, float]:
    """Return (y, x) of the pixel that is farthest from the outside; the first of equals.

    Parameters
    ----------
    region : (H, W) bool, not empty

    Raises
    ------
    LazyVosError
        If it is empty.

    Examples
    --------
    >>> square = np.zeros((9, 9), bool)
    >>> square[2:7, 1:6] = True
    >>> centre(square)
    (4.0, 3.0)
    """
    if not region.any():
        raise LazyVosError("an object that is not there has no centre: ask for one that is.")
    inside = depth(region)
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return float(y), float(x)


def depth(region: np.ndarray) -> np.ndarray:
    """Return the distance of each pixel to the nearest one outside, which the frame's edge is too.

    Parameters
    ----------
    region : (H, W) bool

    Returns
    -------
    (H, W) float32, in pixels; 0 outside
    """
    padded = np.pad(region.astype(np.uint8), 1)
    far: np.ndarray = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return far[1:-1, 1:-1]

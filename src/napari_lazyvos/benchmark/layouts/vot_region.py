"""Regions of the VOT challenges, one line of text each."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["read_region"]


def read_region(line: str, size: tuple[int, int]) -> np.ndarray | None:
    """Return the mask that a line describes.

    It is one of these, as the VOT toolkit (0.8) writes and draws them:

    - ``m`` and x, y, width, height of a crop, then run lengths of its pixels, row by row, the first
      run being background; an empty crop, or one run, says that the object is not there;
    - x, y, width, height of a rectangle;
    - x and y of three or more corners of a polygon, whose border belongs to it;
    - one number, or nan among others: nothing is known.

    Parameters
    ----------
    line : str
    size : rows and columns of a frame; what lies outside is cut off

    Returns
    -------
    (H, W) bool, or None if nothing is known

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if line.startswith("m"):
        left, top, width, height, *runs = (int(value) for value in line[1:].split(","))
        return _place(_decode(runs, height, width), top, left, size)
    values = [float(value) for value in line.split(",")]
    if len(values) == 1 or not np.isfinite(values).all():
        return None
    if len(values) == 4:
        x, y, width_, height_ = values
        left, top = round(x), round(y)
        right, bottom = round(x + width_ - 1), round(y + height_ - 1)  # the last that belong to it
        full = np.ones((max(bottom - top + 1, 0), max(right - left + 1, 0)), bool)
        return _place(full, top, left, size)
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"{len(values)} numbers are no region")
    corners = np.rint(values).astype(np.int32).reshape(-1, 2)
    return cv2.fillPoly(np.zeros(size, np.uint8), [corners], 1).astype(bool)


def _decode(runs: list[int], height: int, width: int) -> np.ndarray:
    """Return the (height, width) bool crop of run lengths; pixels after the last are background."""
    if sum(runs) > height * width:
        raise ValueError(f"runs of {sum(runs)} pixels do not fit into {width} x {height}")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, np.array(runs, int))
    return np.pad(pixels, (0, height * width - len(pixels))).reshape(height, width)


def _place(crop: np.ndarray, top: int, left: int, size: tuple[int, int]) -> np.ndarray:
    """Return a mask of this size with a crop in its place."""
    mask = np.zeros(size, bool)
    rows = slice(max(top, 0), max(top + crop.shape[0], 0))
    columns = slice(max(left, 0), max(left + crop.shape[1], 0))
    into = mask[rows, columns]
    into[:] = crop[rows.start - top :, columns.start - left :][: into.shape[0], : into.shape[1]]
    return mask

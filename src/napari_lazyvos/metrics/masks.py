"""What measures of two masks ask of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_lazyvos.errors import LazyVosError

__all__ = ["as_masks"]


def as_masks(
    mask: ArrayLike, truth: ArrayLike, void: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks of one frame as booleans, without the pixels that do not count.

    Parameters
    ----------
    mask, truth : (H, W); what is not 0 is the object
    void : (H, W), optional
        What is not 0 belongs to neither mask.

    Returns
    -------
    two (H, W) bool arrays

    Raises
    ------
    LazyVosError
        If an array is not an image, or the sizes differ.
    """
    images = [np.asarray(image, bool) for image in (mask, truth)]
    if void is not None:
        images.append(np.asarray(void, bool))
    shapes = [image.shape for image in images]
    if len(shapes[0]) != 2 or len(set(shapes)) > 1:
        raise LazyVosError(
            f"masks of one frame must be images of one size, and these are {_words(shapes)}: "
            "compare frame by frame, at the size of the reference."
        )
    if void is not None:
        return images[0] & ~images[2], images[1] & ~images[2]
    return images[0], images[1]


def _words(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join(" x ".join(map(str, shape)) or "a number" for shape in shapes)

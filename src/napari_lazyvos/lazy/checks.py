"""What a person may say of a video: refused in a sentence, before anything is changed."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.refine.protocol import Click, check_clicks
from napari_lazyvos.store.ledger import Ledger, Origin
from napari_lazyvos.video import Video

__all__ = [
    "check_forgettable",
    "check_known",
    "check_label",
    "check_place",
    "check_range",
    "checked_image",
]

MAX_LABEL = 65_535  # label maps are uint16 at most


def check_place(video: Video, t: int, y: float, x: float) -> None:
    """Refuse a place that lies outside of the video."""
    video.check(t)
    check_clicks((Click(y, x),), video.height, video.width)


def check_label(label: int) -> None:
    """Refuse a number that cannot be a label."""
    if not 1 <= label <= MAX_LABEL:
        raise LazyVosError(f"label is {label}: use a number from 1 to {MAX_LABEL}.")


def check_known(label: int, labels: Collection[int]) -> None:
    """Refuse a label that no object has."""
    if label not in labels:
        known = ", ".join(map(str, labels)) or "none yet"
        raise LazyVosError(f"there is no object {label}: the objects are {known}.")


def check_forgettable(ledger: Ledger, t: int) -> None:
    """Refuse a frame that a person annotated: without what it tells nothing can be tracked."""
    if any(row.origin == Origin.HUMAN for row in ledger.rows_at(t)):
        raise LazyVosError(
            f"Frame {t} is annotated, and the tracker always remembers what you said: remove your "
            "clicks or strokes there to have it forgotten."
        )


def check_range(start: int, stop: int, frames: int) -> None:
    """Refuse frames ``start <= t < stop`` that are none of a video of so many."""
    if not 0 <= start < stop <= frames:
        raise LazyVosError(
            f"frames {start} to {stop} are no range of this video: it has frames 0 to "
            f"{frames - 1}, and stop is one more than the last frame to track."
        )


def checked_image(video: Video, image: np.ndarray) -> np.ndarray:
    """Return an array of a frame's size, and refuse any other."""
    image = np.asarray(image)
    size = (video.height, video.width)
    if image.shape != size:
        raise LazyVosError(f"the mask is {image.shape}, a frame of this video is {size}.")
    return image

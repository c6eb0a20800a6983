"""Masks drawn over their frames, to look at: what was found, and what is there."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.results import ObjectResult, Picture
from napari_lazyvos.video import Video

__all__ = ["draw_overlay", "worst_pictures"]

COLOUR = np.array([255, 170, 0], np.float32)
TRUTH = np.array([255, 255, 255], np.float32)
OPACITY = 0.35
WORST = 3  # pictures of each video
APART = 5  # frames between two pictures of one object
LONGEST = 480  # pixels: side of a picture


def draw_overlay(
    frame: np.ndarray, mask: np.ndarray, truth: np.ndarray | None = None
) -> np.ndarray:
    """Tint a mask and draw its outline, and in white that of what is there.

    Parameters
    ----------
    frame : (3, H, W) float32, RGB in [0, 1]
    mask : (H, W) bool
    truth : (H, W) bool, optional

    Returns
    -------
    (H, W, 3) uint8
    """
    picture = np.moveaxis(frame, 0, -1) * 255
    picture[mask] += OPACITY * (COLOUR - picture[mask])
    picture[_outline(mask)] = COLOUR
    if truth is not None:
        picture[_outline(truth)] = TRUTH
    return picture.round().astype(np.uint8)


def worst_pictures(
    video: Video,
    clip: Clip,
    objects: tuple[ObjectResult, ...],
    found: Callable[[int], np.ndarray],
) -> tuple[Picture, ...]:
    """Draw the frames with the lowest J, no two of one object close together.

    Parameters
    ----------
    video, clip : of the same frames
    objects : that were followed in it
    found : t -> (H, W) label map that was predicted
    """
    every = sorted(
        (region, each.label, t)
        for each in objects
        for t, region in zip(each.frames, each.region, strict=True)
    )
    pictures: list[Picture] = []
    for region, label, t in every:
        if len(pictures) == WORST:
            break
        if all(other.label != label or abs(other.t - t) >= APART for other in pictures):
            drawn = draw_overlay(video.frame(t), found(t) == label, clip.references.at(t)[label])
            pictures.append(Picture(label, t, region, _jpeg(drawn)))
    return tuple(pictures)


def _outline(mask: np.ndarray) -> np.ndarray:
    outline: np.ndarray = mask & ~ndimage.binary_erosion(mask)
    return outline


def _jpeg(picture: np.ndarray) -> str:
    """Return a picture as base64 of a small JPEG."""
    image = Image.fromarray(picture)
    image.thumbnail((LONGEST, LONGEST))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=85)
    return base64.b64encode(content.getvalue()).decode("ascii")

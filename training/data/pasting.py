"""Cutting objects out of pictures, and laying them over others."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.data.motion import Motion
from training.data.pictures import Picture
from training.data.procedural import smooth

__all__ = ["Actor", "Shot", "blind", "cut_out", "like_its_place", "paste", "shoot", "soft"]

Shot = tuple[np.ndarray, np.ndarray]
"""A frame (h, w, 3) float32 in [0, 255], and its labels (h, w) uint8."""


@dataclass(slots=True)
class Actor:
    """An object that was cut out, and how it moves."""

    picture: Picture
    alpha: np.ndarray  # (H, W) float32
    origin: tuple[float, float]  # of the object, in the picture
    label: int  # 0: a distractor
    motion: Motion


def soft(mask: np.ndarray, sigma: float) -> np.ndarray:
    """Return a mask as a cover in [0, 1] whose edge is blurred."""
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)


def shoot(image: np.ndarray, labels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Shot:
    """Return what a picture shows at these places; beyond its border it is mirrored.

    A mirrored object keeps its number only where it touches the border and so goes on: elsewhere
    the mirror shows a second object, which has no number.
    """
    around = cv2.BORDER_REFLECT_101
    frame = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=around)
    seen = cv2.remap(labels, columns, rows, cv2.INTER_NEAREST, borderMode=around)
    height, width = labels.shape
    beyond = (rows < -0.5) | (columns < -0.5) | (rows > height - 0.5) | (columns > width - 0.5)
    if beyond.any():
        border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        goes_on = np.zeros(256, bool)
        goes_on[border] = True
        seen[beyond & ~goes_on[seen]] = 0
    return frame.astype(np.float32), seen


def paste(shot: Shot, actor: Actor, t: int) -> Shot:
    """Lay an actor over a shot, as it stands in frame `t`."""
    frame, labels = shot
    rows, columns = actor.motion.source_of(t, actor.origin)
    alpha = cv2.remap(actor.alpha, columns, rows, cv2.INTER_LINEAR)
    front = cv2.remap(actor.picture.image, columns, rows, cv2.INTER_LINEAR)
    mixed = frame + (front - frame) * alpha[..., None]
    return mixed, np.where(alpha >= 0.5, np.uint8(actor.label), labels)


def cut_out(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the picture without an object: its place is filled from around it."""
    hole = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    rows, columns = np.where(hole)
    margin = 8
    window = tuple(
        slice(max(0, each.min() - margin), each.max() + margin + 1) for each in (rows, columns)
    )
    filled = image.copy()
    filled[window] = cv2.inpaint(image[window], hole[window], 3, cv2.INPAINT_TELEA)
    return filled


def like_its_place(rng: np.random.Generator, actor: Actor, ground: np.ndarray) -> Actor:
    """Bring colour and brightness near to those of the ground, so that the seam is no cue.

    Parameters
    ----------
    rng : numpy Generator
    actor : Actor
    ground : (h, w, 3) float32 in [0, 255], the first frame without actors
    """
    rows, columns = actor.motion.source_of(0, actor.origin)
    here = cv2.remap(actor.alpha, columns, rows, cv2.INTER_LINEAR) > 0.5
    if not here.any():
        return actor
    own = actor.picture.image[actor.alpha > 0.5].mean(0)
    shift = rng.uniform(0.3, 0.8) * (ground[here].mean(0) - own)
    image = np.clip(actor.picture.image + shift, 0, 255).astype(np.uint8)
    picture = Picture(image, actor.picture.labels, actor.picture.family)
    return Actor(picture, actor.alpha, actor.origin, actor.label, actor.motion)


def blind(
    rng: np.random.Generator, picture: Picture, towards: tuple[float, float], side: int, frames: int
) -> Actor:
    """Return a bar or a patch of a picture that passes over what is at `towards`."""
    height, width = picture.labels.shape
    across = side * rng.uniform(0.06, 0.3)
    origin = height / 2, width / 2
    rows, columns = np.indices((height, width), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    off = (rows - origin[0]) * np.sin(angle) + (columns - origin[1]) * np.cos(angle)
    far = np.abs(off) if rng.random() < 0.5 else np.hypot(rows - origin[0], columns - origin[1])
    edge = far + smooth(rng, max(height, width), 14)[:height, :width, 0] * 0.1 * across
    cover = (edge < across / 2).astype(np.float32)
    pace = side * rng.uniform(0.05, 0.25)
    motion = Motion(
        rng, side, frames, centre=towards, scale=1.0, extent=across, speed=0.02, elastic=0.0,
        passing=(pace * np.sin(angle), pace * np.cos(angle)),
    )  # fmt: skip
    return Actor(picture, soft(cover, 0.7), origin, 0, motion)

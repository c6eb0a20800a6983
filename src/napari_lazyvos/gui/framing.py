"""Where the camera looks so that an object is seen well, with what is around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Look", "frame_object"]

SMALL = 0.08  # of the view: an object whose longer side is less is too small to judge
SHARE = 0.2  # of the view that such an object takes once the camera has come nearer
IN_VIEW = 0.95  # of the view: what lies farther out is overlooked
LARGEST = 0.8  # of the view: a larger object does not fit
NEAREST = 3.5  # times nearer than where the whole frame fits, at most


@dataclass(frozen=True, slots=True)
class Look:
    """Where a camera looks, in two dimensions."""

    centre: tuple[float, float]  # in the world, along the two displayed axes
    zoom: float  # pixels of the screen per unit of the world

    def near(self, other: Look) -> bool:
        """Tell whether two looks show the same."""
        ours, theirs = (*self.centre, self.zoom), (*other.centre, other.zoom)
        return bool(np.allclose(ours, theirs, rtol=1e-3, atol=1e-6))

    def towards(self, other: Look, share: float) -> Look:
        """Return the look that lies between this one (0) and another one (1)."""
        zoom = self.zoom * (other.zoom / self.zoom) ** share
        here, there = np.array(self.centre), np.array(other.centre)
        y, x = here + share * (there - here)
        return Look((float(y), float(x)), float(zoom))


def frame_object(
    look: Look,
    canvas: tuple[float, float],
    place: tuple[float, float],
    box: np.ndarray,
    frame: np.ndarray,
) -> Look:
    """Return a look that shows an object; the same one if that shows it well already.

    Parameters
    ----------
    look : Look
        As it is now.
    canvas : (2,) pixels of the screen
    place : (2,) in the world, of what the person is asked about
    box : (2, 2) in the world, two opposite corners of the object
    frame : (2, 2) in the world, two opposite corners of the whole frame; no view goes beyond it
        that can help it
    """
    box, frame = np.sort(np.asarray(box, float), axis=0), np.sort(frame, axis=0)
    size = np.maximum(box[1] - box[0], 1e-9)
    view = np.asarray(canvas) / look.zoom
    points = np.array([place, box.mean(axis=0)])
    in_view = bool((np.abs(points - look.centre) <= IN_VIEW / 2 * view).all())
    share = float((size / view).max())
    if in_view and share >= SMALL:
        return look
    nearest = NEAREST * float((np.asarray(canvas) / (frame[1] - frame[0])).min())
    zoom = look.zoom
    if share < SMALL:
        wanted = SHARE * float((np.asarray(canvas) / size).min())
        zoom = max(look.zoom, min(wanted, nearest))
    elif share > LARGEST:
        zoom = look.zoom * LARGEST / share
    middle = box.mean(axis=0) if share > SMALL else np.asarray(place)
    y, x = _keep_inside(middle, np.asarray(canvas) / zoom, frame)
    return Look((y, x), zoom)


def _keep_inside(middle: np.ndarray, view: np.ndarray, frame: np.ndarray) -> tuple[float, float]:
    """Return where a view is to be centred so that it shows no more than needed of the outside."""
    lowest, highest = frame[0] + view / 2, frame[1] - view / 2
    inside = np.clip(middle, np.minimum(lowest, highest), np.maximum(lowest, highest))
    return float(inside[0]), float(inside[1])

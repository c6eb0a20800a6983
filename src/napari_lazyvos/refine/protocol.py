"""What every refiner promises: clicks on an image become the mask of one object.

Looking at the image is slow and answering a click is fast (SAM encodes an image in seconds and
answers in milliseconds), so these are two calls: `Refiner.embed` once per frame, kept by the
session in a small cache, and `Refiner.refine` for every click.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from napari_lazyvos.errors import LazyVosError

__all__ = ["Click", "Embedding", "Refined", "Refiner", "check_clicks"]

Embedding: TypeAlias = Any
"""What a refiner computed from an image alone. Only the refiner that made it reads it."""


@dataclass(frozen=True, slots=True)
class Click:
    """A place that a person pointed at, within one frame."""

    y: float  # in data pixels, down; pixel centres at integers
    x: float  # in data pixels, right
    positive: bool = True  # False: "the object is not here"
    implied: bool = False  # by a mask that is corrected, and not said by a person; see `anchors`


@dataclass(frozen=True, slots=True)
class Refined:
    """The mask of one object."""

    mask: np.ndarray  # (H, W) bool
    probability: np.ndarray  # (H, W) float32 in [0, 1]; mask is where it is 0.5 or more


@runtime_checkable
class Refiner(Protocol):
    """One way of turning clicks into a mask."""

    name: str

    def embed(self, frame: np.ndarray) -> Embedding:
        """Look at an image, before any click; the slow part.

        Parameters
        ----------
        frame : (3, H, W) float32, RGB in [0, 1]
        """
        ...

    def refine(
        self,
        embedding: Embedding,
        clicks: Sequence[Click],
        previous: np.ndarray | None = None,
    ) -> Refined:
        """Segment the one object that all the clicks are about.

        Parameters
        ----------
        embedding : what `embed` returned for this frame
        clicks : one or more, used together; at least one positive
        previous : (H, W) float32 in [0, 1] or bool, optional
            The object's mask so far, which the clicks correct.

        Raises
        ------
        LazyVosError
            If there is no positive click, or one lies outside the frame or is not finite.
        """
        ...


def check_clicks(clicks: Sequence[Click], height: int, width: int) -> None:
    """Raise a `LazyVosError` unless the clicks can be answered on an image of this size.

    A click belongs to the pixel whose centre is nearest, so it lies inside the frame while
    ``-0.5 <= y < height - 0.5`` (up to rounding), and the same for x.
    """
    for click in clicks:
        where = f"the click at (y, x) = ({click.y:g}, {click.x:g})"
        if not (math.isfinite(click.y) and math.isfinite(click.x)):
            raise LazyVosError(f"{where} is not a place: give finite numbers.")
        if not (0 <= round(click.y) < height and 0 <= round(click.x) < width):
            raise LazyVosError(
                f"{where} lies outside the frame, which is {height} x {width} (height x width): "
                f"click inside it."
            )
    if not any(click.positive for click in clicks):
        raise LazyVosError(
            f"there is no positive click among the {len(clicks)} given: click on the object first."
        )

"""Which axis of a layer is time, and how its points become places in the video.

A video has the axes (t, y, x). Its layer may have more, such as channels or slices, and then every
layer of ours has them too, so that napari lines them up. A mask is shown at every index of such an
axis: it belongs to the frame, whatever channel or slice one looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Axes"]


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a video's layer; y and x are the last two. RGB is not an axis here."""

    shape: tuple[int, ...]  # lengths of all axes, as the layer has them
    time: int = 0  # which of them is time
    at: tuple[int, ...] = ()  # index on each axis where new points go; only the others count

    def __post_init__(self) -> None:
        if not 0 <= self.time < len(self.shape) - 2:
            raise ValueError(f"axis {self.time} of a layer of shape {self.shape} cannot be time")

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def others(self) -> tuple[int, ...]:
        """Which axes are neither t, y nor x."""
        return tuple(axis for axis in range(self.ndim - 2) if axis != self.time)

    def place(self, point: Sequence[float]) -> tuple[int, float, float]:
        """Return the (t, y, x) of a point in the layer's data coordinates."""
        return round(float(point[self.time])), float(point[-2]), float(point[-1])

    def point(self, t: float, y: float, x: float) -> tuple[float, ...]:
        """Return the layer's data coordinates of a place in the video."""
        whole = [float(index) for index in self.at or (0,) * self.ndim]
        whole[self.time], whole[-2], whole[-1] = t, y, x
        return tuple(whole)

    def key(self, key: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return what an index into the layer's data says of t, y and x."""
        return key[self.time], key[-2], key[-1]

"""How one frame is cut out of an array of any layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

__all__ = ["ArrayLike", "Layout", "Pick"]

Pick: TypeAlias = int | str | Sequence[int]
"""What is read of an axis that is not time: one index, "max" (maximum projection), or, for
channels only, several indices."""


class ArrayLike(Protocol):
    """numpy, dask, zarr, h5py: anything with a shape, a dtype and slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of one element."""
        ...

    def __getitem__(self, key: Any) -> Any:
        """Return the part of the array that `key` names."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """How one frame is cut out of an array; made by `resolve`."""

    axes: str  # one letter per dimension
    shape: tuple[int, ...]
    time: str
    channel: str | None  # the axis of channels, if there is one
    picks: dict[str, Pick]  # what is read of the axes that are not time, Y or X

    @property
    def frames(self) -> int:
        """Length of the time axis."""
        return self.shape[self.axes.index(self.time)]

    @property
    def height(self) -> int:
        """Length of the Y axis."""
        return self.shape[self.axes.index("Y")]

    @property
    def width(self) -> int:
        """Length of the X axis."""
        return self.shape[self.axes.index("X")]

    @property
    def channels(self) -> int:
        """How many channels a frame has."""
        if self.channel is None:
            return 1
        pick = self.picks.get(self.channel)
        if pick is None:
            return self.shape[self.axes.index(self.channel)]
        return 1 if isinstance(pick, int | str) else len(pick)

    def cut(self, array: ArrayLike, t: int) -> np.ndarray:
        """Return frame `t` of an array of this shape as (channels, H, W)."""
        pick = None if self.channel is None else self.picks.get(self.channel)
        if self.channel is None or pick is None or isinstance(pick, int | str):
            return self._planes(array, t, pick)
        return np.concatenate([self._planes(array, t, channel) for channel in pick])

    def _planes(self, array: ArrayLike, t: int, channel: Pick | None) -> np.ndarray:
        """Read with basic slices only, which every array-like understands."""
        key: list[int | slice] = []
        kept = ""
        for axis in self.axes:
            pick = t if axis == self.time else self.picks.get(axis)
            if axis == self.channel:
                pick = channel
            if isinstance(pick, int):
                key.append(pick)
            else:
                key.append(slice(None))
                kept += axis
        planes = np.asarray(array[tuple(key)])
        for axis in [a for a in kept if a not in "YX" and self._projected(a)]:
            planes = planes.max(axis=kept.index(axis))
            kept = kept.replace(axis, "")
        order = [kept.index(a) for a in (self.channel or "") + "YX" if a in kept]
        planes = planes.transpose(order)
        return planes if planes.ndim == 3 else planes[None]

    def _projected(self, axis: str) -> bool:
        return self.picks.get(axis) == "max"

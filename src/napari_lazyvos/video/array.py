"""Frames from an array: numpy, dask, zarr or anything that slices like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import finalize

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.axes import guess_axes, resolve
from napari_lazyvos.video.layout import ArrayLike, Pick
from napari_lazyvos.video.steps import Steps, pixel_scale

__all__ = ["ArraySource"]


class ArraySource:
    """Frames that are cut out of an array when they are asked for.

    Parameters
    ----------
    array : array-like
        Only the frames that are read are loaded.
    axes, time, others
        See `napari_lazyvos.video.axes.resolve`; without `axes`, `guess_axes` names them.
    name : str
    steps : mapping, optional
        Physical size of one step along each axis, as (size, unit) by the axis's letter.
    what : str, optional
        The path from where `open_video` finds the array again; None if it lives in memory only.
    on_close : callable, optional
        Called once, by `close` or when the source is dropped; must not refer to the source.

    Raises
    ------
    LazyVosError
        If the axes do not fit the array, or its dtype is not a number.
    """

    def __init__(
        self,
        array: ArrayLike,
        *,
        axes: str | None = None,
        time: str | int | None = None,
        others: Mapping[str | int, Pick] | None = None,
        name: str = "array",
        steps: Steps | None = None,
        what: str | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        shape = tuple(int(n) for n in array.shape)
        layout = resolve(shape, axes or guess_axes(shape), time=time, others=others)
        stored = np.dtype(array.dtype)
        if stored.kind not in "biuf":
            raise LazyVosError(f"{name} has dtype {stored}: a video has integers, floats or bools")
        self.name = name
        self.frames: int | None = layout.frames
        self.height = layout.height
        self.width = layout.width
        self.channels = layout.channels
        self.rgb = layout.channel == "S" and layout.channels >= 3
        self.dtype: np.dtype[Any] = stored.newbyteorder("=")
        self.scale = pixel_scale(steps or {}, layout.time)
        self.origin: dict[str, Any] = {
            "what": what,
            "axes": layout.axes,
            "time": layout.time,
            "others": {
                a: p if isinstance(p, int | str) else list(p) for a, p in layout.picks.items()
            },
        }
        self._array = array
        self._layout = layout
        # also when the source is dropped without being closed
        self._finalizer = finalize(self, on_close) if on_close else None

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W) in the stored dtype."""
        try:
            planes = self._layout.cut(self._array, t)
        except Exception as error:  # zarr, dask and codecs each have their own
            raise LazyVosError(f"frame {t} of {self.name} cannot be read: {error}") from error
        return np.ascontiguousarray(planes, dtype=self.dtype)

    def close(self) -> None:
        """Let go of files; safe to call twice."""
        if self._finalizer is not None:
            self._finalizer()

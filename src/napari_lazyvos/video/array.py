"""Frames from an array: numpy, dask, zarr or anything that slices like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.axes import ArrayLike, Pick, guess_axes, resolve
from napari_lazyvos.video.source import PixelScale

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
    scale : PixelScale, optional
    origin : dict, optional
        Arguments of `open_video` that find the array again; without it, it is taken to live in
        memory only.
    on_close : callable, optional
        Called once by `close`.
    """

    def __init__(
        self,
        array: ArrayLike,
        *,
        axes: str | None = None,
        time: str | int | None = None,
        others: Mapping[str | int, Pick] | None = None,
        name: str = "array",
        scale: PixelScale | None = None,
        origin: dict[str, Any] | None = None,
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
        self.scale = scale or PixelScale()
        self.origin: dict[str, Any] = (origin or {"what": None}) | {
            "axes": layout.axes,
            "time": layout.time,
            "others": dict(layout.picks),
        }
        self._array = array
        self._layout = layout
        self._on_close = on_close

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W) in the stored dtype."""
        return np.ascontiguousarray(self._layout.cut(self._array, t), dtype=self.dtype)

    def close(self) -> None:
        """Let go of files; safe to call twice."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None

"""A video source as the data of an Image layer: decoded when a frame is looked at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from napari_lazyvos.video import Source

__all__ = ["LazyFrames", "layer_arguments"]


class LazyFrames:
    """An array-like (T, Y, X), (T, Y, X, 3) or (T, C, Y, X) over a source.

    Nothing is held in memory but what the source itself keeps. It is read only.

    Parameters
    ----------
    source : Source
        Three or four channels are shown as colours, any other number above one as an axis.
    """

    def __init__(self, source: Source) -> None:
        if source.frames is None:
            raise ValueError(f"{source.name} is still growing: its length must be known")
        self.source = source
        self.dtype = source.dtype
        self.rgb = source.channels in (3, 4)
        picture = (source.height, source.width)
        if self.rgb:
            self.shape: tuple[int, ...] = (source.frames, *picture, source.channels)
        elif source.channels == 1:
            self.shape = (source.frames, *picture)
        else:
            self.shape = (source.frames, source.channels, *picture)

    @property
    def ndim(self) -> int:
        """Number of axes, that of colours included."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        key = key if isinstance(key, tuple) else (key,)
        if key[0] is Ellipsis:
            key = (slice(None),) * (1 + self.ndim - len(key)) + key[1:]
        if isinstance(key[0], slice):
            times = range(*key[0].indices(len(self)))
            rest = (slice(None), *key[1:])
            shape = (len(times), *self.shape[1:])
            whole = np.empty(shape, self.dtype)
            for i, t in enumerate(times):
                whole[i] = self._frame(t)
            return np.asarray(whole[rest])
        t = int(key[0])
        if not -len(self) <= t < len(self):
            raise IndexError(f"frame {t} of a video of {len(self)} frames")
        return np.asarray(self._frame(t % len(self))[key[1:]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self[:], dtype=dtype)

    def _frame(self, t: int) -> np.ndarray:
        planes = self.source.read(t)
        if self.rgb:
            return np.moveaxis(planes, 0, -1)
        return planes[0] if self.source.channels == 1 else planes


def layer_arguments(frames: LazyFrames) -> dict[str, Any]:
    """Return the name, scale and axes of an Image layer that shows these frames."""
    scale = frames.source.scale
    channel = frames.ndim == 4 and not frames.rgb
    # napari asks pint what a unit is, and pint knows no frames.
    time_unit = "pixel" if scale.time_unit == "frame" else scale.time_unit
    arguments: dict[str, Any] = {
        "name": frames.source.name,
        "rgb": frames.rgb,
        "scale": (scale.t, *((1.0,) if channel else ()), scale.y, scale.x),
        "units": (
            time_unit,
            *(("pixel",) if channel else ()),
            scale.space_unit,
            scale.space_unit,
        ),
        "axis_labels": ("t", *(("c",) if channel else ()), "y", "x"),
    }
    if np.dtype(frames.dtype) == np.uint8 and not frames.rgb:
        arguments["contrast_limits"] = (0, 255)
    return arguments

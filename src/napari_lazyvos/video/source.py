"""What every source of frames promises: planes as they are stored, one frame at a time."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from napari_lazyvos.store.scale import PixelScale

__all__ = ["KeyFrames", "PixelScale", "Source"]


@runtime_checkable
class Source(Protocol):
    """Frames as stored, before any mapping to RGB. Reading is safe from several threads."""

    name: str  # short, without folder or suffix; results are named after it
    frames: int | None  # None while unknown (a source that still grows)
    height: int
    width: int
    channels: int  # 1 for grey
    rgb: bool  # the first three channels are the red, green and blue of one picture
    dtype: np.dtype[Any]
    scale: PixelScale
    origin: dict[str, Any]  # arguments of `open_video` that open it again; what=None: in memory

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W) in the stored dtype.

        The same `t` always gives the same pixels, whatever was read before it.
        """
        ...

    def close(self) -> None:
        """Let go of files; safe to call twice."""
        ...


@runtime_checkable
class KeyFrames(Protocol):
    """What a source has besides, if some of its frames are much cheaper to read than others."""

    def key_frame(self, t: int) -> int:
        """Return the last frame up to `t` that is read without decoding others first."""
        ...

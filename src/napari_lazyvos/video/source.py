"""What every source of frames promises: planes as they are stored, one frame at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

__all__ = ["PixelScale", "Source"]


@dataclass(frozen=True, slots=True)
class PixelScale:
    """Physical size of one step along each axis."""

    t: float = 1.0
    y: float = 1.0
    x: float = 1.0
    time_unit: str = "frame"  # a pint name, such as "second"; "frame" where unknown
    space_unit: str = "pixel"  # a pint name, such as "micrometer"; "pixel" where unknown


@runtime_checkable
class Source(Protocol):
    """Frames as stored, before any mapping to RGB. Reading is safe from several threads."""

    name: str  # short, without folder or suffix; results are named after it
    frames: int | None  # None while unknown (a source that still grows)
    height: int
    width: int
    channels: int  # 1 for grey
    dtype: np.dtype
    scale: PixelScale

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W) in the stored dtype.

        The same `t` always gives the same pixels, whatever was read before it.
        """
        ...

    def close(self) -> None:
        """Let go of files; safe to call twice."""
        ...

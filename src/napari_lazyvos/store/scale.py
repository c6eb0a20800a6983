"""Physical size of pixels and frames."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PixelScale"]


@dataclass(frozen=True, slots=True)
class PixelScale:
    """Physical size of one step along each axis."""

    t: float = 1.0
    y: float = 1.0
    x: float = 1.0
    time_unit: str = "frame"  # a pint name, such as "second"; "frame" where unknown
    space_unit: str = "pixel"  # a pint name, such as "micrometer"; "pixel" where unknown

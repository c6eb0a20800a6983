"""What is said of a frame that a tracker does not remember."""

from __future__ import annotations

from collections.abc import Iterable

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.protocol import RememberedFrame

__all__ = ["check_remembered"]


def check_remembered(t: int, frames: Iterable[RememberedFrame]) -> None:
    """Refuse a frame that is not in memory.

    Raises
    ------
    LazyVosError
    """
    times = [frame.t for frame in frames]
    if t not in times:
        known = ", ".join(map(str, times)) or "none yet"
        raise LazyVosError(f"Frame {t} is not in memory: the frames there are {known}.")

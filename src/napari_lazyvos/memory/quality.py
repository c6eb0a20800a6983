"""Keep the frames whose masks are good (QDMN, Liu et al. 2022).

Each object's mask in a frame has a quality in [0, 1]. A frame enters the memory only if its masks
are nearly as good as those of the first frame, and once the memory is full, it takes the place of
one with bad masks that is not among the latest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from napari_lazyvos.memory.retention import Remembered

__all__ = ["KeepGood"]

LEAST = 0.8  # quality of a frame that enters, in parts of the first one's; QDMN


class KeepGood:
    """QDMN's rule of retention.

    Of the frames in a full memory that one leaves for which ``exp(-age) + quality`` is least. Its
    age is how many frames entered the memory since it did, and its quality the mean over its
    objects. (The published program drops the frame before the one that it has chosen.)

    Where nothing is known of a frame's quality, nothing speaks against it: it is 1.

    Parameters
    ----------
    size : int
        Of the memory, permanent frames counted in; there may be more only if they are permanent.
    least : float
        Quality of a frame that may enter, in parts of the first one's.
    """

    def __init__(self, size: int = 20, least: float = LEAST) -> None:
        self.size, self.least = size, least
        self._entered: list[int] = []  # when each frame in memory did: 0, 1, 2, ...

    def admit(self, kept: Sequence[Remembered], new: Remembered) -> int | None:
        """Let a good frame enter, and a bad one leave; see `Retention.admit`."""
        if not self._entered:
            self._entered = list(range(len(kept)))
        first = kept[0] if kept else new
        if not new.permanent and _quality(new) <= self.least * _quality(first, without_zeros=True):
            return None
        count = 1 + max(self._entered, default=-1)
        passing = [place for place, each in enumerate(kept) if not each.permanent]
        place = len(kept)
        if place >= self.size:
            if passing:
                place = min(passing, key=lambda n: self._worth(kept[n], count - self._entered[n]))
            elif not new.permanent:
                return None
        self._entered = [*self._entered[:place], *self._entered[place + 1 :], count]
        return place

    def renew(self, kept: Sequence[Remembered], place: int) -> None:
        """Let a frame be as old as it was; its quality is its own affair."""

    def forget(self, place: int) -> None:
        """Take a frame out."""
        if self._entered:
            del self._entered[place]

    def pack(self) -> dict[str, Any]:
        """Return when each frame entered."""
        return {"entered": tuple(self._entered)}

    def unpack(self, packed: Mapping[str, Any]) -> None:
        """Put back what was packed; if it is empty, frames entered in the order of their coming."""
        self._entered = list(packed.get("entered", ()))

    @staticmethod
    def _worth(frame: Remembered, age: int) -> float:
        return math.exp(-age) + _quality(frame)


def _quality(frame: Remembered, *, without_zeros: bool = False) -> float:
    """Return the mean quality over the objects of a frame, or over those that have any."""
    each = [q for q in (frame.quality or {}).values() if q > 0 or not without_zeros]
    return sum(each) / len(each) if each else 1.0

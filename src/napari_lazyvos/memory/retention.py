"""Which frames a memory keeps when not all of them can stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

__all__ = ["FirstInFirstOut", "KeepAll", "Remembered", "Retention"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A frame of a memory, or one that wants to enter it, as a rule of retention sees it."""

    t: int
    permanent: bool  # never leaves
    keys: Mapping[int, Tensor]  # (HW, C) float by label; {0: keys} where all objects share them
    quality: Mapping[int, float] | None = None  # in [0, 1] by label: how good its masks are


class Retention(Protocol):
    """A rule that says which frames stay. It may know more of them than their keys."""

    def admit(self, kept: Sequence[Remembered], new: Remembered) -> int | None:
        """Decide on a frame that the tracker's cadence offers.

        A permanent frame is always admitted, and never named as the one that leaves. The memory
        does as it is told, so the rule may take note of it.

        Parameters
        ----------
        kept : the frames in memory, in the order of their coming; none of them is `new`
        new : the frame that is offered

        Returns
        -------
        int or None
            The place of the frame that leaves; ``len(kept)``: none does. The new frame goes to the
            end. None: the new frame is not remembered.
        """
        ...

    def renew(self, kept: Sequence[Remembered], place: int) -> None:
        """Take note that a frame changed where it is, as by a correction.

        Parameters
        ----------
        kept : the frames in memory as they are now
        place : that of the one which changed
        """
        ...

    def forget(self, place: int) -> None:
        """Take note that a frame was taken out by a person, and those behind it moved up."""
        ...

    def pack(self) -> dict[str, Any]:
        """Return a copy of what the rule knows, that can be saved."""
        ...

    def unpack(self, packed: Mapping[str, Any]) -> None:
        """Put back what was packed; an empty mapping: nothing is known."""
        ...


class KeepAll:
    """Every frame stays: STCN and MiVOS as published."""

    def admit(self, kept: Sequence[Remembered], new: Remembered) -> int | None:
        """Let none leave."""
        return len(kept)

    def renew(self, kept: Sequence[Remembered], place: int) -> None:
        """Know nothing of frames."""

    def forget(self, place: int) -> None:
        """Know nothing of frames."""

    def pack(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def unpack(self, packed: Mapping[str, Any]) -> None:
        """Know nothing."""


class FirstInFirstOut(KeepAll):
    """The latest frames stay, and the permanent ones.

    Parameters
    ----------
    size : int
        Of the memory, permanent frames counted in; there may be more only if they are permanent.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def admit(self, kept: Sequence[Remembered], new: Remembered) -> int | None:
        """Let none leave while there is room, then the first that may."""
        if len(kept) < self.size:
            return len(kept)
        passing = [place for place, each in enumerate(kept) if not each.permanent]
        if not passing:
            return len(kept) if new.permanent else None
        return passing[0]

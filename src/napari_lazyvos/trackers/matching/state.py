"""What a matching tracker knows beside its memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from napari_lazyvos.trackers.canvas import Canvas

__all__ = ["Carried", "State"]


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes along from frame to frame, a row for each object: here nothing.

    XMem's sensory memory is such a thing.
    """

    def with_more(self, count: int) -> Carried:
        """Return it with rows for so many new objects at the end."""
        return self

    def without(self, row: int) -> Carried:
        """Return it without the row of an object."""
        return self

    def on_grid(self, grid: tuple[int, int]) -> Carried:
        """Return it for frames of another grid of places, in rows and columns."""
        return self

    def put_off(self, step: int) -> Carried:
        """Return it with all that is due by the number of a frame due so many frames later."""
        return self

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {}


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of a video beside what is in the memory."""

    canvas: Canvas
    labels: tuple[int, ...]
    last_memory: int  # the frame that was offered to the memory last
    carried: Carried

    def with_labels(self, labels: tuple[int, ...]) -> State:
        """Return the state with objects that may be new."""
        new = tuple(label for label in labels if label not in self.labels)
        if not new:
            return self
        carried = self.carried.with_more(len(new))
        return replace(self, labels=(*self.labels, *new), carried=carried)

    def without(self, label: int) -> State:
        """Return the state without an object."""
        row = self.labels.index(label)
        labels = (*self.labels[:row], *self.labels[row + 1 :])
        return replace(self, labels=labels, carried=self.carried.without(row))

    def put_off(self, step: int) -> State:
        """Return the state with all that is due so many frames later."""
        carried = self.carried.put_off(step)
        return replace(self, last_memory=self.last_memory + step, carried=carried)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {
            "video": (self.canvas.height, self.canvas.width),
            "grid": self.canvas.grid,
            "labels": self.labels,
            "last_memory": self.last_memory,
            "carried": self.carried.pack(),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], carried: Carried, size: int) -> State:
        """Return what was packed, for frames that are looked at in some size.

        What is carried was unpacked already.
        """
        height, width = packed["video"]
        canvas = Canvas(height, width, size)
        if canvas.grid != tuple(packed["grid"]):
            carried = carried.on_grid(canvas.grid)
        return cls(canvas, tuple(packed["labels"]), packed["last_memory"], carried)

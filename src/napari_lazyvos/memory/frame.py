"""One frame that a matching tracker remembers as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.retention import Remembered

__all__ = ["SHARED", "Frame"]

SHARED = 0
"""The owner of cells whose keys serve all objects; other owners are labels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that is remembered.

    Its cells are those of all objects together, under `SHARED`, where keys are the image's alone;
    or those of each object, under its label, where keys depend on the mask, as in MiVOS.
    """

    t: int
    permanent: bool  # never leaves
    cells: Mapping[int, Cells]  # by owner
    quality: Mapping[int, float] | None = None  # see `Remembered`

    @property
    def labels(self) -> frozenset[int]:
        """Labels of the objects of which it tells."""
        return frozenset(label for each in self.cells.values() for label in each.known)

    def as_seen(self) -> Remembered:
        """Return the frame as a rule of retention sees it."""
        keys = {owner: each.keys for owner, each in self.cells.items()}
        return Remembered(self.t, self.permanent, keys, self.quality)

    def with_more(self, new: Frame) -> Frame:
        """Return what both say of the same frame; where both do, the new one holds."""
        cells = dict(self.cells)
        for owner, each in new.cells.items():
            before = cells[owner].known if owner in cells else {}
            cells[owner] = replace(each, known={**before, **each.known})
        quality = {**(self.quality or {}), **(new.quality or {})} or None
        return Frame(self.t, self.permanent or new.permanent, cells, quality)

    def without(self, label: int) -> Frame:
        """Return the frame without an object; it may have no cells then."""
        rest = {owner: each.without(label) for owner, each in self.cells.items()}
        return replace(self, cells={owner: each for owner, each in rest.items() if each.known})

    def on_grid(self, before: tuple[int, int], after: tuple[int, int]) -> Frame:
        """Return the frame as if it had been looked at on another grid of places."""
        cells = {owner: each.on_grid(before, after) for owner, each in self.cells.items()}
        return replace(self, cells=cells)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        cells = {owner: each.pack() for owner, each in self.cells.items()}
        quality = None if self.quality is None else dict(self.quality)
        return {"t": self.t, "permanent": self.permanent, "cells": cells, "quality": quality}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], device: torch.device) -> Frame:
        """Return a copy of a frame that was packed, on a device."""
        cells = {owner: Cells.unpack(each, device) for owner, each in packed["cells"].items()}
        return cls(packed["t"], packed["permanent"], cells, packed["quality"])

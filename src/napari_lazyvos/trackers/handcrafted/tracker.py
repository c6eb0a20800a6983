"""The tracker without learned weights: what it looks at, and what it learns on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.trackers.handcrafted.features import (
    contrast_around,
    describe,
    to_cells,
    to_lab,
)
from napari_lazyvos.trackers.handcrafted.looks import Looks
from napari_lazyvos.trackers.handcrafted.matching import recovery
from napari_lazyvos.trackers.handcrafted.votes import ColourView, predict
from napari_lazyvos.trackers.windowed.memory import State
from napari_lazyvos.trackers.windowed.tracker import Motion, WindowedTracker

__all__ = ["HandcraftedTracker"]


@dataclass(slots=True)
class HandcraftedMind:
    """What is known of the objects beside where they were."""

    contrast: float  # of lightness around the first objects, the unit of colour
    looks: Looks | None = None  # None until the first frame is remembered
    recovery: float = 0.0  # how well matching finds its way back, up to 1; see `recovery`

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        assert self.looks is not None
        looks = self.looks.pack()
        return {"contrast": self.contrast, "looks": looks, "recovery": self.recovery}


class HandcraftedTracker(WindowedTracker):
    """Follow objects by how they move and what they look like, with no learned weights.

    Parameters
    ----------
    weights : None
        There are none.
    device, size : see `WindowedTracker`
    """

    name = "handcrafted"
    memories: tuple[str, ...] = ()

    def __init__(
        self, *, weights: Any = None, device: torch.device | None = None, size: int = 480
    ) -> None:
        if weights is not None:
            raise LazyVosError("The tracker handcrafted has no weights: load it without any.")
        super().__init__(device=device, size=size)

    def _meet(self, picture: np.ndarray, masks: Tensor) -> HandcraftedMind:
        plain = self._look(picture, HandcraftedMind(1.0))
        return HandcraftedMind(contrast_around(plain.colour[0], masks[1:].sum(0)))

    def _look(self, picture: np.ndarray, mind: HandcraftedMind) -> ColourView:
        colour = to_lab(picture, mind.contrast, self.device)
        return ColourView(describe(colour), colour)

    def _predict(self, state: State, view: ColourView, motion: Motion) -> Tensor:
        return predict(state, view, motion)

    def _learn(self, state: State, view: ColourView, *, permanent: bool) -> None:
        mind, small = state.mind, to_cells(state.last.masks)
        first = mind.looks is None
        if first:
            mind.looks = Looks.of(view.cells, small)
        else:
            mind.looks = mind.looks.after(view.cells, small, permanent=permanent)
        if first or permanent:
            mind.recovery = recovery(view.cells, small)

    def _relearn(self, state: State) -> None:
        first, *others = [*state.permanent, state.last]
        looks = Looks.of(first.cells, to_cells(first.masks))
        for memory in others:
            kept = memory is not state.last
            looks = looks.after(memory.cells, to_cells(memory.masks), permanent=kept)
        state.mind.looks = looks

    def _unlearn(self, state: State, label: int) -> None:
        self._relearn(state)

    def _unpack_mind(self, packed: dict[str, Any]) -> HandcraftedMind:
        looks = Looks.unpack(packed["looks"], self.device)
        return HandcraftedMind(packed["contrast"], looks, packed["recovery"])

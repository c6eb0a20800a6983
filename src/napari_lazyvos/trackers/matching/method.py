"""What a method says of itself: how its network looks at frames and masks, and decodes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.trackers.matching.state import Carried

__all__ = ["Method", "View", "places"]


@dataclass(frozen=True, slots=True)
class View:
    """One frame as the network sees it."""

    frame: np.ndarray
    image: Tensor  # (1, 3, h, w)
    seen: Any  # what the network sees in it, before any mask


class Method(ABC):
    """A network that matches frames, and how it remembers them; see `MatchingTracker`."""

    name: str
    memories: tuple[str, ...] = ("all", "fifo", "readmem")
    """What `memory` may be, for this method."""

    dot = False
    """See `Bank`."""

    @abstractmethod
    def _see(self, image: Tensor) -> Any:
        """Return what the network sees in a (1, 3, h, w) image."""

    @abstractmethod
    def _query(self, seen: Any) -> Query:
        """Return what is looked up in memory."""

    @abstractmethod
    def _decode(self, seen: Any, readout: Tensor, carried: Any) -> tuple[Tensor, Carried]:
        """Return the masks, (K, h, w) in [0, 1], and what is carried on.

        Parameters
        ----------
        seen : what `_see` returned
        readout : (K, C, h / 16, w / 16) float tensor
        carried : from the frame before
        """

    @abstractmethod
    def _encode(
        self, view: View, masks: Tensor, labels: tuple[int, ...], carried: Any, t: int
    ) -> tuple[dict[int, Cells], Carried]:
        """Return what is to be remembered of a frame, by owner, and what is carried on.

        Parameters
        ----------
        view : View
        masks : (K, h, w) float tensor in [0, 1]
        labels : of the masks
        carried : past this frame
        t : number of the frame
        """

    def _fresh(self, t: int, grid: tuple[int, int]) -> Carried:
        """Return what is carried to the first frame, where there are no objects yet."""
        return Carried()

    def _go_on(self, before: Any, after: Any, t: int, *, offered: bool) -> Carried:
        """Return what is carried past a frame that was predicted.

        Parameters
        ----------
        before, after : what was carried to the frame, and what `_decode` returned
        t : number of the frame
        offered : whether the frame is offered to the memory
        """
        carried: Carried = after
        return carried

    def _unpack(self, carried: Mapping[str, Any]) -> Carried:
        """Return what was carried when a snapshot was taken."""
        return Carried()


def places(features: Tensor) -> Tensor:
    """(C, h, w) to (h * w, C), in float32."""
    return features.flatten(1).T.float().contiguous()

"""XMem (Cheng & Schwing 2022): a sensory, a working and a long-term memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.frame import SHARED
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.memory.xmem import Limits
from napari_lazyvos.nets.encoders import for_several
from napari_lazyvos.nets.weights import Weights, build, read
from napari_lazyvos.nets.xmem import Key, Sizes, XMemNet
from napari_lazyvos.trackers.matching.method import View, places
from napari_lazyvos.trackers.matching.state import Carried
from napari_lazyvos.trackers.matching.tracker import MatchingTracker

__all__ = ["XMemTracker"]


@dataclass(frozen=True, slots=True)
class Sensory(Carried):
    """The sensory memory (sec. 3.4)."""

    hidden: Tensor  # (K, 64, h / 16, w / 16)
    last_deep: int  # the frame with the last deep update

    def with_more(self, count: int) -> Sensory:
        """Return it with new objects, of which nothing is felt yet."""
        fresh = self.hidden.new_zeros(count, *self.hidden.shape[1:])
        return replace(self, hidden=torch.cat([self.hidden, fresh]))

    def without(self, row: int) -> Sensory:
        """Return it without an object."""
        kept = [n for n in range(len(self.hidden)) if n != row]
        return replace(self, hidden=self.hidden[kept])

    def on_grid(self, grid: tuple[int, int]) -> Sensory:
        """Return it for frames of another grid of places."""
        hidden = F.interpolate(self.hidden, grid, mode="bilinear", align_corners=False)
        return replace(self, hidden=hidden)

    def put_off(self, step: int) -> Sensory:
        """Return it with the next deep update so many frames later."""
        return replace(self, last_deep=self.last_deep + step)

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        return {"hidden": self.hidden.cpu().clone(), "last_deep": self.last_deep}


class XMemTracker(MatchingTracker):
    """Follow objects with XMem.

    With another memory than its own, N frames take the place of the working and the long-term
    memory; the sensory memory tells of the frame that was passed last in any case.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, such as ``xmem-s2``, or a file. None means the
        installed ones.
    mem_every : int
        Every so many frames one is remembered.
    deep_update_every : int
        The sensory memory takes in what is remembered, after so many frames at the earliest; -1:
        each time, and the decoder leaves it alone in such frames.
    top_k : int
        A place reads so many places of the memory.
    enable_long_term, max_mid_term_frames, min_mid_term_frames, num_prototypes, \
    max_long_term_elements : see `Limits`
    memory : {"xmem", "all", "fifo", "readmem"}
        See `Keeping`.
    **shared
        All other options of `MatchingTracker`.

    Raises
    ------
    LazyVosError
        If the weights are not XMem's, or an option is out of its range.
    """

    name = "xmem"
    memories = ("xmem", "all", "fifo", "readmem")

    def __init__(
        self,
        *,
        weights: Weights = None,
        mem_every: int = 5,
        deep_update_every: int = -1,
        top_k: int = 30,
        enable_long_term: bool = True,
        max_mid_term_frames: int = 10,
        min_mid_term_frames: int = 5,
        num_prototypes: int = 128,
        max_long_term_elements: int = 10_000,
        memory: str = "xmem",
        **shared: Any,
    ) -> None:
        limits = Limits(
            top_k,
            enable_long_term,
            max_mid_term_frames,
            min_mid_term_frames,
            num_prototypes,
            max_long_term_elements,
        )
        super().__init__(_load(weights), limits, mem_every, False, memory=memory, **shared)
        self._deep_every = deep_update_every

    def _fresh(self, t: int, grid: tuple[int, int]) -> Sensory:
        hidden = torch.zeros(0, self.net.sizes.hidden, *grid, device=self.device)
        return Sensory(hidden, t - max(0, self._deep_every))

    def _see(self, image: Tensor) -> Key:
        key: Key = self.net.encode_key(image)
        return key

    def _query(self, seen: Key) -> Query:
        return Query(places(seen.key[0]), places(seen.selection[0]))

    def _decode(self, seen: Key, readout: Tensor, carried: Sensory) -> tuple[Tensor, Sensory]:
        masks, hidden = self.net.decode(seen, readout, carried.hidden)
        return masks, replace(carried, hidden=hidden.float())

    def _encode(
        self, view: View, masks: Tensor, labels: tuple[int, ...], carried: Sensory, t: int
    ) -> tuple[dict[int, Cells], Sensory]:
        seen: Key = view.seen
        value = self.net.encode_value(view.image, seen, masks)
        if self._is_deep(carried, t):
            carried = Sensory(self.net.refresh(carried.hidden, value).float(), t)
        cells = Cells.of_frame(
            places(seen.key[0]),
            self._values(value, labels),
            shrinkage=seen.shrinkage.float().flatten(),
            selection=places(seen.selection[0]),
        )
        return {SHARED: cells}, carried

    def _go_on(self, before: Sensory, after: Sensory, t: int, *, offered: bool) -> Sensory:
        # A deep update takes the place of the decoder's, unless they have cadences of their own.
        deep = offered and self._is_deep(before, t)
        return before if deep and self._deep_every < 0 else after

    def _is_deep(self, carried: Sensory, t: int) -> bool:
        return abs(t - carried.last_deep) >= self._deep_every

    def _unpack(self, carried: Mapping[str, Any]) -> Sensory:
        return Sensory(carried["hidden"].to(self.device, copy=True), carried["last_deep"])


def _load(weights: Weights) -> XMemNet:
    """Return the network that published weights are of."""
    state = for_several(read(weights, "xmem"))
    try:
        sizes = Sizes.of(state)
    except KeyError as missing:
        raise LazyVosError(f"These weights are not XMem's: {missing} is not among them.") from None
    return build(lambda: XMemNet(sizes), state, "xmem")

"""STCN (Cheng, Tai & Tang 2021): keys are the image's alone, compared by their distance."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.frame import SHARED
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.memory.xmem import Limits
from napari_lazyvos.nets.encoders import for_several
from napari_lazyvos.nets.stcn import Key, StcnNet
from napari_lazyvos.nets.weights import Weights, build, read
from napari_lazyvos.trackers.matching.method import View, places
from napari_lazyvos.trackers.matching.state import Carried
from napari_lazyvos.trackers.matching.tracker import MatchingTracker

__all__ = ["StcnTracker"]


class StcnTracker(MatchingTracker):
    """Follow objects with STCN.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, or a file. None means the installed ones.
    mem_every : int
        Every so many frames one is remembered.
    top_k : int
        A place reads so many places of the memory.
    include_last : bool
        The published name of `adjacent`, which comes first if it is given; with READMem the frame
        that was passed last is read without it.
    memory : {"all", "fifo", "readmem", "xmem"}
        See `Keeping`. As published, ``"all"``: a frame costs the more, the longer the video is.
    **shared
        All other options of `MatchingTracker`.

    Raises
    ------
    LazyVosError
        If the weights are not STCN's, or an option is out of its range.
    """

    name = "stcn"
    memories = ("all", "fifo", "readmem", "xmem")

    def __init__(
        self,
        *,
        weights: Weights = None,
        mem_every: int = 5,
        top_k: int = 20,
        include_last: bool = False,
        memory: str = "all",
        **shared: Any,
    ) -> None:
        net = build(StcnNet, for_several(read(weights, "stcn")), "stcn")
        reads_last = include_last or memory == "readmem"
        super().__init__(net, Limits(top_k), mem_every, reads_last, memory=memory, **shared)

    def _see(self, image: Tensor) -> Key:
        key: Key = self.net.encode_key(image)
        return key

    def _query(self, seen: Key) -> Query:
        return Query(places(seen.key[0]), None)

    def _decode(self, seen: Key, readout: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        return self.net.decode(seen, readout), carried

    def _encode(
        self, view: View, masks: Tensor, labels: tuple[int, ...], carried: Carried, t: int
    ) -> tuple[dict[int, Cells], Carried]:
        value = self.net.encode_value(view.image, view.seen, masks)
        cells = Cells.of_frame(places(view.seen.key[0]), self._values(value, labels))
        return {SHARED: cells}, carried

"""MiVOS' propagation (Cheng, Tai & Tang 2021, sec. 4.2): each object has keys of its own."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.memory.xmem import Limits
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.mivos import Query as Seen
from napari_lazyvos.nets.weights import Weights, build
from napari_lazyvos.trackers.matching.method import View, places
from napari_lazyvos.trackers.matching.state import Carried
from napari_lazyvos.trackers.matching.tracker import MatchingTracker

__all__ = ["MivosTracker"]


class MivosTracker(MatchingTracker):
    """Follow objects with the propagation network of MiVOS.

    The frame that was passed last is read, unless `adjacent` is False. Permanent frames are what
    the paper calls the certain memory.

    Parameters
    ----------
    weights : None, str, Path or state dict
        Published ones: a name of the catalogue, or a file. None means the installed ones.
    mem_freq : int
        Every so many frames one is remembered.
    top_k : int
        A place reads so many places of the memory.
    memory : {"all", "fifo", "readmem"}
        See `Keeping`. As published, ``"all"``: a frame costs the more, the longer the video is.
        XMem's makes prototypes with keys that serve all objects; here each has its own.
    **shared
        All other options of `MatchingTracker`.

    Raises
    ------
    LazyVosError
        If the weights are not MiVOS', or an option is out of its range.
    """

    name = "mivos"
    dot = True

    def __init__(
        self,
        *,
        weights: Weights = None,
        mem_freq: int = 5,
        top_k: int = 50,
        memory: str = "all",
        **shared: Any,
    ) -> None:
        net = build(MivosNet, weights, "mivos")
        super().__init__(net, Limits(top_k), mem_freq, True, memory=memory, **shared)

    def _see(self, image: Tensor) -> Seen:
        seen: Seen = self.net.encode_query(image)
        return seen

    def _query(self, seen: Seen) -> Query:
        return Query(places(seen.key[0]), None)

    def _decode(self, seen: Seen, readout: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        return self.net.decode(seen, readout), carried

    def _encode(
        self, view: View, masks: Tensor, labels: tuple[int, ...], carried: Carried, t: int
    ) -> tuple[dict[int, Cells], Carried]:
        keys, values = self.net.encode_memory(view.image, masks)
        known = self._values(values, labels)
        cells = {
            label: Cells.of_frame(places(key), {label: known[label]})
            for label, key in zip(labels, keys, strict=True)
        }
        return cells, carried

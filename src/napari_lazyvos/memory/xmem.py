"""XMem's working and long-term memory (Cheng & Schwing 2022, sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from napari_lazyvos.memory.bank import Bank
from napari_lazyvos.memory.cells import Cells, Known, join, unused
from napari_lazyvos.memory.frame import SHARED, Frame
from napari_lazyvos.memory.reading import Query, similarity

__all__ = ["Limits", "XMemMemory", "condense", "most_used"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is remembered; names and defaults are the authors'.

    When there are `max_mid_term_frames` of them, the first permanent frame counted in, the working
    memory keeps the permanent frames and the latest `min_mid_term_frames` - 1. What leaves becomes
    `num_prototypes` elements of the long-term memory, which never has more than
    `max_long_term_elements`.
    """

    top_k: int | None = 30
    enable_long_term: bool = True
    max_mid_term_frames: int = 10
    min_mid_term_frames: int = 5
    num_prototypes: int = 128
    max_long_term_elements: int = 10_000


class XMemMemory(Bank):
    """Frames that are remembered as they are, and prototypes of what was remembered before.

    Parameters
    ----------
    limits : Limits
    device, adjacent : see `Bank`
    """

    def __init__(self, limits: Limits, device: torch.device, *, adjacent: bool = False) -> None:
        super().__init__(device, top_k=limits.top_k, adjacent=adjacent)
        self.limits = limits
        self._prototypes: Cells | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """How many places there are in the working and in the long-term memory."""
        return sum(len(_cells(f)) for f in self._frames), len(self._prototypes or ())

    def add(
        self,
        t: int,
        cells: Mapping[int, Cells],
        *,
        permanent: bool = False,
        quality: Mapping[int, float] | None = None,
    ) -> bool:
        """Remember a frame; see `Bank.add`. Of the working memory's only the first must stay."""
        stays = super().add(t, cells, permanent=permanent, quality=quality)
        self._consolidate()
        return stays

    def forget(self, label: int) -> None:
        """Remove an object; a memory of no object is empty."""
        super().forget(label)
        if self._prototypes is not None:
            self._prototypes = self._prototypes.without(label)
        if not any(part.known for part in self._parts(SHARED)):
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._prototypes = None

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        prototypes = self._prototypes.pack() if self._prototypes is not None else None
        return super().pack() | {"prototypes": prototypes}

    def unpack(self, packed: Mapping[str, Any], *, anew: bool = False) -> None:
        """Put back what was packed; see `Bank.unpack`."""
        super().unpack(packed, anew=anew)
        prototypes = packed.get("prototypes")  # no other memory has any
        self._prototypes = Cells.unpack(prototypes, self.device) if prototypes else None
        if anew:
            self._consolidate()

    def _is_first(self, new: Frame) -> bool:
        return not self._frames

    def _parts(self, owner: int) -> list[Cells]:
        """Return all that is remembered, the long-term memory first."""
        longer = [] if self._prototypes is None else [self._prototypes]
        return [*longer, *super()._parts(owner)]

    def _put(self, owner: int, parts: Sequence[Cells]) -> None:
        working = list(parts)
        if self._prototypes is not None:
            self._prototypes = working.pop(0)
        super()._put(owner, working)

    def _consolidate(self) -> None:
        """Move what is neither permanent nor recent to the long-term memory, when it is time."""
        limits = self.limits
        passing = [frame for frame in self._frames if not frame.permanent]
        leaving = passing[: len(passing) - (limits.min_mid_term_frames - 1)]
        is_time = limits.enable_long_term and 1 + len(passing) >= limits.max_mid_term_frames
        if not is_time or not leaving:
            return
        gone = {frame.t for frame in leaving}
        for label in {label for frame in leaving for label in frame.labels}:
            self._keep_first(label, gone)
        candidates = [_cells(frame) for frame in self._frames if frame.t in gone]
        self._frames = [frame for frame in self._frames if frame.t not in gone]
        made = condense(join(candidates), limits.num_prototypes)
        if self._prototypes is not None:
            room = limits.max_long_term_elements - limits.num_prototypes
            made = join([most_used(self._prototypes, room), made])
        self._prototypes = made

    def _keep_first(self, label: int, gone: set[int]) -> None:
        """Let what was first remembered of an object stay, if its frame is about to leave.

        That is so for an object that joined in a frame that is not permanent. As in the published
        code, its first values go to the keys of the first frame, and nothing else of it becomes
        long-term memory until there is enough.
        """
        knowing = [frame for frame in self._frames if label in frame.labels]
        first = knowing[0]
        if first.t not in gone:
            return
        few = len(knowing) <= self.limits.min_mid_term_frames + 1
        for n, frame in enumerate(self._frames):
            cells = _cells(frame)
            if n == 0:
                cells = replace(cells, known={**cells.known, label: _cells(first).known[label]})
            elif frame.t == first.t or (few and frame.t in gone):
                cells = cells.without(label)
            self._frames[n] = replace(frame, cells={SHARED: cells})


def _cells(frame: Frame) -> Cells:
    """Return the cells of a frame, whose keys are the image's."""
    return frame.cells[SHARED]


def condense(cells: Cells, count: int) -> Cells:
    """Return prototypes: the most used cells, with values gathered from all (sec. 3.3.3).

    Parameters
    ----------
    cells : Cells, of frames
    count : int, how many prototypes
    """
    chosen = cells.used.topk(min(count, len(cells))).indices
    selection = None if cells.selection is None else cells.selection[chosen]
    query = Query(cells.keys[chosen], selection)
    table = similarity(cells.keys, cells.shrinkage, query)
    known = {}
    for label, each in cells.known.items():
        # Only a prototype that lies where the object is known says anything of it.
        there = torch.isin(chosen, each.rows)
        shares = table[there][:, each.rows].softmax(1).to(each.values.dtype)
        known[label] = Known(torch.where(there)[0], shares @ each.values)
    return Cells(
        query.key,
        None if cells.shrinkage is None else table.softmax(1) @ cells.shrinkage,
        None,
        *unused(len(chosen), cells.keys.device),
        {label: each for label, each in known.items() if len(each.rows)},
    )


def most_used(cells: Cells, count: int) -> Cells:
    """Return at most `count` cells: those used more than all others (sec. 3.3.2)."""
    excess = len(cells) - count
    if excess <= 0:
        return cells
    least = cells.used.kthvalue(excess).values
    return cells.at(torch.where(cells.used > least)[0])

"""XMem's working and long-term memory (Cheng & Schwing 2022, sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from napari_lazyvos.memory.cells import Cells, Known, join, unused
from napari_lazyvos.memory.reading import Query, similarity, weigh

__all__ = ["Limits", "Readout", "XMemMemory", "condense", "most_used"]


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


@dataclass(frozen=True, slots=True)
class Readout:
    """What one query found."""

    values: Mapping[int, Tensor]  # (Q, C) by label
    usage: Tensor  # (N,): how much it took from each place of the memory


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame of the working memory."""

    t: int
    permanent: bool  # never leaves
    cells: Cells


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Objects that are known in the same places, side by side, so that one read serves all."""

    labels: tuple[int, ...]
    rows: Tensor | None  # (n,) int64; None: they are known everywhere
    values: Tensor  # (n, len(labels) * C)


@dataclass(frozen=True, slots=True)
class _Table:
    """All that is remembered, as it is read."""

    keys: Tensor  # (N, D)
    shrinkage: Tensor  # (N,)
    shelves: tuple[_Shelf, ...]  # what is known in most places first


class XMemMemory:
    """Frames that are remembered as they are, and prototypes of what was remembered before.

    Parameters
    ----------
    limits : Limits
    device : torch.device
        Where it lies and is read; queries are brought there, and what they find is brought back.
    """

    def __init__(self, limits: Limits, device: torch.device) -> None:
        self.limits = limits
        self.device = device
        self._frames: list[_Frame] = []  # in the order of their coming
        self._prototypes: Cells | None = None
        self._table: _Table | None = None  # of what there is now, once it was read

    @property
    def times(self) -> tuple[int, ...]:
        """Numbers of the frames in the working memory, in the order of their coming."""
        return tuple(frame.t for frame in self._frames)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many places there are in the working and in the long-term memory."""
        return sum(len(f.cells) for f in self._frames), len(self._prototypes or ())

    def add(self, t: int, cells: Cells, *, permanent: bool) -> None:
        """Remember a frame; the first one is permanent in any case.

        If there is one under this number, it stays permanent if it was, and what is known in it of
        other objects stays, too.
        """
        new = _Frame(t, permanent or not self._frames, cells.to(self.device))
        for n, old in enumerate(self._frames):
            if old.t == t:
                known = {**old.cells.known, **new.cells.known}
                lasting = old.permanent or permanent
                self._frames[n] = _Frame(t, lasting, replace(new.cells, known=known))
                break
        else:
            self._frames.append(new)
        self._table = None
        if self.limits.enable_long_term:
            self._consolidate()

    def read(self, query: Query) -> Readout:
        """Look up the places of a frame; something is remembered. Nothing changes but by `note`."""
        table = self._table = self._table or self._arrange()
        asked = query.to(self.device)
        subsets = [shelf.rows for shelf in table.shelves]
        found = weigh(table.keys, table.shrinkage, asked, subsets, self.limits.top_k)
        values: dict[int, Tensor] = {}
        for shelf, weights in zip(table.shelves, found, strict=True):
            taken = weights.take(shelf.values).to(query.key)
            values |= dict(zip(shelf.labels, taken.chunk(len(shelf.labels), 1), strict=True))
        first = table.shelves[0]
        usage = found[0].usage(len(first.values))
        if first.rows is not None:
            usage = usage.new_zeros(len(table.keys)).index_add_(0, first.rows, usage)
        return Readout(values, usage)

    def note(self, usage: Tensor) -> None:
        """Count a read as one of the memory's, while nothing was added since."""
        parts = self._parts()
        shares = torch.split(usage, [len(part) for part in parts])
        read = [
            replace(part, usage=part.usage + share, life=part.life + 1)
            for part, share in zip(parts, shares, strict=True)
        ]
        self._replace(read)

    def forget(self, label: int) -> None:
        """Remove an object; a memory of no object is empty."""
        self._replace([part.without(label) for part in self._parts()])
        self._table = None
        if not any(part.known for part in self._parts()):
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._frames, self._prototypes, self._table = [], None, None

    def change_grid(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Remember frames as if they had been looked at on another grid of places."""
        self._frames = [replace(f, cells=f.cells.on_grid(before, after)) for f in self._frames]
        self._table = None

    def pack(self) -> dict[str, Any]:
        """Return a copy that can be saved."""
        frames = [
            {"t": each.t, "permanent": each.permanent, "cells": each.cells.pack()}
            for each in self._frames
        ]
        prototypes = self._prototypes.pack() if self._prototypes is not None else None
        return {"frames": frames, "prototypes": prototypes}

    def unpack(self, packed: Mapping[str, Any]) -> None:
        """Put back what was packed."""
        self._frames = [
            _Frame(each["t"], each["permanent"], Cells.unpack(each["cells"], self.device))
            for each in packed["frames"]
        ]
        prototypes = packed["prototypes"]
        self._prototypes = Cells.unpack(prototypes, self.device) if prototypes else None
        self._table = None

    def _parts(self) -> list[Cells]:
        """Return all that is remembered, the long-term memory first."""
        longer = [] if self._prototypes is None else [self._prototypes]
        return [*longer, *(frame.cells for frame in self._frames)]

    def _replace(self, parts: Sequence[Cells]) -> None:
        """Put other cells in the place of `_parts`, one by one."""
        working = list(parts)
        if self._prototypes is not None:
            self._prototypes = working.pop(0)
        self._frames = [replace(f, cells=c) for f, c in zip(self._frames, working, strict=True)]

    def _arrange(self) -> _Table:
        """Bring together what one read needs; nothing is kept twice."""
        parts = self._parts()
        everything = join(parts)
        shelves = _shelve(everything)
        self._replace(_as_views(parts, shelves))
        return _Table(everything.keys, everything.shrinkage, shelves)

    def _consolidate(self) -> None:
        """Move what is neither permanent nor recent to the long-term memory, when it is time."""
        limits = self.limits
        passing = [frame for frame in self._frames if not frame.permanent]
        leaving = passing[: len(passing) - (limits.min_mid_term_frames - 1)]
        if 1 + len(passing) < limits.max_mid_term_frames or not leaving:
            return
        gone = {frame.t for frame in leaving}
        for label in {label for frame in leaving for label in frame.cells.known}:
            self._keep_first(label, gone)
        candidates = [frame.cells for frame in self._frames if frame.t in gone]
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
        knowing = [frame for frame in self._frames if label in frame.cells.known]
        first = knowing[0]
        if first.t not in gone:
            return
        few = len(knowing) <= self.limits.min_mid_term_frames + 1
        for n, frame in enumerate(self._frames):
            cells = frame.cells
            if n == 0:
                cells = replace(cells, known={**cells.known, label: first.cells.known[label]})
            elif frame.t == first.t or (few and frame.t in gone):
                cells = cells.without(label)
            self._frames[n] = replace(frame, cells=cells)


def condense(cells: Cells, count: int) -> Cells:
    """Return prototypes: the most used cells, with values gathered from all (sec. 3.3.3).

    Parameters
    ----------
    cells : Cells, with a selection
    count : int, how many prototypes
    """
    assert cells.selection is not None  # frames have one
    chosen = cells.used.topk(min(count, len(cells))).indices
    query = Query(cells.keys[chosen], cells.selection[chosen])
    table = similarity(cells.keys, cells.shrinkage, query)
    known = {}
    for label, each in cells.known.items():
        # Only a prototype that lies where the object is known says anything of it.
        there = torch.isin(chosen, each.rows)
        shares = table[there][:, each.rows].softmax(1).to(each.values.dtype)
        known[label] = Known(torch.where(there)[0], shares @ each.values)
    return Cells(
        query.key,
        table.softmax(1) @ cells.shrinkage,
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


def _shelve(cells: Cells) -> tuple[_Shelf, ...]:
    """Put objects that are known in the same places on one shelf."""
    together: list[list[int]] = []
    for label, each in cells.known.items():
        for labels in together:
            if torch.equal(cells.known[labels[0]].rows, each.rows):
                labels.append(label)
                break
        else:
            together.append([label])
    shelves = []
    for labels in together:
        rows = cells.known[labels[0]].rows
        values = torch.cat([cells.known[label].values for label in labels], 1)
        shelves.append(_Shelf(tuple(labels), None if len(rows) == len(cells) else rows, values))
    return tuple(sorted(shelves, key=lambda shelf: -len(shelf.values)))


def _as_views(parts: Sequence[Cells], shelves: Sequence[_Shelf]) -> list[Cells]:
    """Return the parts with the values that lie on the shelves, in the order of `join`."""
    known: list[dict[int, Known]] = [{} for _ in parts]
    for shelf in shelves:
        begin = 0
        for part, mine in zip(parts, known, strict=True):
            there = part.known.get(shelf.labels[0])
            if there is None:
                continue
            end = begin + len(there.rows)
            columns = shelf.values[begin:end].chunk(len(shelf.labels), 1)
            for label, values in zip(shelf.labels, columns, strict=True):
                mine[label] = Known(part.known[label].rows, values)
            begin = end
    return [replace(part, known=mine) for part, mine in zip(parts, known, strict=True)]

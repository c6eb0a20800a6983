"""All that is remembered, arranged so that one read serves all objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_lazyvos.memory.cells import Cells, Known, join
from napari_lazyvos.memory.reading import Query, weigh

__all__ = ["Readout", "Table"]


@dataclass(frozen=True, slots=True)
class Readout:
    """What one query found."""

    values: Mapping[int, Tensor]  # (Q, C) by label
    usage: Tensor  # (N,): how much it took from each place of the memory


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Objects that are known in the same places, side by side, so that one read serves all."""

    labels: tuple[int, ...]
    rows: Tensor | None  # (n,) int64; None: they are known everywhere
    values: Tensor  # (n, len(labels) * C)


@dataclass(frozen=True, slots=True)
class Table:
    """Cells, side by side."""

    keys: Tensor  # (N, D)
    shrinkage: Tensor | None  # (N,)
    shelves: tuple[_Shelf, ...]  # what is known in most places first

    @classmethod
    def of(cls, parts: Sequence[Cells]) -> tuple[Table, list[Cells]]:
        """Bring together what one read needs; nothing is kept twice.

        Returns
        -------
        Table
        list of Cells, the parts, which share their values with the table
        """
        everything = join(parts)
        shelves = _shelve(everything)
        return cls(everything.keys, everything.shrinkage, shelves), _as_views(parts, shelves)

    def read(self, query: Query, top_k: int | None, *, dot: bool) -> Readout:
        """Look up the places of a frame; see `weigh`.

        The usage is that by the objects that are known in most places.
        """
        asked = query.to(self.keys.device)
        subsets = [shelf.rows for shelf in self.shelves]
        found = weigh(self.keys, self.shrinkage, asked, subsets, top_k, dot=dot)
        values: dict[int, Tensor] = {}
        for shelf, weights in zip(self.shelves, found, strict=True):
            taken = weights.take(shelf.values).to(query.key)
            values |= dict(zip(shelf.labels, taken.chunk(len(shelf.labels), 1), strict=True))
        first = self.shelves[0]
        usage = found[0].usage(len(first.values))
        if first.rows is not None:
            usage = usage.new_zeros(len(self.keys)).index_add_(0, first.rows, usage)
        return Readout(values, usage)


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

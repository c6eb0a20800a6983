"""Read a memory by similarity (XMem, Cheng & Schwing 2022, sec. 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Query", "Weights", "similarity", "weigh"]

QUERIES = 256
"""Places of a query that are compared with the memory at once: the table of a whole frame against a
long memory would take hundreds of megabytes, and be slower than what fits into a cache."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked up: the places of one frame."""

    key: Tensor  # (Q, D) float
    selection: Tensor | None  # (Q, D) in [0, 1], which channels count; None: all

    def to(self, device: torch.device) -> Query:
        """Return the query on a device."""
        selection = None if self.selection is None else self.selection.to(device)
        return Query(self.key.to(device), selection)

    def pieces(self, most: int) -> Iterator[Query]:
        """Cut the query into pieces of at most so many places."""
        for start in range(0, len(self.key), most):
            part = slice(start, start + most)
            yield Query(self.key[part], None if self.selection is None else self.selection[part])


@dataclass(frozen=True, slots=True)
class Weights:
    """What each place of a query takes from where in a memory of N places."""

    rows: Tensor  # (Q, k) int64, places of the memory
    shares: Tensor  # (Q, k) float, sum to 1

    def take(self, values: Tensor) -> Tensor:
        """Return (Q, C): the weighted means of (N, C) values."""
        shares = self.shares.to(values.dtype)
        return F.embedding_bag(self.rows, values, mode="sum", per_sample_weights=shares)

    def usage(self, count: int) -> Tensor:
        """Return (N,): how much all places of the query take from each of the memory's."""
        used = self.shares.new_zeros(count)
        return used.index_add_(0, self.rows.flatten(), self.shares.flatten())


def similarity(
    keys: Tensor, shrinkage: Tensor | None, query: Query, *, dot: bool = False
) -> Tensor:
    """Return (Q, N) similarities: negative weighted squared distances (eq. 5).

    Parameters
    ----------
    keys : (N, D) float tensor
    shrinkage : (N,) float tensor that the distances are multiplied with; None: ones
    query : Query
    dot : bool
        Dot products in place of distances, as in STM (Oh et al. 2019, eq. 2) and MiVOS; for
        queries without a selection.
    """
    if dot:
        found = query.key @ keys.T
    elif query.selection is None:
        far = query.key.square().sum(1, keepdim=True)
        found = torch.addmm(-far, query.key, keys.T, alpha=2) - keys.square().sum(1)
    else:
        weighed = query.key * query.selection
        far = (weighed * query.key).sum(1, keepdim=True)
        asked = torch.cat([2 * weighed, -query.selection], 1)
        found = torch.addmm(-far, asked, torch.cat([keys, keys.square()], 1).T)
    scale = keys.shape[1] ** -0.5
    return found.mul_(scale if shrinkage is None else shrinkage * scale)


def weigh(
    keys: Tensor,
    shrinkage: Tensor | None,
    query: Query,
    subsets: list[Tensor | None],
    top_k: int | None,
    *,
    dot: bool = False,
) -> list[Weights]:
    """Compare a query with a memory, once for all, and weigh each subset of the memory.

    Parameters
    ----------
    keys, shrinkage, query : see `similarity`
    subsets : (n,) int64 tensors of places; None: all of them
        The weights of each sum to 1, and speak of its own places, from 0 on.
    top_k : int
        So many places, the most similar ones, have a weight at all; None: all of them.
    dot : see `similarity`

    Returns
    -------
    list of Weights, one for each subset
    """
    found: list[list[Weights]] = [[] for _ in subsets]
    for piece in query.pieces(QUERIES):
        table = similarity(keys, shrinkage, piece, dot=dot)
        for mine, rows in zip(found, subsets, strict=True):
            mine.append(_best(table if rows is None else table[:, rows], top_k))
    return [
        Weights(torch.cat([w.rows for w in mine]), torch.cat([w.shares for w in mine]))
        for mine in found
    ]


def _best(table: Tensor, top_k: int | None) -> Weights:
    count = table.shape[1]
    best, rows = table.topk(min(top_k or count, count), 1)
    return Weights(rows, best.softmax(1))

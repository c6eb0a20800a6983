"""Read what a memory says of places that look alike (space-time memory: STM, Oh et al. 2019).

The weight of a memory cell is a softmax of its similarity, the negative squared distance of keys
(STCN, Cheng et al. 2021, eq. 7).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["read_anywhere", "read_nearby"]

_TILE = 8
_TILES, _QUERIES = 16, 512  # compared at once: what fits into a core's cache is read twice as fast
_NOWHERE = -1e4  # similarity of what lies outside of the frame


def read_anywhere(
    query: Tensor, keys: Tensor, values: Tensor, sharpness: Tensor
) -> tuple[Tensor, Tensor]:
    """Read cells wherever they lie.

    Parameters
    ----------
    query : (B, D, h, w) float tensor
    keys, values : (B, D, N) and (B, V, N) float tensors, the memory's cells
    sharpness : scalar tensor, of similarities

    Returns
    -------
    (B, V, h, w) float tensor, the values
    (B, 1, h, w) float tensor, the evidence: the best similarity
    """
    told = _comparable(keys, sharpness)
    found = []
    for asked in torch.split(query.flatten(2), _QUERIES, 2):
        readout, best = _read(_with_ones(asked).transpose(1, 2) @ told, values)
        found.append(torch.cat([readout, best - sharpness * _squares(asked)], 1))
    both = torch.cat(found, 2).unflatten(2, query.shape[2:])  # type: ignore[no-untyped-call]
    return both[:, :-1], both[:, -1:]


def read_nearby(
    query: Tensor, keys: Tensor, values: Tensor, sharpness: Tensor, reach: Tensor, radius: int
) -> tuple[Tensor, Tensor]:
    """Read cells that lie near the same place; a distance d costs ``d^2 / (2 reach^2)``.

    Cells are handled in tiles, as products of matrices: the window of a tile of 8 x 8 cells goes
    `radius` cells beyond it.

    Parameters
    ----------
    query, keys : (B, D, h, w) float tensors
    values : (B, V, h, w) float tensor
    sharpness, reach : scalar tensors; the reach is in cells
    radius : int, in cells

    Returns
    -------
    (B, V, h, w) float tensor, the values
    (B, 1, h, w) float tensor, the evidence: the best similarity, less the cost of its distance
    """
    batch, depth, height, width = query.shape
    below, beyond = -height % _TILE, -width % _TILE
    margin = (radius, radius + beyond, radius, radius + below)
    inside = F.pad(torch.zeros_like(keys[:, :1]), margin, value=_NOWHERE)
    told = _comparable(keys.flatten(2), sharpness).view(batch, -1, height, width)
    memory = torch.cat([F.pad(torch.cat([told, values], 1), margin), inside], 1)
    windows = _cut(memory, _TILE + 2 * radius)
    tiles = _cut(F.pad(query, (0, beyond, 0, below)), _TILE)

    here, there = _places(radius, query.device)
    nearness = (here.T @ there) / reach.square() - _squares(there) / (2 * reach.square())
    own = _squares(here) / (2 * reach.square())
    found = []
    for window, tile in zip(torch.split(windows, _TILES), torch.split(tiles, _TILES), strict=True):
        taken, asked = window.flatten(2), tile.flatten(2)
        asks, tells = _with_ones(asked).transpose(1, 2), taken[:, : depth + 1]
        logits = torch.baddbmm(nearness + taken[:, -1:], asks, tells)
        readout, best = _read(logits, taken[:, depth + 1 : -1])
        found.append(torch.cat([readout, best - sharpness * _squares(asked) - own], 1))
    rows, columns = (height + below) // _TILE, (width + beyond) // _TILE
    both = torch.cat(found).reshape(batch, rows, columns, -1, _TILE, _TILE)
    both = both.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)[:, :, :height, :width]
    return both[:, :-1], both[:, -1:]


def _read(logits: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Read (B, V, N) values by (B, M, N) logits: (B, V, M), and the best logits, (B, 1, M)."""
    return values @ logits.softmax(2).transpose(1, 2), logits.amax(2)[:, None]


def _cut(image: Tensor, side: int) -> Tensor:
    """Return the windows of all tiles of a (B, C, h, w) image: (tiles, C, side, side)."""
    return (
        image.unfold(2, side, _TILE).unfold(3, side, _TILE).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    )


# Both costs are sums of products: -|a - b|^2 = 2 a.b - |b|^2 - |a|^2, of which the last is the same
# for all that are compared with a. So one product of matrices gives what the softmax needs.


def _with_ones(queries: Tensor) -> Tensor:
    return torch.cat([queries, torch.ones_like(queries[:, :1])], 1)


def _squares(vectors: Tensor) -> Tensor:
    """Return the squared lengths of (..., D, N) vectors: (..., 1, N)."""
    return vectors.square().sum(-2, keepdim=True)


def _comparable(keys: Tensor, sharpness: Tensor) -> Tensor:
    """Return (B, D + 1, N): a product with a query and its one is the similarity."""
    return sharpness * torch.cat([2 * keys, -_squares(keys)], 1)


def _places(radius: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return y and x of a tile's cells, (2, 64), and of its window's, in cells from the middle."""
    tile = torch.arange(_TILE, device=device, dtype=torch.float32) - (_TILE - 1) / 2
    side = _TILE + 2 * radius
    window = torch.arange(side, device=device, dtype=torch.float32) - (side - 1) / 2
    here, there = (
        torch.stack(torch.meshgrid(x, x, indexing="ij")).flatten(1) for x in (tile, window)
    )
    return here, there

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
    asked = _with_ones(query.flatten(2)).transpose(1, 2)
    logits = asked @ _comparable(keys, sharpness)
    readout = values @ logits.softmax(2).transpose(1, 2)
    evidence = logits.amax(2)[:, None] - sharpness * query.flatten(2).square().sum(1, keepdim=True)
    batch, _, height, width = query.shape
    return readout.view(batch, -1, height, width), evidence.view(batch, 1, height, width)


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
    side = _TILE + 2 * radius
    margin = (radius, radius + beyond, radius, radius + below)
    inside = F.pad(torch.zeros_like(keys[:, :1]), margin, value=_NOWHERE)
    memory = torch.cat([F.pad(torch.cat([keys, values], 1), margin), inside], 1)
    taken = memory.unfold(2, side, _TILE).unfold(3, side, _TILE)
    rows, columns = taken.shape[2:4]
    taken = taken.permute(0, 2, 3, 1, 4, 5).reshape(batch * rows * columns, -1, side * side)
    tiles = F.pad(query, (0, beyond, 0, below)).unfold(2, _TILE, _TILE).unfold(3, _TILE, _TILE)
    asked = tiles.permute(0, 2, 3, 1, 4, 5).reshape(batch * rows * columns, depth, _TILE**2)

    here, there = _places(radius, query.device)
    ask = torch.cat([_with_ones(asked), here.expand(len(asked), -1, -1)], 1)
    nearness = -there.square().sum(0) / (2 * reach.square())
    told = _comparable(taken[:, :depth], sharpness)
    told = torch.cat([told[:, :-1], told[:, -1:] + nearness + taken[:, -1:]], 1)
    told = torch.cat([told, (there / reach.square()).expand(len(asked), -1, -1)], 1)
    logits = ask.transpose(1, 2) @ told
    readout = taken[:, depth:-1] @ logits.softmax(2).transpose(1, 2)
    own = sharpness * asked.square().sum(1) + here.square().sum(0) / (2 * reach.square())
    found = torch.cat([readout, (logits.amax(2) - own)[:, None]], 1)
    found = found.reshape(batch, rows, columns, -1, _TILE, _TILE).permute(0, 3, 1, 4, 2, 5)
    found = found.flatten(4).flatten(2, 3)[:, :, :height, :width]
    return found[:, :-1], found[:, -1:]


# Both costs are sums of products: -|a - b|^2 = 2 a.b - |b|^2 - |a|^2, of which the last is the same
# for all that are compared with a. So one product of matrices gives what the softmax needs.


def _with_ones(queries: Tensor) -> Tensor:
    return torch.cat([queries, torch.ones_like(queries[:, :1])], 1)


def _comparable(keys: Tensor, sharpness: Tensor) -> Tensor:
    """Return (B, D + 1, N): a product with a query and its one is the similarity."""
    return sharpness * torch.cat([2 * keys, -keys.square().sum(1, keepdim=True)], 1)


def _places(radius: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return y and x of a tile's cells, (2, 64), and of its window's, in cells from the middle."""
    tile = torch.arange(_TILE, device=device, dtype=torch.float32) - (_TILE - 1) / 2
    side = _TILE + 2 * radius
    window = torch.arange(side, device=device, dtype=torch.float32) - (side - 1) / 2
    here, there = (
        torch.stack(torch.meshgrid(x, x, indexing="ij")).flatten(1) for x in (tile, window)
    )
    return here, there

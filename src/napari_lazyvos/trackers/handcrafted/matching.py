"""Read a memory by looks, in a window (space-time memory: STM, Oh et al. 2019, eq. 1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.trackers.windowed.flow import warp

__all__ = ["read", "recovery"]

_TILE = 8
_SHARPNESS = 10.0  # chosen on the developers' clips, for features in units of contrast
_REACHES = 2.5  # half the side of the window, in reaches
_LEAST = -30.0  # logits below the best: beyond, a match counts nothing (and floats get slow)


def read(query: Tensor, keys: Tensor, values: Tensor, *, reach: float) -> Tensor:
    """Return for each cell the values of the memory's cells that look like it and are near it.

    The weight of a memory cell is a softmax over the window of
    ``-10 * |query - key|^2 - distance^2 / (2 * reach^2)``. Cells are handled in tiles, as
    products of matrices; a tile whose window holds only background is not computed.

    Parameters
    ----------
    query, keys : (D, h, w) float tensors
    values : (V, h, w) float tensor, probabilities with the background first
    reach : float
        In cells; the window goes 2.5 times as far, but 4 to 8 cells.

    Returns
    -------
    (V, h, w) float tensor
    """
    depth, height, width = query.shape
    radius = min(8, max(4, round(_REACHES * reach)))
    below, beyond = -height % _TILE, -width % _TILE
    rows, columns = (height + below) // _TILE, (width + beyond) // _TILE
    side = _TILE + 2 * radius
    margin = (radius, radius + beyond, radius, radius + below)
    norm = -keys.square().sum(0, keepdim=True)
    memory = torch.cat((F.pad(torch.cat((keys, values)), margin), F.pad(norm, margin, value=-1e4)))
    windows = memory.unfold(1, side, _TILE).unfold(2, side, _TILE)  # (D + V + 1, rows, columns,..)
    foreground = F.pad(1 - values[0], margin)
    active = F.max_pool2d(foreground[None], side, stride=_TILE)[0] > 1e-3
    taken = windows[:, active].flatten(2)  # (D + V + 1, tiles, side^2)
    tiles = F.pad(query, (0, beyond, 0, below)).unfold(1, _TILE, _TILE).unfold(2, _TILE, _TILE)
    asked = tiles[:, active].flatten(2)  # (D, tiles, TILE^2)
    logits = torch.baddbmm(
        taken[-1][:, None], asked.permute(1, 2, 0), taken[:depth].transpose(0, 1), alpha=2.0
    )
    logits.mul_(_SHARPNESS).sub_(_distances(radius, query.device) / (2 * reach**2))
    logits.sub_(logits.amax(-1, keepdim=True)).clamp_(min=_LEAST).exp_()
    readout = torch.bmm(logits, taken[depth:-1].permute(1, 2, 0)) / logits.sum(-1, keepdim=True)
    result = torch.zeros(len(values), rows, columns, _TILE, _TILE, device=query.device)
    result[0] = 1
    result[:, active] = readout.permute(2, 0, 1).reshape(len(values), -1, _TILE, _TILE)
    return result.transpose(2, 3).flatten(3).flatten(1, 2)[:, :height, :width]


def recovery(cells: Tensor, masks: Tensor) -> float:
    """Return how much of a misplacement matching undoes in a frame whose masks are known.

    The frame is read from itself through windows that are off by 4 cells, once each way. Where
    looks tell places apart, the masks come back; among look-alikes they do not.

    Parameters
    ----------
    cells : (D, h, w) float tensor
    masks : (1 + K, h, w) float tensor, background first

    Returns
    -------
    float, 1 if all comes back, 0 if matching does no better than the misplaced masks
    """
    gains = []
    for step in ((4.0, 0.0), (-4.0, 0.0), (0.0, 4.0), (0.0, -4.0)):
        place = torch.tensor(step, device=cells.device)[:, None, None].expand(2, *cells.shape[1:])
        misplaced = warp(masks, place)
        found = _overlap(read(cells, warp(cells, place), misplaced, reach=4.0), masks)
        copied = _overlap(misplaced, masks)
        gains.append((found - copied) / (1 - copied + 1e-3))
    return sum(gains) / len(gains)


def _overlap(found: Tensor, masks: Tensor) -> float:
    """Return the mean over objects of soft intersection over union."""
    if len(masks) == 1:
        return 0.0
    both = torch.minimum(found[1:], masks[1:]).sum((1, 2))
    either = torch.maximum(found[1:], masks[1:]).sum((1, 2))
    return float((both / either.clamp(min=1e-3)).mean())


def _distances(radius: int, device: torch.device) -> Tensor:
    """Squared distances, (TILE^2, side^2), between a tile's cells and its window's."""
    here = torch.arange(_TILE, device=device) + radius
    there = torch.arange(_TILE + 2 * radius, device=device)
    along = (here[:, None] - there).square()
    both = along[:, None, :, None] + along[None, :, None, :]
    return both.reshape(_TILE**2, -1).float()

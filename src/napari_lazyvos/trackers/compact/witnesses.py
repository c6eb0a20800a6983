"""Ask the witnesses of one frame, and let the network weigh them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.nets.compact import CompactNet, Looks, Witnesses
from napari_lazyvos.trackers.windowed.flow import warp

__all__ = ["Bank", "Sighting", "predict"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A remembered frame, and where in it each pixel of the new frame is thought to have been."""

    near: Tensor  # (B, D, h' / 4, w' / 4), keys
    masks: Tensor  # (B, 1 + K, h', w'), background first
    place: Tensor  # (B, 2, h, w): the way there, x then y, in pixels


@dataclass(frozen=True, slots=True)
class Bank:
    """Remembered cells, of which it does not matter where they were."""

    keys: Tensor  # (B, D, N)
    masks: Tensor  # (B, 1 + K, N)


def predict(
    net: CompactNet,
    looks: Looks,
    trust: Tensor,
    last: Sighting,
    kept: Sequence[Sighting],
    bank: Bank,
    *,
    apart: bool = False,
    belief: float = 1.0,
) -> tuple[Tensor, Witnesses]:
    """Return (B, 1 + K, h, w) logits of the masks in a frame, and what they were made from.

    Parameters
    ----------
    looks : of the frame
    trust : (B, 1, h, w), how consistent the flow to the last frame is
    last, kept : the last frame, and permanent ones (one or more)
    bank : cells of the memory
    apart, belief : see `CompactNet.decode`
    """
    reads = [net.read_kept(looks.near, *_cells(sighting)) for sighting in kept]
    read_last, sure_last = net.read_last(looks.near, *_cells(last))
    read_kept, sure_kept = _merge(reads)
    read_far, sure_far = net.read_far(looks.far, bank.keys, bank.masks)
    carried = warp(last.masks, last.place)
    sure = (sure_last, sure_kept, sure_far)
    said = Witnesses(carried, trust, read_last, read_kept, read_far, sure)
    return net.decode(looks, said, apart=apart, belief=belief), said


def _cells(sighting: Sighting) -> tuple[Tensor, Tensor]:
    """Return keys and masks of a sighting, each cell where it is thought to be now."""
    where = F.avg_pool2d(sighting.place, 4) / 4
    return warp(sighting.near, where), warp(F.avg_pool2d(sighting.masks, 4), where)


def _merge(reads: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Let the reading with the better evidence count more."""
    if len(reads) == 1:
        return reads[0]
    values, evidence = (torch.stack(parts) for parts in zip(*reads, strict=True))
    return (values * evidence.softmax(0)).sum(0), evidence.amax(0)

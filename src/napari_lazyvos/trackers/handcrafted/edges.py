"""Fit soft masks to the edges of the image."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["snap"]

# Chosen on the developers' clips.
_COUPLING = 3.0  # of two equal neighbours, beside 1 for the prior
_STEEPNESS = 20.0  # per squared contrast
_ROUNDS = 8


def snap(masks: Tensor, colour: Tensor) -> Tensor:
    """Let neighbours of the same colour agree: random walks with priors (Grady 2005, eq. 11).

    The linear system is relaxed by a few Jacobi rounds, which reach as far as edges are off.

    Parameters
    ----------
    masks : (1 + K, h, w) float tensor that sums to 1, background first
    colour : (3, h, w) float tensor, in units of the contrast

    Returns
    -------
    (1 + K, h, w) float tensor that sums to 1
    """
    links = [_link(colour, dy, dx) for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1))]
    total = torch.ones_like(colour[:1])
    for weight, here, there in links:
        total[here] += weight
        total[there] += weight
    prior = masks[1:]
    found = prior
    for _ in range(_ROUNDS):
        gathered = prior.clone()
        for weight, here, there in links:
            gathered[here].addcmul_(weight, found[there])
            gathered[there].addcmul_(weight, found[here])
        found = gathered.div_(total)
    return torch.cat((1 - found.sum(0, keepdim=True), found)).clamp(min=0)


_Place = tuple[slice, slice, slice]


def _link(colour: Tensor, dy: int, dx: int) -> tuple[Tensor, _Place, _Place]:
    """Return the weights between pixels and their neighbours, and the places of both."""
    everything, down = slice(None), (slice(None, -1), slice(1, None))
    rows = down if dy else (everything, everything)
    columns = down if dx else (everything, everything)
    here = (everything, rows[0], columns[0] if dx >= 0 else columns[1])
    there = (everything, rows[1], columns[1] if dx >= 0 else columns[0])
    apart = (colour[here] - colour[there]).square().sum(0, keepdim=True)
    length = (dy * dy + dx * dx) ** 0.5
    return _COUPLING / length * torch.exp(-_STEEPNESS * apart), here, there

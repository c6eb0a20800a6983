"""Building blocks of the bundled networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Block", "down", "up"]


class Block(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(8, width)
        self.two = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        return torch.add(x, self.two(F.relu(self.norm(self.one(F.relu(x))))))


def down(before: int, after: int) -> nn.Conv2d:
    """Return a convolution that halves the sides."""
    return nn.Conv2d(before, after, 3, stride=2, padding=1)


def up(x: Tensor) -> Tensor:
    """Double the sides, linearly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

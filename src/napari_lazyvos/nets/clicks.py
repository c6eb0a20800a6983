"""The network of the bundled refiner: clicks on a crop become a mask, with a guess how good it is.

Clicks enter as discs beside the image, with the mask so far (RITM: Sofiiuk et al. 2022).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.blocks import up
from napari_lazyvos.nets.lite import WIDTHS, Lite
from napari_lazyvos.nets.pyramid import Pyramid

__all__ = ["RADIUS", "SIDE", "ClickNet", "discs"]

SIDE = 192
"""Side in pixels of the crops that the network was trained on; a multiple of 32."""

RADIUS = 4.0
"""Of the discs that mark clicks, in pixels of a crop."""

_MERGED = (128, 64, 32, 16)  # channels at strides 16, 8, 4, 2


class ClickNet(nn.Module):
    """1.8 million parameters; see `docs/explanation/bundled-models.md`."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes = Lite(beside=3)
        self.pyramid = Pyramid(WIDTHS[::-1], _MERGED)
        self.mask = nn.Conv2d(_MERGED[-1], 1, 3, padding=1)
        self.quality = nn.Sequential(nn.Linear(WIDTHS[-1], 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, image: Tensor, clicks: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """Segment crops.

        Parameters
        ----------
        image : (B, 3, h, w), mean 0 and deviation 1; sides are multiples of 32
        clicks : (B, 2, h, w), discs of positive and of negative clicks; see `discs`
        previous : (B, 1, h, w) in [0, 1], the mask so far, or 0

        Returns
        -------
        (B, 1, h, w) logits of the mask
        (B,) guess of its intersection over union with what was meant, in [0, 1]
        """
        seen = self.eyes(image, torch.cat([clicks, previous], 1))
        finest = self.pyramid(seen[::-1])[-1]
        quality = self.quality(seen[-1].mean((2, 3)))[:, 0].sigmoid()
        return up(self.mask(F.relu(finest))), quality


def discs(places: Tensor, height: int, width: int) -> Tensor:
    """Draw clicks.

    Parameters
    ----------
    places : (B, N, 3) float tensor: y, x in pixels of the crop, and 1 for a positive click, -1
        for a negative one, 0 for none

    Returns
    -------
    (B, 2, h, w) float tensor, 1 inside of discs: positive ones, then negative ones
    """
    y = torch.arange(height, device=places.device)[:, None]
    x = torch.arange(width, device=places.device)
    square = (y - places[..., 0, None, None]) ** 2 + (x - places[..., 1, None, None]) ** 2
    inside = square <= RADIUS**2
    kinds = [inside & (places[..., 2, None, None] == sign) for sign in (1, -1)]
    return torch.stack([kind.any(1) for kind in kinds], 1).float()

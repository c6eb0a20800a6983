"""The network of the bundled refiner: clicks on a crop become a mask, with a guess how good it is.

Clicks enter as discs beside the image, with the mask so far (RITM: Sofiiuk et al. 2022).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.blocks import Block, down, up

__all__ = ["RADIUS", "SIDE", "ClickNet", "discs"]

SIDE = 192
"""Side in pixels of the crops that the network was trained on; a multiple of 32."""

RADIUS = 4.0
"""Of the discs that mark clicks, in pixels of a crop."""

_WIDTHS = (16, 32, 64, 128, 160)  # channels at strides 2, 4, 8, 16, 32


class ClickNet(nn.Module):
    """1.9 million parameters; see `docs/explanation/bundled-models.md`."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four, five = _WIDTHS
        self.stem = down(6, one)
        self.stage4 = nn.Sequential(down(one, two), Block(two))
        self.stage8 = nn.Sequential(down(two, three), Block(three), Block(three))
        self.stage16 = nn.Sequential(down(three, four), Block(four), Block(four))
        self.stage32 = nn.Sequential(down(four, five), Block(five))
        self.lateral = nn.ModuleList(
            nn.Conv2d(wide, narrow, 1)
            for wide, narrow in ((five, four), (four, three), (three, two), (two, one))
        )
        self.merge = nn.ModuleList(Block(width) for width in (four, three, two, one))
        self.mask = nn.Conv2d(one, 1, 3, padding=1)
        self.quality = nn.Sequential(nn.Linear(five, 64), nn.ReLU(), nn.Linear(64, 1))

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
        skips = [self.stem(torch.cat([image, clicks, previous], 1))]
        for stage in (self.stage4, self.stage8, self.stage16, self.stage32):
            skips.append(stage(F.relu(skips[-1])))
        x = skips.pop()
        quality = self.quality(F.relu(x).mean((2, 3)))[:, 0].sigmoid()
        for lateral, merge in zip(self.lateral, self.merge, strict=True):
            x = merge(skips.pop() + up(lateral(x)))
        return up(self.mask(F.relu(x))), quality


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

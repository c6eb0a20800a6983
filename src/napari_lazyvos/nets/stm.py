"""Parts that the networks of the space-time memory family share (STM, Oh et al. 2019).

STCN (Cheng et al. 2021), MiVOS (Cheng et al. 2021), and XMem (Cheng & Schwing 2022) are built of
them; modules bear the names that the authors' checkpoints have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "Attention",
    "Decoder",
    "Fusion",
    "ResBlock",
    "Skips",
    "UpBlock",
    "aggregate",
    "full_masks",
    "grow",
]

_NEVER = 1e-7  # no probability is nearer to 0 or 1

Skips: TypeAlias = tuple[Tensor, Tensor]
"""What an image adds to masks on their way up, at strides 8 and 4; no mask is needed for it."""


class ResBlock(nn.Module):
    """Two convolutions of 3 x 3, each after its activation, beside a short cut of the bare input.

    Parameters
    ----------
    before, after : channels; where they differ, a third convolution is in the short cut
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.downsample = None if before == after else nn.Conv2d(before, after, 3, padding=1)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, h, w) to (B, after, h, w)."""
        short = x if self.downsample is None else self.downsample(x)
        y = self.conv2(F.relu_(self.conv1(F.relu(x))))
        return torch.add(y, short)

    def joined(self, shared: Tensor, own: Tensor, *, own_first: bool = False) -> Tensor:
        """Return what `forward` makes of both, one after the other in the channels.

        What all objects share is convolved once.

        Parameters
        ----------
        shared : (1, C, h, w) float tensor
        own : (B, before - C, h, w) float tensor
        own_first : whether the channels of `own` come first
        """
        assert self.downsample is not None  # there are more channels before
        y = F.relu_(_convolved(self.conv1, F.relu(shared), F.relu(own), own_first))
        return torch.add(self.conv2(y), _convolved(self.downsample, shared, own, own_first))


class ChannelGate(nn.Module):
    """Weighs channels by their mean and their maximum over the picture (CBAM, eq. 2)."""

    def __init__(self, channels: int, squeeze: int = 16) -> None:
        super().__init__()
        small = channels // squeeze
        self.mlp = nn.Sequential(
            nn.Flatten(), nn.Linear(channels, small), nn.ReLU(), nn.Linear(small, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        weights = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return torch.mul(x, weights.sigmoid()[:, :, None, None])


class SpatialGate(nn.Module):
    """Weighs places by the maximum and the mean over the channels (CBAM, eq. 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = nn.ModuleDict({"conv": nn.Conv2d(2, 1, 7, padding=3)})

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        seen = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return torch.mul(x, self.spatial["conv"](seen).sigmoid())


class Attention(nn.ModuleDict):
    """Weighs channels, then places (CBAM, Woo et al. 2018, eq. 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__({"ChannelGate": ChannelGate(channels), "SpatialGate": SpatialGate()})

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        weighed: Tensor = self["SpatialGate"](self["ChannelGate"](x))
        return weighed


class Fusion(nn.Module):
    """Makes one feature map for each object, of the image's and its own.

    Parameters
    ----------
    before, after : channels, of both together and of the output
    own_first : see `ResBlock.joined`
    """

    def __init__(self, before: int, after: int, *, own_first: bool = False) -> None:
        super().__init__()
        self.own_first = own_first
        self.block1 = ResBlock(before, after)
        self.attention = Attention(after)
        self.block2 = ResBlock(after, after)

    def forward(self, shared: Tensor, own: Tensor) -> Tensor:
        """(1, C, h, w) and (B, before - C, h, w) to (B, after, h, w)."""
        x = self.block1.joined(shared, own, own_first=self.own_first)
        fused: Tensor = self.block2(x + self.attention(x))
        return fused


class UpBlock(nn.Module):
    """Doubles the sides, and adds what the image shows there.

    Parameters
    ----------
    skipped, before, after : channels of the image's features, of the input and of the output
    """

    def __init__(self, skipped: int, before: int, after: int) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skipped, before, 3, padding=1)
        self.out_conv = ResBlock(before, after)

    def skip(self, features: Tensor) -> Tensor:
        """Return what the image adds, (1, before, 2 h, 2 w), of its (1, skipped, 2 h, 2 w)."""
        shown: Tensor = self.skip_conv(features)
        return shown

    def forward(self, shown: Tensor, x: Tensor) -> Tensor:
        """Use what `skip` returned for all of (B, before, h, w)."""
        out: Tensor = self.out_conv(grow(x, shown))
        return out


class Decoder(nn.Module):
    """From what was read at stride 16 to masks at stride 4, as in STCN and MiVOS.

    Parameters
    ----------
    up : kind of the blocks that double the sides
    """

    def __init__(self, up: Callable[[int, int, int], Any] = UpBlock) -> None:
        super().__init__()
        self.compress = ResBlock(2 * 512, 512)
        self.up_16_8 = up(512, 512, 256)
        self.up_8_4 = up(256, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)

    def skips(self, f8: Tensor, f4: Tensor) -> Skips:
        """Return what the image adds on the way, of its features at strides 8 and 4."""
        return self.up_16_8.skip(f8), self.up_8_4.skip(f4)

    def forward(self, seen: Tensor, readout: Tensor, skips: Skips) -> Tensor:
        """Return (K, 1, h / 4, w / 4) logits.

        Parameters
        ----------
        seen : (1, 512, h / 16, w / 16), what the image shows there
        readout : (K, 512, h / 16, w / 16)
        skips : of the image
        """
        s8, s4 = skips
        g16 = self.compress.joined(seen, readout, own_first=True)
        g4 = self.up_8_4(s4, self.up_16_8(s8, g16))
        logits: Tensor = self.pred(F.relu(g4))
        return logits


def _convolved(layer: nn.Conv2d, shared: Tensor, own: Tensor, own_first: bool) -> Tensor:
    """Convolve both as if they were one after the other in the channels."""
    of_shared, of_own = shared.shape[1], own.shape[1]
    if own_first:
        for_own, for_shared = torch.split(layer.weight, [of_own, of_shared], 1)
    else:
        for_shared, for_own = torch.split(layer.weight, [of_shared, of_own], 1)
    once = F.conv2d(shared, for_shared, padding=1)
    return F.conv2d(own, for_own, layer.bias, padding=1).add_(once)


def grow(x: Tensor, seen: Tensor) -> Tensor:
    """Double the sides of (B, C, h, w), and add the (1, C, 2 h, 2 w) that the image shows there."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False).add_(seen)


def full_masks(logits: Tensor) -> Tensor:
    """Return (K, h, w) masks in [0, 1] of (K, 1, h / 4, w / 4) logits, each object for itself."""
    larger = F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)
    return larger[:, 0].float().sigmoid()


def aggregate(masks: Tensor) -> Tensor:
    """Make probabilities of objects that know nothing of each other sum to one.

    Soft aggregation (STM, eq. 6): the background is what no object claims, and the odds compete.

    Parameters
    ----------
    masks : (K, ...) float tensor in [0, 1]

    Returns
    -------
    (1 + K, ...) float tensor, background first; sums to 1 over axis 0
    """
    nobody = (1 - masks).prod(0, keepdim=True)
    return torch.cat([nobody, masks]).clamp(_NEVER, 1 - _NEVER).logit().softmax(0)

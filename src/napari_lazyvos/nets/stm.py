"""Parts that the networks of the space-time memory family share (STM, Oh et al. 2019).

STCN (Cheng et al. 2021), MiVOS (Cheng et al. 2021), and XMem (Cheng & Schwing 2022) are built of
them; modules bear the names that the authors' checkpoints have.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Attention", "Fusion", "ResBlock", "UpBlock", "aggregate"]

_NEVER = 1e-7  # no probability is nearer to 0 or 1


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

    def joined(self, shared: Tensor, own: Tensor) -> Tensor:
        """Return what `forward` makes of both, one after the other in the channels.

        What all objects share is convolved once.

        Parameters
        ----------
        shared : (1, C, h, w) float tensor
        own : (B, before - C, h, w) float tensor
        """
        assert self.downsample is not None  # there are more channels before
        y = F.relu_(_convolved(self.conv1, F.relu(shared), F.relu(own)))
        return torch.add(self.conv2(y), _convolved(self.downsample, shared, own))


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
    """Makes one feature map for each object, of the image's and its own."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.block1 = ResBlock(before, after)
        self.attention = Attention(after)
        self.block2 = ResBlock(after, after)

    def forward(self, shared: Tensor, own: Tensor) -> Tensor:
        """(1, C, h, w) and (B, before - C, h, w) to (B, after, h, w)."""
        x = self.block1.joined(shared, own)
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

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Use (1, skipped, 2 h, 2 w) features for all of (B, before, h, w)."""
        larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        out: Tensor = self.out_conv(larger.add_(self.skip_conv(skip)))
        return out


def _convolved(layer: nn.Conv2d, shared: Tensor, own: Tensor) -> Tensor:
    """Convolve both as if they were one after the other in the channels."""
    first, rest = torch.split(layer.weight, [shared.shape[1], own.shape[1]], 1)
    return F.conv2d(own, rest, layer.bias, padding=1).add_(F.conv2d(shared, first, padding=1))


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

"""Stages of residual networks (He et al. 2016), with the names that published weights have.

Convolutions have no bias, since a normalisation follows each; some authors' have one all the same.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Basic", "Bottleneck", "Stem", "stage"]


class Basic(nn.Module):
    """Two convolutions of 3 x 3, as in ResNet-18."""

    widens = 1

    def __init__(self, before: int, width: int, stride: int, *, bias: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _short_cut(before, width, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, h, w) to (B, width, h / stride, w / stride)."""
        y = F.relu_(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu_(y.add_(x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """A convolution of 3 x 3 between two of 1 x 1, as in ResNet-50; the middle one strides."""

    widens = 4

    def __init__(self, before: int, width: int, stride: int, *, bias: bool = False) -> None:
        super().__init__()
        after = width * self.widens
        self.conv1 = nn.Conv2d(before, width, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=bias)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = _short_cut(before, after, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, h, w) to (B, 4 * width, h / stride, w / stride)."""
        y = F.relu_(self.bn1(self.conv1(x)))
        y = F.relu_(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu_(y.add_(x if self.downsample is None else self.downsample(x)))


class Stem(nn.Module):
    """A network that begins with a strided convolution and a pooling; a base class.

    Published weights name the two beside the stages that follow, not as a part of their own.
    """

    def __init__(self, channels: int = 3, *, bias: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=bias)
        self.bn1 = nn.BatchNorm2d(64)

    def stem(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, 64, h / 4, w / 4)."""
        return F.max_pool2d(F.relu_(self.bn1(self.conv1(x))), 3, 2, 1)


def stage(
    block: type[Basic | Bottleneck],
    before: int,
    width: int,
    count: int,
    stride: int,
    *,
    bias: bool = False,
) -> nn.Sequential:
    """Return `count` blocks in a row, of which the first one strides."""
    first = block(before, width, stride, bias=bias)
    after = width * block.widens
    return nn.Sequential(first, *(block(after, width, 1, bias=bias) for _ in range(count - 1)))


def _short_cut(before: int, after: int, stride: int, *, bias: bool) -> nn.Sequential | None:
    if before == after and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=bias), nn.BatchNorm2d(after))

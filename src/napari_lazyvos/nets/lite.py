"""EfficientNet-Lite0 without its last stage (Tan & Le 2019): the bundled networks' eyes.

The Lite variant has no squeeze-and-excitation, and ReLU6 in place of swish. Its batch norms are
folded into the convolutions, so that what is seen in one image does not depend on others.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["WIDTHS", "Inverted", "Lite"]

WIDTHS = (16, 24, 40, 112, 192)
"""Channels at strides 2, 4, 8, 16 and 32."""

_STEM = 32
_CONTRAST = 0.5  # deviation of grey values that it was first trained on
_GAIN = 1 / 8  # brings what it sees to a deviation of about 1


class Inverted(nn.Module):
    """Widen, look around in each channel, narrow (inverted residual: Sandler et al. 2018)."""

    def __init__(
        self, before: int, after: int, side: int, *, stride: int = 1, widen: int = 6
    ) -> None:
        super().__init__()
        inside = widen * before
        self.expand = nn.Conv2d(before, inside, 1) if widen > 1 else None
        self.depthwise = nn.Conv2d(
            inside, inside, side, stride=stride, padding=side // 2, groups=inside
        )
        self.project = nn.Conv2d(inside, after, 1)
        self._short_cut = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h / stride, w / stride)."""
        inside = F.relu6(self.expand(x)) if self.expand else x
        y: Tensor = self.project(F.relu6(self.depthwise(inside)))
        return x + y if self._short_cut else y


class Lite(nn.Module):
    """1.4 million parameters.

    Parameters
    ----------
    beside : int
        Channels beside the image: what else is told about each pixel.
    """

    def __init__(self, beside: int = 0) -> None:
        super().__init__()
        two, four, eight, sixteen, thirty_two = WIDTHS
        self.stem = nn.Conv2d(3, _STEM, 3, stride=2, padding=1)
        self.beside = nn.Conv2d(beside, _STEM, 3, stride=2, padding=1) if beside else None
        self.stages = nn.ModuleList(
            [
                nn.Sequential(Inverted(_STEM, two, 3, widen=1)),
                nn.Sequential(Inverted(two, four, 3, stride=2), Inverted(four, four, 3)),
                nn.Sequential(Inverted(four, eight, 5, stride=2), Inverted(eight, eight, 5)),
                nn.Sequential(
                    Inverted(eight, 80, 3, stride=2),
                    Inverted(80, 80, 3),
                    Inverted(80, 80, 3),
                    Inverted(80, sixteen, 5),
                    Inverted(sixteen, sixteen, 5),
                    Inverted(sixteen, sixteen, 5),
                ),
                nn.Sequential(
                    Inverted(sixteen, thirty_two, 5, stride=2), Inverted(thirty_two, thirty_two, 5)
                ),
            ]
        )

    def forward(self, image: Tensor, beside: Tensor | None = None) -> list[Tensor]:
        """Look at images.

        Parameters
        ----------
        image : (B, 3, h, w), mean 0 and deviation 1
        beside : (B, beside, h, w)

        Returns
        -------
        five tensors, at strides 2, 4, 8, 16 and 32; see `WIDTHS`
        """
        image = (image * _CONTRAST).contiguous(memory_format=torch.channels_last)  # twice as fast
        x = self.stem(image)
        if self.beside is not None and beside is not None:
            x = x + self.beside(beside)
        seen = [F.relu6(x)]
        for stage in self.stages:
            seen.append(stage(seen[-1]))
        return [_GAIN * feature for feature in seen[1:]]

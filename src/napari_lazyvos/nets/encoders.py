"""Encoders of the space-time memory family: of an image, and of an image with a mask in it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_lazyvos.nets.resnet import Basic, Bottleneck, Stem, stage
from napari_lazyvos.nets.stm import Fusion

__all__ = ["F4", "F8", "F16", "ImageEncoder", "MaskEncoder", "beside", "for_several"]

F16, F8, F4 = 1024, 512, 256
"""Channels of an image's features, by stride."""

_FIRST = "value_encoder.conv1.weight"


class ImageEncoder(Stem):
    """ResNet-50 to stride 16."""

    def __init__(self) -> None:
        super().__init__()
        self.res2 = stage(Bottleneck, 64, 64, 3, 1)
        self.layer2 = stage(Bottleneck, F4, 128, 4, 2)
        self.layer3 = stage(Bottleneck, F8, 256, 6, 2)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, h, w) to features at strides 16, 8 and 4."""
        f4 = self.res2(self.stem(image))
        f8 = self.layer2(f4)
        return self.layer3(f8), f8, f4


class MaskEncoder(Stem):
    """ResNet-18 to stride 16 over an image with a mask, which then meets the image's features.

    Parameters
    ----------
    channels : of what it makes
    bias : see `resnet`
    own_first : see `ResBlock.joined`
    """

    def __init__(self, channels: int, *, bias: bool = False, own_first: bool = False) -> None:
        super().__init__(channels=5, bias=bias)
        self.layer1 = stage(Basic, 64, 64, 2, 1, bias=bias)
        self.layer2 = stage(Basic, 64, 128, 2, 2, bias=bias)
        self.layer3 = stage(Basic, 128, 256, 2, 2, bias=bias)
        self.fuser = Fusion(F16 + 256, channels, own_first=own_first)

    def forward(self, seen: Tensor, f16: Tensor) -> Tensor:
        """(K, 5, h, w), see `beside`, and the image's features to (K, channels, h / 16, w / 16)."""
        own = self.layer3(self.layer2(self.layer1(self.stem(seen))))
        value: Tensor = self.fuser(f16, own)
        return value


def beside(image: Tensor, masks: Tensor) -> Tensor:
    """Return (K, 5, h, w): for each object the image, its mask, and the sum of all others'.

    Parameters
    ----------
    image : (1, 3, h, w) float tensor
    masks : (K, h, w) float tensor in [0, 1], of objects only
    """
    others = masks.sum(0) - masks
    return torch.cat([image.expand(len(masks), -1, -1, -1), torch.stack([masks, others], 1)], 1)


def for_several(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights of XMem or STCN that were trained with one object, fit for several.

    Such an object has no others beside it, and the weights no channel for them.
    """
    if _FIRST not in state or state[_FIRST].shape[1] != 4:
        return state
    return state | {_FIRST: F.pad(state[_FIRST], (0, 0, 0, 0, 0, 1))}

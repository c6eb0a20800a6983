"""The network of STCN (Cheng, Tai & Tang 2021, sec. 3 and 4).

Modules bear the names of the authors' checkpoints, which load unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from napari_lazyvos.nets.encoders import F16, ImageEncoder, MaskEncoder, beside
from napari_lazyvos.nets.stm import Decoder, Skips, full_masks

__all__ = ["Key", "StcnNet"]

_KEY, _VALUE = 64, 512  # channels of what is remembered


@dataclass(frozen=True, slots=True)
class Key:
    """What the network sees in an image, before any mask."""

    key: Tensor  # (1, 64, h / 16, w / 16): what a place looks like
    thin: Tensor  # (1, 512, h / 16, w / 16), for the decoder
    f16: Tensor  # (1, 1024, h / 16, w / 16), for the value encoder
    skips: Skips


class StcnNet(nn.Module):
    """Encodes images and masks, and decodes what was read from memory.

    Keys are the image's alone, so that one comparison of two frames serves all objects (sec. 3.2).
    """

    def __init__(self) -> None:
        super().__init__()
        self.key_encoder = ImageEncoder()
        self.value_encoder = MaskEncoder(_VALUE, bias=True, own_first=True)
        self.key_proj = nn.ModuleDict({"key_proj": nn.Conv2d(F16, _KEY, 3, padding=1)})
        self.key_comp = nn.Conv2d(F16, _VALUE, 3, padding=1)
        self.decoder = Decoder()

    def encode_key(self, image: Tensor) -> Key:
        """Look at a (1, 3, h, w) image, normalised as ImageNet's; sides are multiples of 16."""
        f16, f8, f4 = self.key_encoder(image)
        skips = self.decoder.skips(f8, f4)
        return Key(self.key_proj["key_proj"](f16), self.key_comp(f16), f16, skips)

    def encode_value(self, image: Tensor, key: Key, masks: Tensor) -> Tensor:
        """Return (K, 512, h / 16, w / 16): what is to be remembered of each object.

        Parameters
        ----------
        image : (1, 3, h, w) float tensor
        key : of the image
        masks : (K, h, w) float tensor in [0, 1], of objects only
        """
        value: Tensor = self.value_encoder(beside(image, masks), key.f16)
        return value

    def decode(self, key: Key, readout: Tensor) -> Tensor:
        """Return the masks, (K, h, w) float tensor in [0, 1], each object for itself.

        Parameters
        ----------
        key : of the image
        readout : (K, 512, h / 16, w / 16) float tensor, read from memory
        """
        return full_masks(self.decoder(key.thin, readout, key.skips))

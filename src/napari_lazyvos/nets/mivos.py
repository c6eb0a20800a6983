"""The propagation network of MiVOS (Cheng, Tai & Tang 2021, sec. 4.2): STM with another decoder.

Modules bear the names of the authors' checkpoints, which load unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from napari_lazyvos.nets.encoders import F4, F8, F16, ImageEncoder, beside
from napari_lazyvos.nets.resnet import Bottleneck, Stem, stage
from napari_lazyvos.nets.stm import Decoder, ResBlock, Skips, full_masks, grow

__all__ = ["MivosNet", "Query"]

_KEY, _VALUE = 128, 512  # channels of what is remembered


@dataclass(frozen=True, slots=True)
class Query:
    """What the network sees in an image, before any mask."""

    key: Tensor  # (1, 128, h / 16, w / 16): what a place looks like
    value: Tensor  # (1, 512, h / 16, w / 16), for the decoder
    skips: Skips


class MivosNet(nn.Module):
    """Encodes images, alone and with masks, and decodes what was read from memory.

    What is remembered of a frame, keys and values, each object has for itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mask_rgb_encoder = MemoryEncoder()
        self.rgb_encoder = ImageEncoder()
        self.kv_m_f16 = KeyValue()
        self.kv_q_f16 = KeyValue()
        self.decoder = Decoder(UpBlock)

    def encode_query(self, image: Tensor) -> Query:
        """Look at a (1, 3, h, w) image, normalised as ImageNet's; sides are multiples of 16."""
        f16, f8, f4 = self.rgb_encoder(image)
        key, value = self.kv_q_f16(f16)
        return Query(key, value, self.decoder.skips(f8, f4))

    def encode_memory(self, image: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is to be remembered of each object.

        Parameters
        ----------
        image : (1, 3, h, w) float tensor
        masks : (K, h, w) float tensor in [0, 1], of objects only

        Returns
        -------
        (K, 128, h / 16, w / 16) float tensor, the keys
        (K, 512, h / 16, w / 16) float tensor, the values
        """
        keys, values = self.kv_m_f16(self.mask_rgb_encoder(beside(image, masks)))
        return keys, values

    def decode(self, query: Query, readout: Tensor) -> Tensor:
        """Return the masks, (K, h, w) float tensor in [0, 1], each object for itself.

        Parameters
        ----------
        query : of the image
        readout : (K, 512, h / 16, w / 16) float tensor, read from memory
        """
        return full_masks(self.decoder(query.value, readout, query.skips))


class MemoryEncoder(Stem):
    """ResNet-50 to stride 16 over an image with a mask."""

    def __init__(self) -> None:
        super().__init__(channels=5, bias=True)
        self.layer1 = stage(Bottleneck, 64, 64, 3, 1, bias=True)
        self.layer2 = stage(Bottleneck, F4, 128, 4, 2, bias=True)
        self.layer3 = stage(Bottleneck, F8, 256, 6, 2, bias=True)

    def forward(self, seen: Tensor) -> Tensor:
        """(K, 5, h, w), see `beside`, to (K, 1024, h / 16, w / 16)."""
        f16: Tensor = self.layer3(self.layer2(self.layer1(self.stem(seen))))
        return f16


class KeyValue(nn.Module):
    """Makes key and value of features (STM, Oh et al. 2019, sec. 3.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(F16, _KEY, 3, padding=1)
        self.val_proj = nn.Conv2d(F16, _VALUE, 3, padding=1)

    def forward(self, f16: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1024, h, w) to (B, 128, h, w) and (B, 512, h, w)."""
        return self.key_proj(f16), self.val_proj(f16)


class UpBlock(nn.Module):
    """Doubles the sides, and adds what the image shows there, seen through a residual block.

    Parameters
    ----------
    skipped, before, after : channels of the image's features, of the input and of the output
    """

    def __init__(self, skipped: int, before: int, after: int) -> None:
        super().__init__()
        self.skip_conv1 = nn.Conv2d(skipped, before, 3, padding=1)
        self.skip_conv2 = ResBlock(before, before)
        self.out_conv = ResBlock(before, after)

    def skip(self, features: Tensor) -> Tensor:
        """Return what the image adds, (1, before, 2 h, 2 w), of its (1, skipped, 2 h, 2 w)."""
        shown: Tensor = self.skip_conv2(self.skip_conv1(features))
        return shown

    def forward(self, shown: Tensor, x: Tensor) -> Tensor:
        """Use what `skip` returned for all of (B, before, h, w)."""
        out: Tensor = self.out_conv(grow(x, shown))
        return out

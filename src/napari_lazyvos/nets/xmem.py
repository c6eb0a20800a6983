"""The network of XMem (Cheng & Schwing 2022, sec. 3 and appendix F).

Modules bear the names of the authors' checkpoints, which load unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.encoders import F4, F8, F16, ImageEncoder, MaskEncoder, beside
from napari_lazyvos.nets.stm import Fusion, Skips, UpBlock, full_masks

__all__ = ["STRIDE", "Key", "Sizes", "XMemNet"]

STRIDE = 16
"""Sides of images are multiples of this."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Channels of what a variant of the network remembers."""

    key: int = 64
    value: int = 512
    hidden: int = 64  # 0: without sensory memory

    @classmethod
    def of(cls, weights: dict[str, Tensor]) -> Sizes:
        """Read them off published weights.

        Raises
        ------
        KeyError
            If the weights are not XMem's.
        """
        gates = weights.get("decoder.hidden_update.transform.weight")
        return cls(
            len(weights["key_proj.key_proj.weight"]),
            len(weights["value_encoder.fuser.block2.conv2.weight"]),
            0 if gates is None else len(gates) // 3,
        )


@dataclass(frozen=True, slots=True)
class Key:
    """What the network sees in an image, before any mask."""

    key: Tensor  # (1, 64, h / 16, w / 16): what a place looks like
    shrinkage: Tensor  # (1, 1, h / 16, w / 16), 1 or more: how sure a memory of it is
    selection: Tensor  # (1, 64, h / 16, w / 16) in [0, 1]: which channels count for a query
    f16: Tensor  # (1, 1024, h / 16, w / 16)
    skips: Skips


class XMemNet(nn.Module):
    """Encodes images and masks, and decodes what was read from memory.

    Parameters
    ----------
    sizes : see `Sizes`
    """

    def __init__(self, sizes: Sizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes or Sizes()
        self.key_encoder = ImageEncoder()
        self.value_encoder = ValueEncoder(self.sizes)
        self.key_proj = KeyProjection(self.sizes.key)
        self.decoder = Decoder(self.sizes)

    def encode_key(self, image: Tensor) -> Key:
        """Look at a (1, 3, h, w) image, normalised as ImageNet's; sides are multiples of 16."""
        f16, f8, f4 = self.key_encoder(image)
        key, shrinkage, selection = self.key_proj(f16)
        return Key(key, shrinkage, selection, f16, self.decoder.skips(f8, f4))

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

    def refresh(self, hidden: Tensor, value: Tensor) -> Tensor:
        """Return the sensory memory after a deep update (sec. 3.4): (K, 64, h / 16, w / 16)."""
        if not self.sizes.hidden:
            return hidden
        fresh: Tensor = self.value_encoder.hidden_reinforce(hidden, value)
        return fresh

    def decode(self, key: Key, readout: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the masks, and the sensory memory after this frame.

        Parameters
        ----------
        key : of the image
        readout : (K, 512, h / 16, w / 16) float tensor, read from memory
        hidden : (K, 64, h / 16, w / 16) float tensor, the sensory memory

        Returns
        -------
        (K, h, w) float tensor in [0, 1], each object for itself
        (K, 64, h / 16, w / 16) float tensor
        """
        logits, after = self.decoder(key, readout, hidden)
        return full_masks(logits), after


class KeyProjection(nn.Module):
    """Makes key, shrinkage and selection of features (sec. 3.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(F16, channels, 3, padding=1)
        self.d_proj = nn.Conv2d(F16, 1, 3, padding=1)
        self.e_proj = nn.Conv2d(F16, channels, 3, padding=1)

    def forward(self, f16: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 1024, h, w) to key, shrinkage and selection; see `Key`."""
        return self.key_proj(f16), self.d_proj(f16).square() + 1, self.e_proj(f16).sigmoid()


class Gates(nn.Module):
    """A gated recurrent unit of 3 x 3 (sec. 3.4).

    Parameters
    ----------
    before, hidden : channels of the input, and of the state
    """

    def __init__(self, before: int, hidden: int) -> None:
        super().__init__()
        self.transform = nn.Conv2d(before + hidden, 3 * hidden, 3, padding=1)

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:
        """Return the new state."""
        forget, update, candidate = self.transform(torch.cat([x, hidden], 1)).chunk(3, 1)
        update = update.sigmoid()
        new: Tensor = forget.sigmoid() * hidden * (1 - update) + update * candidate.tanh()
        return new


class ValueEncoder(MaskEncoder):
    """What is to be remembered of an object, and how the sensory memory takes it in."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes.value)
        if sizes.hidden:
            self.hidden_reinforce = Gates(sizes.value, sizes.hidden)


class HiddenUpdate(Gates):
    """Takes what the decoder saw at three scales into the sensory memory."""

    def __init__(self, middle: int, hidden: int) -> None:
        super().__init__(middle, hidden)
        self.g16_conv = nn.Conv2d(512, middle, 1)
        self.g8_conv = nn.Conv2d(256, middle, 1)
        self.g4_conv = nn.Conv2d(256 + 1, middle, 1)

    def update(self, hidden: Tensor, g16: Tensor, g8: Tensor, g4: Tensor) -> Tensor:
        """Return the new state."""
        g8 = F.interpolate(g8, scale_factor=1 / 2, mode="area")
        g4 = F.interpolate(g4, scale_factor=1 / 4, mode="area")
        new: Tensor = self(hidden, self.g16_conv(g16) + self.g8_conv(g8) + self.g4_conv(g4))
        return new


class Decoder(nn.Module):
    """From what was read at stride 16 to masks at stride 4."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.fuser = Fusion(F16 + sizes.value + sizes.hidden, 512)
        self.hidden_update = HiddenUpdate(256, sizes.hidden) if sizes.hidden else None
        self.up_16_8 = UpBlock(F8, 512, 256)
        self.up_8_4 = UpBlock(F4, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)

    def skips(self, f8: Tensor, f4: Tensor) -> Skips:
        """Return what the image adds on the way, of its features at strides 8 and 4."""
        return self.up_16_8.skip(f8), self.up_8_4.skip(f4)

    def forward(self, key: Key, readout: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return (K, 1, h / 4, w / 4) logits and the new sensory memory."""
        g16 = self.fuser(key.f16, torch.cat([readout, hidden], 1))
        s8, s4 = key.skips
        g8 = self.up_16_8(s8, g16)
        g4 = self.up_8_4(s4, g8)
        logits = self.pred(F.relu(g4))
        if self.hidden_update is None:
            return logits, hidden
        return logits, self.hidden_update.update(hidden, g16, g8, torch.cat([g4, logits], 1))

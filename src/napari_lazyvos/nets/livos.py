"""The network of LiVOS (Liu et al. 2025), in the order of its paper's overview, fig. 4.

Modules bear the names of the authors' checkpoints, which load unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.encoders import F4, F8, F16
from napari_lazyvos.nets.object_transformer import (
    CHANNELS,
    QUERIES,
    FeatureFusion,
    ObjectSummary,
    ObjectTransformer,
    frequencies,
)
from napari_lazyvos.nets.resnet import Basic, Bottleneck, Stem, stage
from napari_lazyvos.nets.stm import aggregate, grow
from napari_lazyvos.nets.xmem import Gates

__all__ = ["KEY", "OBJECT", "ImageEncoder", "LivosNet", "Seen", "match", "published", "remember"]

KEY = 64
"""Channels of a key."""

OBJECT = QUERIES, CHANNELS + 1
"""Shape of the object memory of one object."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures
_FIRST = "mask_encoder.conv1.weight"
_ENCODINGS = ("object_transformer.spatial_pe.inv_freq", "object_summarizer.pos_enc.inv_freq")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the network sees in an image, before any mask."""

    image: Tensor  # (1, 3, h, w), normalised
    key: Tensor  # (1, 64, h / 16, w / 16) float32 in [0, 1], sums to 1 over axis 1
    gate: Tensor  # (256,) float32 in [0, 1]: which channels of what is remembered stay
    pixels: Tensor  # (1, 256, h / 16, w / 16)
    f8: Tensor  # (1, 512, h / 8, w / 8)
    f4: Tensor  # (1, 256, h / 4, w / 4)


def match(state: Tensor, key_sum: Tensor, key: Tensor) -> Tensor:
    """Read from the state what belongs to each place of a frame: linear matching.

    ``Sᵀ φ / n``, where n is one number for the whole frame: the sum over channels and places of
    this frame's key times all that were remembered.

    Parameters
    ----------
    state : (K, 64, 256) float32 tensor, S
    key_sum : (K, 64, h, w) float32 tensor, of all frames that are in the state
    key : (1, 64, h, w) float32 tensor, φ

    Returns
    -------
    (K, 256, h, w) float32 tensor
    """
    found = torch.einsum("kdc,dhw->kchw", state, key[0])
    return found / (key * key_sum).sum((1, 2, 3))[:, None, None, None]


def remember(state: Tensor, seen: Seen, values: Tensor) -> Tensor:
    """Return the state after a frame, (K, 64, 256) float32: gated linear matching.

    ``Sₜ = Sₜ₋₁ diag(gₜ) + φₜ vₜᵀ``, so it is as large after a thousand frames as after one.

    Parameters
    ----------
    state : (K, 64, 256) float32 tensor
    seen : of the frame
    values : (K, 256, h, w) float32 tensor, v
    """
    return state * seen.gate + torch.einsum("dhw,kchw->kdc", seen.key[0], values)


class LivosNet(nn.Module):
    """Encodes images and masks, and decodes what was matched.

    Parameters
    ----------
    chunk_size : how many objects are computed at a time; -1: all
    """

    def __init__(self, chunk_size: int = -1) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        self.image_encoder = ImageEncoder()
        self.key_projector = KeyProjection()
        self.gate_projector = nn.ModuleDict({"layer": nn.Conv2d(F16, CHANNELS, 1)})
        self.pix_projector = nn.ModuleDict({"layer": nn.Conv2d(F16, CHANNELS, 1)})
        self.mask_encoder = MaskEncoder()
        self.object_summarizer = ObjectSummary()
        self.pixel_fuser = PixelFusion()
        self.object_transformer = ObjectTransformer()
        self.mask_decoder = Decoder()

    def encode_image(self, image: Tensor) -> Seen:
        """Look at a (1, 3, h, w) image in [0, 1]; sides are multiples of 16."""
        mean, deviation = (image.new_tensor(each)[:, None, None] for each in (_MEAN, _DEVIATION))
        image = (image - mean) / deviation
        f16, f8, f4 = self.image_encoder(image)
        gate = self.gate_projector["layer"](f16).float().sigmoid().mean((0, 2, 3))
        pixels = self.pix_projector["layer"](f16)
        return Seen(image, self.key_projector(f16), gate, pixels, f8, f4)

    def encode_masks(
        self, seen: Seen, masks: Tensor, sensory: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is to be remembered of each object.

        Parameters
        ----------
        seen : of the image
        masks : (K, h, w) float tensor in [0, 1], of objects only
        sensory : (K, 256, h / 16, w / 16) float32 tensor, the sensory memory

        Returns
        -------
        (K, 256, h / 16, w / 16) float32 tensor, the values
        (K, 256, h / 16, w / 16) float32 tensor, the sensory memory after them
        (K, 16, 257) float32 tensor, what is added to the object memory
        """

        def encode(masks: Tensor, sensory: Tensor) -> tuple[Tensor, ...]:
            values = self.mask_encoder(seen, masks)
            after = self.mask_encoder.sensory_updater(sensory, values)
            own = F.interpolate(masks[:, :1], values.shape[2:], mode="area")[:, 0]
            return values.float(), after.float(), self.object_summarizer(own, values)

        values, after, more = self._by_objects(encode, _beside(masks), sensory)
        return values, after, more

    def decode(
        self, seen: Seen, readout: Tensor, sensory: Tensor, masks: Tensor, object_memory: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return where the objects are, and the sensory memory after this frame.

        Parameters
        ----------
        seen : of the image
        readout : (K, 256, h / 16, w / 16) float32 tensor, see `match`
        sensory : (K, 256, h / 16, w / 16) float32 tensor, the sensory memory
        masks : (K, h, w) float tensor in [0, 1], of the frame before
        object_memory : (K, 16, 257) float32 tensor

        Returns
        -------
        (1 + K, h, w) float32 tensor, background first; sums to 1 over axis 0
        (K, 256, h / 16, w / 16) float32 tensor
        """
        (fused,) = self._by_objects(
            lambda *own: (self.pixel_fuser(seen.pixels, *own),), readout, sensory, _beside(masks)
        )
        enriched, _ = self.object_transformer(fused, object_memory)
        logits, after = self._by_objects(
            lambda *own: self.mask_decoder(seen, *own), enriched, sensory
        )
        # Soft aggregation at stride 4, and enlarged as logits: softmax does not mind that they
        # come as logarithms, which differ from them by one number for each place.
        small = aggregate(logits[:, 0].float().sigmoid()).log()
        large = F.interpolate(small[None], scale_factor=4, mode="bilinear", align_corners=False)
        return large[0].softmax(0), after.float()

    def _by_objects(
        self, work: Callable[..., tuple[Tensor, ...]], *rows: Tensor
    ) -> tuple[Tensor, ...]:
        """Return what `work` makes of tensors with a row for each object, some rows at a time."""
        count = len(rows[0])
        size = count if self.chunk_size == -1 else self.chunk_size
        if size >= count:
            return work(*rows)
        parts = [work(*(each[n : n + size] for each in rows)) for n in range(0, count, size)]
        return tuple(torch.cat(each) for each in zip(*parts, strict=True))


class ImageEncoder(Stem):
    """ResNet-50 to stride 16."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = stage(Bottleneck, 64, 64, 3, 1)
        self.layer2 = stage(Bottleneck, F4, 128, 4, 2)
        self.layer3 = stage(Bottleneck, F8, 256, 6, 2)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, h, w) to features at strides 16, 8 and 4."""
        f4 = self.layer1(self.stem(image))
        f8 = self.layer2(f4)
        return self.layer3(f8), f8, f4


class KeyProjection(nn.Module):
    """Makes keys of features."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(F16, CHANNELS, 1)
        self.layer2 = nn.Conv2d(CHANNELS, KEY, 3, padding=1)

    def forward(self, f16: Tensor) -> Tensor:
        """(1, 1024, h, w) to (1, 64, h, w) float32, which sum to 1 over the channels.

        That makes keys positive, and the product of two of them a similarity: the kernel φ.
        """
        raw: Tensor = self.layer2(self.layer1(f16))
        return raw.float().softmax(1)


class MaskEncoder(Stem):
    """ResNet-18 to stride 16 over an image with a mask, which then meets the image's features."""

    def __init__(self) -> None:
        super().__init__(channels=5)
        self.layer1 = stage(Basic, 64, 64, 2, 1)
        self.layer2 = stage(Basic, 64, 128, 2, 2)
        self.layer3 = stage(Basic, 128, CHANNELS, 2, 2)
        self.fuser = FeatureFusion()
        self.sensory_updater = Gates(CHANNELS, CHANNELS)

    def forward(self, seen: Seen, masks: Tensor) -> Tensor:
        """(K, 2, h, w), see `_beside`, to (K, 256, h / 16, w / 16), the values."""
        x = torch.cat([seen.image.expand(len(masks), -1, -1, -1), masks], 1)
        values: Tensor = self.fuser(
            seen.pixels, self.layer3(self.layer2(self.layer1(self.stem(x))))
        )
        return values


class PixelFusion(nn.Module):
    """Adds to what was matched where each object was, as the sensory memory and the masks say."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS + 2, CHANNELS, 1)
        self.fuser = FeatureFusion()

    def forward(self, pixels: Tensor, readout: Tensor, sensory: Tensor, masks: Tensor) -> Tensor:
        """(1, 256, h, w), (K, 256, h, w) twice, and (K, 2, 16 h, 16 w) to (K, 256, h, w)."""
        small = F.interpolate(masks, sensory.shape[2:], mode="area")
        was = self.conv(torch.cat([sensory, small], 1))
        fused: Tensor = self.fuser(pixels, readout + was)
        return fused


class Decoder(nn.Module):
    """From what was read at stride 16 to masks at stride 4."""

    def __init__(self) -> None:
        super().__init__()
        self.linear_proj_f8 = nn.Conv2d(F8, CHANNELS, 1)
        self.linear_proj_f4 = nn.Conv2d(F4, 128, 1)
        self.upsample_16_to_8 = UpBlock(CHANNELS, 128)
        self.upsample_8_to_4 = UpBlock(128, 128)
        self.pred = nn.Conv2d(128, 1, 1)
        self.sensory_updater = SensoryUpdate()

    def forward(self, seen: Seen, g16: Tensor, sensory: Tensor) -> tuple[Tensor, Tensor]:
        """(K, 256, h, w) twice to (K, 1, 4 h, 4 w) logits and the new sensory memory."""
        g8 = self.upsample_16_to_8(self.linear_proj_f8(seen.f8), g16)
        g4 = self.upsample_8_to_4(self.linear_proj_f4(seen.f4), g8)
        logits = self.pred(g4)
        return logits, self.sensory_updater.update(sensory, g16, g8, torch.cat([g4, logits], 1))


class UpBlock(nn.Module):
    """Doubles the sides, and adds what the image shows there."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.linear_proj = None if before == after else nn.Conv2d(before, after, 1)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """(1, before, 2 h, 2 w) and (K, before, h, w) to (K, after, 2 h, 2 w)."""
        x = grow(x, skip)
        y = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return torch.add(y, x if self.linear_proj is None else self.linear_proj(x))


class SensoryUpdate(Gates):
    """Takes what the decoder saw at three scales into the sensory memory."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, CHANNELS)
        self.g16_conv = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.g8_conv = nn.Conv2d(128, CHANNELS, 1)
        self.g4_conv = nn.Conv2d(128 + 1, CHANNELS, 1)

    def update(self, sensory: Tensor, g16: Tensor, g8: Tensor, g4: Tensor) -> Tensor:
        """Return the new state."""
        g8 = F.interpolate(g8, scale_factor=1 / 2, mode="area")
        g4 = F.interpolate(g4, scale_factor=1 / 4, mode="area")
        new: Tensor = self(sensory, self.g16_conv(g16) + self.g8_conv(g8) + self.g4_conv(g4))
        return new


def published(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights as the network takes them.

    What only training needs is left out; a mask encoder that was trained with one object gets a
    channel for the others; and the frequencies of positions may be missing, which are no weights.
    """
    found = {key: frequencies() for key in _ENCODINGS}
    found |= {key: each for key, each in weights.items() if not key.startswith("aux_computer.")}
    if _FIRST in found and found[_FIRST].shape[1] == 4:
        found[_FIRST] = F.pad(found[_FIRST], (0, 0, 0, 0, 0, 1))
    return found


def _beside(masks: Tensor) -> Tensor:
    """Return (K, 2, h, w): each of (K, h, w) masks, and the sum of all others', 1 at most."""
    return torch.stack([masks, (masks.sum(0) - masks).clamp(0, 1)], 1)

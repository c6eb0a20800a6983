"""Swin-B (Liu et al. 2021) to stride 16, with the names that published weights have.

Tokens look at each other within windows of 7 x 7, and every second block shifts the windows by
half of that, so that what one window sees reaches its neighbours.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.vit import Perceptron

__all__ = ["SwinB"]

WINDOW = 7
_SHIFT = WINDOW // 2
_PATCH = 4
_WIDTHS, _DEPTHS, _HEADS = (128, 256, 512), (2, 2, 18), (4, 8, 16)
_NEVER = -100.0  # added to the logits of tokens that only the shift has brought together


class SwinB(nn.Module):
    """Three stages of four: the last one would stride to 32."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(_WIDTHS[0])
        afters = (*_WIDTHS[1:], None)
        self.layers = nn.ModuleList(
            Stage(*each) for each in zip(_WIDTHS, _DEPTHS, _HEADS, afters, strict=True)
        )
        for number, width in enumerate(_WIDTHS):
            self.add_module(f"norm{number}", nn.LayerNorm(width))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, h, w), sides multiples of 16, to features at strides 16, 8 and 4.

        They have 512, 256 and 128 channels.
        """
        x, taken = self.patch_embed(image), []
        for number, stage in enumerate(self.layers):
            seen, x = stage(x)
            taken.append(self.get_submodule(f"norm{number}")(seen).movedim(-1, 1))
        f4, f8, f16 = taken
        return f16, f8, f4


class PatchEmbedding(nn.Module):
    """Makes a token of each patch of 4 x 4 pixels (sec. 3.1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, _PATCH, _PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) to (B, h / 4, w / 4, width)."""
        tokens: Tensor = self.norm(self.proj(image).movedim(1, -1))
        return tokens


class Stage(nn.Module):
    """Blocks at one stride, of which every second one shifts its windows.

    Parameters
    ----------
    width, depth, heads : channels, blocks, and heads of their attention
    after : channels after the sides were halved; None where they are not
    """

    def __init__(self, width: int, depth: int, heads: int, after: int | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(width, heads, _SHIFT * (number % 2)) for number in range(depth)
        )
        self.downsample = None if after is None else PatchMerging(width, after)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, h, w, width) to the same, and to (B, h / 2, w / 2, after) for the next stage."""
        for block in self.blocks:
            x = block(x)
        return x, x if self.downsample is None else self.downsample(x)


class PatchMerging(nn.Module):
    """Makes one token of 2 x 2."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * before)
        self.reduction = nn.Linear(4 * before, after, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, before) to (B, h / 2, w / 2, after)."""
        corners = [x[:, top::2, left::2] for left in (0, 1) for top in (0, 1)]
        merged: Tensor = self.reduction(self.norm(torch.cat(corners, -1)))
        return merged


class Block(nn.Module):
    """Attention within windows, then a perceptron (eq. 3).

    Parameters
    ----------
    width, heads : channels, and heads of the attention
    shift : of the windows, in tokens
    """

    def __init__(self, width: int, heads: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, width) to the same."""
        x = torch.add(x, self._within_windows(self.norm1(x)))
        return torch.add(x, self.mlp(self.norm2(x)))

    def _within_windows(self, x: Tensor) -> Tensor:
        """Let tokens look at those of their window; what is beyond the picture is zero."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
        padded = x.shape[1:3]
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        apart = _kept_apart(padded[0], padded[1], self.shift, x) if self.shift else None
        x = _from_windows(self.attn(_windows(x), apart), padded)
        return torch.roll(x, (self.shift, self.shift), (1, 2))[:, :height, :width]


class WindowAttention(nn.Module):
    """Multi-head self-attention with a bias for each offset of two tokens (eq. 4)."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        self.register_buffer("relative_position_index", _offsets())
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        """(B, windows, 49, width) to the same.

        Parameters
        ----------
        x : (B, windows, 49, width) float tensor
        apart : (windows, 49, 49) float tensor or None, added to the logits
        """
        query, key, value = (
            each.unflatten(-1, (self.heads, -1)).transpose(2, 3)  # (B, windows, heads, 49, C)
            for each in self.qkv(x).chunk(3, -1)
        )
        bias = self.relative_position_bias_table[self.relative_position_index].movedim(-1, 0)
        if apart is not None:
            bias = bias + apart[:, None]
        read = F.scaled_dot_product_attention(query, key, value, bias)
        looked: Tensor = self.proj(read.transpose(2, 3).flatten(3))
        return looked


def _offsets() -> Tensor:
    """Return (49, 49) int64: which row of the table is for two tokens of a window."""
    along = torch.arange(WINDOW, device="cpu")  # on the device "meta" this would take seconds
    row, column = torch.meshgrid(along, along, indexing="ij")
    down, right = (
        (each.flatten()[:, None] - each.flatten() + WINDOW - 1) for each in (row, column)
    )
    return down * (2 * WINDOW - 1) + right


def _windows(x: Tensor) -> Tensor:
    """(B, h, w, C), sides multiples of 7, to (B, h / 7 * w / 7, 49, C)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return x.transpose(2, 3).reshape(batch, -1, WINDOW * WINDOW, channels)


def _from_windows(x: Tensor, size: torch.Size) -> Tensor:
    """Return what `_windows` was made of, whose height and width are `size`."""
    height, width = size
    x = x.reshape(len(x), height // WINDOW, width // WINDOW, WINDOW, WINDOW, -1)
    return x.transpose(2, 3).reshape(len(x), height, width, -1)


def _kept_apart(height: int, width: int, shift: int, like: Tensor) -> Tensor:
    """Return (windows, 49, 49): `_NEVER` where two tokens of a shifted window are no neighbours.

    They come from opposite borders of the picture, where the shift wraps round.
    """
    down, right = (
        (at >= side - WINDOW).to(like) + (at >= side - shift)
        for side in (height, width)
        for at in (torch.arange(side, device=like.device),)
    )
    region = _windows((3 * down[:, None] + right)[None, :, :, None])[0, :, :, 0]
    return (region[:, None] != region[:, :, None]).to(like) * _NEVER

"""A plain vision transformer (Dosovitskiy et al. 2021), with the names that published ones have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["EPS", "PATCH", "Block", "Patches", "Perceptron", "positions"]

PATCH = 16
"""Side of a patch, in pixels."""

EPS = 1e-6
"""Of every layer normalisation."""

_HEAD = 64  # channels of a head of attention, in ViT-B and ViT-L alike
_WIDENS = 4  # how much wider the hidden layer of the perceptron is


class Patches(nn.Module):
    """Makes a token of each patch of a picture (eq. 1).

    Parameters
    ----------
    channels : of the picture
    width : channels of a token
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, PATCH, PATCH)

    def forward(self, picture: Tensor) -> Tensor:
        """(B, channels, h, w), sides multiples of 16, to (B, h / 16 * w / 16, width)."""
        tokens: Tensor = self.proj(picture).flatten(2).transpose(1, 2)
        return tokens


class Attention(nn.Module):
    """Multi-head self-attention (eq. 5 to 8): every token looks at every token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) to the same."""
        query, key, value = (
            each.reshape(*each.shape[:2], -1, _HEAD).transpose(1, 2)  # (B, heads, N, 64)
            for each in self.qkv(x).chunk(3, 2)
        )
        read = F.scaled_dot_product_attention(query, key, value)
        looked: Tensor = self.proj(read.transpose(1, 2).flatten(2))
        return looked


class Perceptron(nn.Module):
    """Two layers for each token by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, _WIDENS * width)
        self.fc2 = nn.Linear(_WIDENS * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) to the same."""
        hidden: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return hidden


class Block(nn.Module):
    """One layer of the transformer: attention (eq. 2), then a perceptron (eq. 3).

    Parameters
    ----------
    width : channels of a token, a multiple of 64
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, EPS)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width, EPS)
        self.mlp = Perceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) to the same."""
        x = torch.add(x, self.attn(self.norm1(x)))
        return torch.add(x, self.mlp(self.norm2(x)))


def positions(embedding: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return what says where a token is, for a grid of another size than was trained (sec. 3.2).

    Parameters
    ----------
    embedding : (1, 1 + n * n, width) float tensor
        Of a class token, which is left out, and of a square grid in row-major order.
    grid : rows and columns

    Returns
    -------
    (1, rows * columns, width) float tensor
    """
    side = round((embedding.shape[1] - 1) ** 0.5)
    trained = embedding[:, 1:].transpose(1, 2).reshape(1, -1, side, side)
    fitted = F.interpolate(trained, grid, mode="bicubic", align_corners=False)
    return fitted.flatten(2).transpose(1, 2)

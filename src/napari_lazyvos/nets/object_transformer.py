"""The object transformer of Cutie (Cheng et al. 2024, sec. 3.2 and 3.3), and what it is built of.

A few queries of each object read from the pixels what the object looks like as a whole, and the
pixels read it from them. Modules bear the names that the authors' checkpoints have.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.stm import aggregate

__all__ = [
    "CHANNELS",
    "QUERIES",
    "ChannelBlock",
    "FeatureFusion",
    "ObjectSummary",
    "ObjectTransformer",
    "PositionalEncoding",
    "frequencies",
]

CHANNELS = 256
"""Channels of pixels, queries and values."""

QUERIES = 16
"""Queries of an object: the first half looks at it, the second at all that it is not."""

_HEADS, _BLOCKS, _WIDE = 8, 3, 2048
_TURNS = 32.0  # the position of the last row or column, whatever the size
_NOTHING = 1e-4  # area at which no mean is taken


class ChannelBlock(nn.Module):
    """A residual block that weighs its channels by their means (ECA-Net, Wang et al. 2020)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        reach = int((math.log2(channels) + 1) // 2) | 1  # odd, and more for more channels
        self.conv = nn.Conv1d(1, 1, reach, padding=reach // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        y = self.conv2(F.relu_(self.conv1(F.relu(x))))
        weights = self.conv(y.mean((2, 3))[:, None]).sigmoid()  # (B, 1, C)
        return torch.addcmul(x, y, weights[:, 0, :, None, None])


class FeatureFusion(nn.Module):
    """Makes one feature map for each object, of the image's and its own."""

    def __init__(self) -> None:
        super().__init__()
        self.x_transform = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.y_transform = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.layer1 = ChannelBlock(CHANNELS)
        self.layer2 = ChannelBlock(CHANNELS)

    def forward(self, shared: Tensor, own: Tensor) -> Tensor:
        """(1, 256, h, w) and (K, 256, h, w) to (K, 256, h, w)."""
        fused: Tensor = self.layer2(self.layer1(self.x_transform(shared) + self.y_transform(own)))
        return fused


class PositionalEncoding(nn.Module):
    """Tells places by sines and cosines of their columns, then of their rows."""

    inv_freq: Tensor  # (64,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies())

    def forward(self, rows: int, columns: int) -> Tensor:
        """Return (rows, columns, 256) float32 in [-1, 1]."""
        y = self._along(rows)[:, None].expand(-1, columns, -1)
        x = self._along(columns)[None].expand(rows, -1, -1)
        return torch.cat([x, y], -1)

    def _along(self, count: int) -> Tensor:
        """Return (count, 128): sine and cosine by turns."""
        at = torch.arange(count, device=self.inv_freq.device) / (count - 1 + 1e-6) * _TURNS
        angles = at[:, None] * self.inv_freq
        return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


def frequencies() -> Tensor:
    """Return those of the encoding, (64,) float32: from 1 down to about 1 / 128."""
    half = CHANNELS // 2
    # On the CPU also when a network is made on the meta device: its powers take seconds to import.
    return float(half) ** -(torch.arange(0, half, 2, device="cpu") / half)


class ObjectSummary(nn.Module):
    """What one frame adds to the object memory (sec. 3.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.pos_enc = PositionalEncoding()
        self.input_proj = nn.Linear(CHANNELS, CHANNELS)
        self.feature_pred = _perceptron(CHANNELS)
        self.weights_pred = _perceptron(QUERIES)

    def forward(self, masks: Tensor, values: Tensor) -> Tensor:
        """Sum up what is remembered of each object, always in float32.

        Parameters
        ----------
        masks : (K, h, w) float tensor in [0, 1]
        values : (K, 256, h, w) float tensor

        Returns
        -------
        (K, 16, 257) float32 tensor: sums of features, then the sum of their weights
        """
        with torch.autocast(values.device.type, enabled=False):
            places = self.pos_enc(*masks.shape[1:])
            x = self.input_proj(values.float().permute(0, 2, 3, 1)) + places
            half = masks.float()[..., None].expand(*masks.shape, QUERIES // 2)
            weights = self.weights_pred(x).sigmoid() * torch.cat([half, 1 - half], -1)
            sums = torch.einsum("khwq,khwc->kqc", weights, self.feature_pred(x))
        return torch.cat([sums, weights.sum((1, 2))[..., None]], -1)


class ObjectTransformer(nn.Module):
    """Lets pixels and the queries of each object read from each other (sec. 3.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.query_init = _queries()
        self.query_emb = _queries()
        self.summary_to_query_init = nn.Linear(CHANNELS, CHANNELS)
        self.summary_to_query_emb = nn.Linear(CHANNELS, CHANNELS)
        self.pixel_init_proj = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.pixel_emb_proj = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.spatial_pe = PositionalEncoding()
        self.blocks = nn.ModuleList(Block() for _ in range(_BLOCKS))
        self.mask_pred = nn.ModuleList(
            nn.Sequential(nn.ReLU(), nn.Conv2d(CHANNELS, 1, 1)) for _ in range(_BLOCKS + 1)
        )

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Enrich what was read for each object by what is known of it as a whole.

        Parameters
        ----------
        x : (K, 256, h, w) float tensor
        memory : (K, 16, 257) float32 tensor, the object memory; see `ObjectSummary`

        Returns
        -------
        (K, 256, h, w) float tensor
        (K, 4, h, w) float tensor, logits of the masks that the queries of each block kept to; the
        last ones are for training alone
        """
        means = memory[..., :-1] / (memory[..., -1:] + _NOTHING)
        queries = self.query_init["weight"] + self.summary_to_query_init(means)  # (K, 16, 256)
        names = self.query_emb["weight"] + self.summary_to_query_emb(means)
        places = self.spatial_pe(*x.shape[2:]).permute(2, 0, 1) + self.pixel_emb_proj(x)
        places = _listed(places)  # (K, h * w, 256)
        pixels = self.pixel_init_proj(x)
        logits = [self.mask_pred[0](pixels)]
        for block, predict in zip(self.blocks, self.mask_pred[1:], strict=True):
            queries, pixels = block(queries, names, pixels, places, _blocked(logits[-1][:, 0]))
            logits.append(predict(pixels))
        return pixels, torch.cat(logits, 1)


class Block(nn.Module):
    """Queries read from pixels, then from each other; pixels read from queries."""

    def __init__(self) -> None:
        super().__init__()
        self.read_from_pixel = nn.ModuleDict({"cross_attn": _heads(), "norm": _norm()})
        self.self_attn = nn.ModuleDict({"self_attn": _heads(), "norm": _norm()})
        wide, narrow = nn.Linear(CHANNELS, _WIDE), nn.Linear(_WIDE, CHANNELS)
        self.ffn = nn.ModuleDict({"linear1": wide, "linear2": narrow, "norm": _norm()})
        self.read_from_query = nn.ModuleDict({"cross_attn": _heads()})
        self.pixel_ffn = nn.ModuleDict({"conv": ChannelBlock(CHANNELS)})

    def forward(
        self, queries: Tensor, names: Tensor, pixels: Tensor, places: Tensor, blocked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return queries and pixels after they have read from each other.

        Parameters
        ----------
        queries, names : (K, 16, 256) float tensors; a name is compared, but not read
        pixels : (K, 256, h, w) float tensor
        places : (K, h * w, 256) float tensor, the names of pixels
        blocked : see `_blocked`
        """
        listed = _listed(pixels)
        # The short cut of both attentions is behind the normalisation, as the authors have it.
        x = self.read_from_pixel["norm"](queries)
        x = _read(self.read_from_pixel["cross_attn"], x, names, listed, places, blocked)
        x = self.self_attn["norm"](x)
        x = _read(self.self_attn["self_attn"], x, names, x, names)
        x = x + self.ffn["linear2"](F.relu_(self.ffn["linear1"](self.ffn["norm"](x))))
        listed = _read(self.read_from_query["cross_attn"], listed, places, x, names)
        return x, self.pixel_ffn["conv"](listed.transpose(1, 2).view_as(pixels))


def _read(
    attention: nn.Module,
    x: Tensor,
    names: Tensor,
    read: Tensor,
    their_names: Tensor,
    blocked: Tensor | None = None,
) -> Tensor:
    """Add to (K, N, 256) what each finds in (K, M, 256)."""
    found: Tensor = attention(
        x + names, read + their_names, read, need_weights=False, attn_mask=blocked
    )[0]
    return x + found


def _blocked(logits: Tensor) -> Tensor:
    """Return which pixels a query must not read, (K * heads, 16, h * w) bool, of (K, h, w) logits.

    The first half of an object's queries reads where it wins, the second half elsewhere. One that
    could read nothing may read all.
    """
    shares = aggregate(logits.float().sigmoid())
    own = (shares[1:] >= shares.amax(0)).flatten(1)[:, None].expand(-1, QUERIES // 2, -1)
    blocked = torch.cat([~own, own], 1)
    blocked = blocked & ~blocked.all(-1, keepdim=True)
    return blocked.repeat_interleave(_HEADS, 0)


def _listed(pixels: Tensor) -> Tensor:
    """(K, C, h, w) to (K, h * w, C)."""
    return pixels.flatten(2).transpose(1, 2)


def _queries() -> nn.ParameterDict:
    # Not nn.Embedding: on the meta device its normal distribution takes seconds to import.
    return nn.ParameterDict(
        {"weight": nn.Parameter(torch.empty(QUERIES, CHANNELS).uniform_(-1, 1))}
    )


def _heads() -> nn.MultiheadAttention:
    return nn.MultiheadAttention(CHANNELS, _HEADS, batch_first=True)


def _norm() -> nn.LayerNorm:
    return nn.LayerNorm(CHANNELS)


def _perceptron(after: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(CHANNELS, CHANNELS), nn.ReLU(), nn.Linear(CHANNELS, after))

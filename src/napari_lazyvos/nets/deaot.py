"""DeAOT's transformer (Yang & Yang 2022), which carries identities from frame to frame.

Two streams go through its blocks: what places look like, and whose they are. Modules bear the names
of the authors' checkpoints.

Letters below: N = h * w places of a frame at stride 16, M places that are remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "KEY",
    "VALUE",
    "VISUAL",
    "Memory",
    "Norm",
    "Tokens",
    "Trace",
    "Transformer",
    "map_of",
    "tokens_of",
]

VISUAL, KEY, VALUE = 256, 128, 512
"""Channels of a stream, of a key and of a value."""

BLOCKS = 3
_RADIUS = 7  # of the window of the short-term memory, in places
_SIDE = 2 * _RADIUS + 1


class Tokens(NamedTuple):
    """What one block remembers."""

    key: Tensor  # (M, 128)
    value: Tensor  # (M, 1024): what places look like, then whose they are


Memory: TypeAlias = tuple[Tokens, ...]
"""What all blocks remember, of the same places."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a block made of a frame; it becomes `Tokens` once masks are known."""

    key: Tensor  # (N, 128)
    value: Tensor  # (N, 512)
    stream: Tensor | None  # (N, 256), of identities, normalised; the first block has none


class Transformer(nn.Module):
    """DeAOT's long short-term transformer, in parts."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(first=number == 0) for number in range(BLOCKS))
        self.decoder_norms = nn.ModuleList([Norm(2, 2 * VISUAL)])

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in their order."""
        for block in self.layers:
            assert isinstance(block, Block)
            yield block


class Block(nn.Module):
    """The gated propagation module (GPM) with its two branches.

    Parameters
    ----------
    first : whether nothing is known of identities before
    """

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.norm1 = nn.LayerNorm(VISUAL)
        self.linear_QV = nn.Linear(VISUAL, KEY + VALUE)
        self.linear_U = nn.Linear(VISUAL, VALUE)
        if not first:
            self.id_norm1 = nn.LayerNorm(VISUAL)
            self.linear_ID_U = nn.Linear(VISUAL, VALUE)
        self.linear_ID_V = nn.Linear(VISUAL if first else 2 * VISUAL, VALUE)
        self.long_term_attn = LongTermPropagation()
        self.short_term_attn = ShortTermPropagation()
        self.norm2 = nn.LayerNorm(VISUAL)
        self.id_norm2 = nn.LayerNorm(VISUAL)
        self.self_attn = SelfPropagation()

    def look(self, x: Tensor, d: Tensor) -> tuple[Trace, Tensor]:
        """Return what is compared with memories, and (N, 1024), the gate of what is read there.

        Parameters
        ----------
        x, d : (N, 256) float tensors, the visual stream, and that of identities
        """
        xn = self.norm1(x)
        key, value = self.linear_QV(xn).split([KEY, VALUE], 1)
        gate = F.silu(self.linear_U(xn))
        if self.first:
            return Trace(key, F.silu(value), None), torch.cat([gate, torch.ones_like(gate)], 1)
        dn = self.id_norm1(d)
        gates = torch.cat([gate, F.silu(self.linear_ID_U(dn))], 1)
        return Trace(key, F.silu(value), dn), gates

    def remember(self, trace: Trace, embedding: Tensor) -> Tokens:
        """Return what is remembered of a frame whose masks are in an (N, 256) embedding."""
        if trace.stream is not None:
            embedding = torch.cat([trace.stream, embedding], 1)
        identity = F.silu(self.linear_ID_V(embedding))
        return Tokens(trace.key, torch.cat([trace.value, identity], 1))

    def forward(
        self,
        x: Tensor,
        d: Tensor,
        query: Tensor,
        gate: Tensor,
        long: Tokens,
        short: Tokens,
        grid: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """Return both streams, (N, 256) each, after memories and the frame itself were read.

        Parameters
        ----------
        x, d : see `look`
        query, gate : (N, 128) and (N, 1024) float tensors, from there
        long, short : of any number of frames, and of the frame before
        grid : rows and columns of the N places
        """
        read = self.long_term_attn(query, long, gate, grid)
        read = read + self.short_term_attn(query, short, gate, grid)
        x, d = x + read[:, :VISUAL], d + read[:, VISUAL:]
        own = self.self_attn(self.norm2(x), self.id_norm2(d), grid)
        return x + own[:, :VISUAL], d + own[:, VISUAL:]


class Propagation(nn.Module):
    """Gated propagation, a base class: ``GP(U, Q, K, V) = F(U * Att(Q, K) V) W``.

    U is the gate and F a convolution of 5 x 5, channel by channel.
    """

    def __init__(self) -> None:
        super().__init__()
        around = nn.Conv2d(2 * VALUE, 2 * VALUE, 5, padding=2, groups=2 * VALUE, bias=False)
        self.dw_conv = nn.ModuleDict({"conv": around})
        self.projection = nn.Linear(2 * VALUE, 2 * VISUAL)

    def propagated(
        self,
        query: Tensor,
        memory: Tokens,
        gate: Tensor,
        grid: tuple[int, int],
        bias: Tensor | None = None,
    ) -> Tensor:
        """Return (N, 512), what is added to both streams.

        Parameters
        ----------
        query : (N, 128) float tensor
        memory : of M places
        gate : (N, 1024) float tensor
        grid : rows and columns of the N places
        bias : (N, M) float tensor or None, added to the logits
        """
        asked, key, value = query[None], memory.key[None], memory.value[None]
        bias = None if bias is None else bias[None]
        read = F.scaled_dot_product_attention(asked, key, value, bias)[0]
        around = self.dw_conv["conv"](map_of(read * gate, grid))
        added: Tensor = self.projection(tokens_of(around))
        return added


class LongTermPropagation(Propagation):
    """Reads all that is remembered, wherever it is."""

    def forward(self, query: Tensor, memory: Tokens, gate: Tensor, grid: tuple[int, int]) -> Tensor:
        """See `propagated`."""
        return self.propagated(query, memory, gate, grid)


class ShortTermPropagation(Propagation):
    """Reads the frame before, in a window of 15 x 15 around the same place."""

    def __init__(self) -> None:
        super().__init__()
        self.relative_emb_k = nn.Conv2d(KEY, _SIDE * _SIDE, 1)

    def forward(self, query: Tensor, memory: Tokens, gate: Tensor, grid: tuple[int, int]) -> Tensor:
        """See `propagated`; M = N."""
        by_offset = F.pad(tokens_of(self.relative_emb_k(map_of(query, grid))), (0, 1), value=-inf)
        return self.propagated(
            query, memory, gate, grid, by_offset.gather(1, _offsets(grid, query.device))
        )


class SelfPropagation(Propagation):
    """Reads the frame itself, compared by both streams."""

    def __init__(self) -> None:
        super().__init__()
        self.linear_QK = nn.Linear(2 * VISUAL, KEY)
        self.linear_V1 = nn.Linear(VISUAL, VALUE)
        self.linear_V2 = nn.Linear(VISUAL, VALUE)
        self.linear_U1 = nn.Linear(VISUAL, VALUE)
        self.linear_U2 = nn.Linear(VISUAL, VALUE)

    def forward(self, x: Tensor, d: Tensor, grid: tuple[int, int]) -> Tensor:
        """(N, 256) twice, normalised, to (N, 512)."""
        key = self.linear_QK(torch.cat([x, d], 1))
        value = torch.cat([self.linear_V1(x), self.linear_V2(d)], 1)
        gate = torch.cat([self.linear_U1(x), self.linear_U2(d)], 1)
        return self.propagated(key, Tokens(key, F.silu(value)), F.silu(gate), grid)


class Norm(nn.Module):
    """Group normalisation, by the name that it has in the checkpoints."""

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(groups, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        return torch.as_tensor(self.gn(x))


@lru_cache(maxsize=2)
def _offsets(grid: tuple[int, int], device: torch.device) -> Tensor:
    """Return (N, N) int64: where the second place is in the window of the first; 225: outside."""
    row, column = torch.meshgrid(
        *(torch.arange(side, device=device) for side in grid), indexing="ij"
    )
    down, right = (each.flatten() - each.flatten()[:, None] + _RADIUS for each in (row, column))
    inside = (down.clamp(0, _SIDE - 1) == down) & (right.clamp(0, _SIDE - 1) == right)
    return torch.where(inside, down * _SIDE + right, _SIDE * _SIDE)


def map_of(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """(N, C) to (1, C, h, w)."""
    return tokens.T.reshape(1, -1, *grid)


def tokens_of(x: Tensor) -> Tensor:
    """(1, C, h, w) to (N, C)."""
    return x[0].flatten(1).T

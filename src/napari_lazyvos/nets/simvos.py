"""The network of SimVOS (Wu, Yang, Wu & Chan 2023): one ViT looks at all frames together.

What is seen in a frame and where it matches another one are not two steps: tokens of remembered
frames, with an object's mask in them, and of the frame asked about go through the same blocks.
Objects know nothing of each other until `stm.aggregate`. Modules bear the names of the authors'
checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.stm import ResBlock, UpBlock, full_masks
from napari_lazyvos.nets.vit import EPS, PATCH, Block, Patches, positions

__all__ = ["PROTOTYPES", "SimVosNet", "Sizes", "weigh"]

PROTOTYPES = 384
"""Tokens to which token refinement reduces an object in a frame, and again its background."""

_TRAINED = 24  # rows and columns of tokens in the pictures that it was trained with


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the transformer; those of ViT-B by default."""

    width: int = 768
    depth: int = 12

    @classmethod
    def of(cls, weights: dict[str, Tensor]) -> Sizes:
        """Read them off published weights.

        Raises
        ------
        KeyError
            If the weights are not SimVOS'.
        """
        depth = sum(key.endswith(".attn.qkv.weight") for key in weights)
        return cls(weights["pos_embed_new"].shape[2], depth)


class SimVosNet(nn.Module):
    """Makes tokens of frames, and masks of tokens.

    Letters below: C channels of a token, L = h / 16 * w / 16 tokens of a frame, M tokens that are
    remembered of one for an object.

    Parameters
    ----------
    sizes : see `Sizes`
    layer_index : int
        In so many blocks, the first ones, a token looks at its own frame only (within-frame
        attention), so that what they make of a frame is made once. 0: at all frames in every block.
    refined : bool
        Whether a remembered frame is reduced to 2 * `PROTOTYPES` tokens after these blocks (token
        refinement), M; else M = L.
    """

    def __init__(
        self, sizes: Sizes | None = None, *, layer_index: int = 0, refined: bool = False
    ) -> None:
        super().__init__()
        self.sizes = sizes or Sizes()
        self.layer_index = layer_index
        self.refined = refined
        width = self.sizes.width
        self.patch_embed = Patches(3, width)
        self.mask_patch_embed = Patches(1, width)
        # Not randn: on the meta device it loads torch's compiler, and that kills an open window.
        places = torch.empty(1, 1 + _TRAINED**2, width)
        self.pos_embed_new = nn.Parameter(places.uniform_(-0.02, 0.02))
        self.blocks = nn.ModuleList(Block(width) for _ in range(self.sizes.depth))
        self.norm = nn.LayerNorm(width, EPS)
        if refined:
            self.tlearner = TokenLearner(width)
            self.tlearner_back = TokenLearner(width)
        self.fpn2 = nn.Sequential(_doubled(width, 512))
        self.fpn1 = nn.Sequential(
            _doubled(width, width), ChannelNorm(width), nn.GELU(), _doubled(width, 256)
        )
        self.stcn_decoder = Decoder(width)

    def embed(self, image: Tensor) -> Tensor:
        """Look at a (1, 3, h, w) image, normalised as ImageNet's; sides are multiples of 16.

        Returns
        -------
        (1, L, C) float tensor: patch + position
        """
        patches: Tensor = self.patch_embed(image)
        return patches + positions(self.pos_embed_new, _grid_of(image))

    def within_frame(self, tokens: Tensor) -> Tensor:
        """Let the tokens of each frame look at each other: (B, L, C) to the same.

        Of a frame in which masks are looked for, that is all; it is the same for all objects.
        """
        for block in self.blocks[: self.layer_index]:
            tokens = block(tokens)
        return tokens

    def encode_memory(self, embedded: Tensor, masks: Tensor) -> Tensor:
        """Return (K, M, C): the tokens of a frame in which each object's mask is known.

        Parameters
        ----------
        embedded : (1, L, C) float tensor, see `embed`
        masks : (K, h, w) float tensor in [0, 1], of objects only
        """
        tokens = self.within_frame(embedded + self.mask_patch_embed(masks[:, None]))
        if not self.refined:
            return tokens
        grid = _grid_of(masks)
        foreground, background = weigh(masks, grid)
        objects: Tensor = self.tlearner(tokens, foreground, grid)
        return torch.cat([objects, self.tlearner_back(tokens, background, grid)], 1)

    def decode(self, memory: Tensor, query: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return the mask of one object, an (h, w) float tensor in [0, 1].

        Parameters
        ----------
        memory : (N * M, C) float tensor, what is remembered of the object in N frames
        query : (1, L, C) float tensor, see `within_frame`
        grid : rows and columns of the query's tokens
        """
        return full_masks(self.stcn_decoder(*self.pyramid(memory, query, grid)))[0]

    def pyramid(
        self, memory: Tensor, query: Tensor, grid: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the query's tokens become beside those in memory; see `decode`.

        Joint feature extraction and matching: x = [memory; query] goes through all blocks that
        are left, and the last L tokens of it are taken.

        Returns
        -------
        (1, C, h / 16, w / 16), (1, 512, h / 8, w / 8) and (1, 256, h / 4, w / 4) float tensors
        """
        x = torch.cat([memory[None], query], 1)
        for block in self.blocks[self.layer_index :]:
            x = block(x)
        f16 = _map_of(self.norm(x[:, -query.shape[1] :]), grid)
        return f16, self.fpn2(f16), self.fpn1(f16)


class TokenLearner(nn.Module):
    """Reduces the tokens of a frame to prototypes, of an object or of its background.

    With A = softmax over places of the logits of (L, 384), prototypes = norm(A^T tokens).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input_norm = nn.LayerNorm(1 + width, EPS)
        self.patch_to_cluster_atten = nn.Sequential(
            nn.Conv2d(1 + width, width // 4, 3, padding=1, bias=False), nn.GELU()
        )
        self.patch_to_cluster_linear = nn.Linear(width // 4, PROTOTYPES)
        self.norm = nn.LayerNorm(width, EPS)

    def forward(self, tokens: Tensor, weights: Tensor, grid: tuple[int, int]) -> Tensor:
        """(K, L, C) tokens to (K, 384, C).

        Parameters
        ----------
        tokens : (K, L, C) float tensor
        weights : (K, L) float tensor in [0, 1]; where it is 0, nothing is taken
        grid : rows and columns of the tokens
        """
        seen = self.input_norm(torch.cat([tokens, weights[:, :, None]], 2))
        seen = self.patch_to_cluster_atten(_map_of(seen, grid)).flatten(2).transpose(1, 2)
        logits = self.patch_to_cluster_linear(seen).masked_fill(
            weights[:, :, None] == 0, -torch.inf
        )
        shares = logits.softmax(1).nan_to_num()  # of an object that is nowhere: nothing
        prototypes: Tensor = self.norm(shares.transpose(1, 2) @ tokens)
        return prototypes


class ChannelNorm(nn.Module):
    """Normalises the channels of each place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        normal: Tensor = self.ln(x.movedim(1, -1)).movedim(-1, 1)
        return normal


class Decoder(nn.Module):
    """STCN's, of features that know the object already: there is no readout beside them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.compress = ResBlock(width, 512)
        self.up_16_8 = UpBlock(512, 512, 256)
        self.up_8_4 = UpBlock(256, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)

    def forward(self, f16: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        """See `SimVosNet.pyramid`; returns (1, 1, h / 4, w / 4) logits."""
        g8 = self.up_16_8(self.up_16_8.skip(f8), self.compress(f16))
        logits: Tensor = self.pred(F.relu(self.up_8_4(self.up_8_4.skip(f4), g8)))
        return logits


def weigh(masks: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return how much each place of a frame counts for an object, and for its background.

    With p the object's probability and w = 1 where no other label has a greater one, else 0:
    foreground p w, background (1 - p) (1 - w). Where labels are compared, a pixel is the
    background's only if no object claims anything of it that float32 can tell from nothing.

    Parameters
    ----------
    masks : (K, h, w) float tensor in [0, 1], of objects only
    grid : rows and columns of places

    Returns
    -------
    two (K, L) float tensors in [0, 1]
    """
    nobody = (1 - masks.sum(0, keepdim=True) == 1).to(masks)
    labels = torch.cat([nobody, masks])[None]
    chances = F.interpolate(labels, grid, mode="bilinear", align_corners=False)[0].flatten(1)
    best, own = chances.argmax(0), torch.arange(1, len(chances), device=masks.device)
    p, w = chances[1:], (best == own[:, None]).to(masks)
    return p * w, (1 - p) * (1 - w)


def _doubled(before: int, after: int) -> nn.ConvTranspose2d:
    """Return a layer that doubles the sides."""
    return nn.ConvTranspose2d(before, after, 2, 2)


def _grid_of(picture: Tensor) -> tuple[int, int]:
    """Return the rows and columns of patches in a (..., h, w) picture."""
    return picture.shape[-2] // PATCH, picture.shape[-1] // PATCH


def _map_of(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """(B, L, C) to (B, C, rows, columns)."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *grid)

"""The network of MAVOS (Shaker et al. 2024): DeAOT with a memory that keeps its size.

What MAVOS adds to `deaot` is the modulated cross-attention, MCA, that takes a new frame into what
is remembered. Modules bear the names of the authors' checkpoints.

Letters below: N = h * w places of a frame at stride 16.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.nets.deaot import (
    BLOCKS,
    KEY,
    VALUE,
    VISUAL,
    Memory,
    Norm,
    Tokens,
    Trace,
    Transformer,
    map_of,
    tokens_of,
)
from napari_lazyvos.nets.livos import ImageEncoder
from napari_lazyvos.nets.mobilenet import MobileNetV2
from napari_lazyvos.nets.swin import SwinB
from napari_lazyvos.nets.vit import Perceptron

__all__ = ["IDENTITIES", "STRIDE", "MavosNet", "Seen", "encoder_of"]

IDENTITIES = 10
"""Objects that the network can tell apart at a time."""

STRIDE = 16
"""Of the places that are compared, in pixels."""

_HEADS = 4  # of the MCA; all other attention has one
_ENCODERS: dict[str, tuple[Callable[[], nn.Module], str, tuple[int, ...]]] = {
    # how its keys begin; channels of the last features, and of those at strides 16, 8 and 4
    "mobilenetv2": (MobileNetV2, "encoder.features.", (1280, 96, 32, 24)),
    "r50": (ImageEncoder, "encoder.layer1.", (1024, 1024, 512, 256)),
    "swinb": (SwinB, "encoder.patch_embed.", (512, 512, 256, 128)),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the network sees in an image, before any mask."""

    grid: tuple[int, int]  # h, w
    x: Tensor  # (N, 256), the visual stream at its beginning
    f16: Tensor  # (1, C, h, w), and so on
    f8: Tensor
    f4: Tensor


def encoder_of(weights: dict[str, Tensor]) -> str:
    """Return the encoder that published weights have: mobilenetv2, r50 or swinb.

    Raises
    ------
    KeyError
        If they have none of these.
    """
    for name, (_, begin, _) in _ENCODERS.items():
        if any(key.startswith(begin) for key in weights):
            return name
    raise KeyError("encoder")


class MavosNet(nn.Module):
    """Makes tokens of frames and masks, and masks of tokens.

    Parameters
    ----------
    encoder : {"mobilenetv2", "r50", "swinb"}
    """

    def __init__(self, encoder: str = "mobilenetv2") -> None:
        super().__init__()
        self.encoder_name = encoder
        self.aligned = encoder != "swinb"
        """Whether the outermost places lie on the picture's border: its sides are 16 k + 1."""
        make, _, (last, *taken) = _ENCODERS[encoder]
        self.encoder = _frozen(make())
        self.encoder_projector = nn.Conv2d(last, VISUAL, 1)
        self.LSTT = Transformer()
        self.decoder = Decoder(*taken, aligned=self.aligned)
        kernel, margin = (STRIDE + 1, STRIDE // 2) if self.aligned else (STRIDE, 0)
        self.patch_wise_id_bank = nn.Conv2d(1 + IDENTITIES, VISUAL, kernel, STRIDE, margin)
        self.id_norm = nn.LayerNorm(VISUAL)
        self.long_term_memory_attention = nn.ModuleList(Modulation() for _ in range(BLOCKS))

    def encode_image(self, image: Tensor) -> Seen:
        """Look at a (1, 3, h, w) image, normalised; see `aligned` about its sides."""
        features = self.encoder(image)
        x = self.encoder_projector(features[0])
        return Seen((x.shape[2], x.shape[3]), tokens_of(x), *features[-3:])

    def embed(self, masks: Tensor) -> Tensor:
        """Return (N, 256), whose each place is.

        Parameters
        ----------
        masks : (11, h, w) float tensor of 0 and 1, background first
        """
        embedding: Tensor = self.id_norm(tokens_of(self.patch_wise_id_bank(masks[None])))
        return embedding

    def introduce(self, seen: Seen, embedding: Tensor) -> Memory:
        """Return what is remembered of a frame whose masks are given: it is compared with itself.

        Parameters
        ----------
        seen : of the image
        embedding : see `embed`
        """
        x, d, memory = seen.x, torch.zeros_like(seen.x), []
        for block in self.LSTT.blocks():
            trace, gate = block.look(x, d)
            own = block.remember(trace, embedding)
            memory.append(own)
            x, d = block(x, d, trace.key, gate, own, own, seen.grid)
        return tuple(memory)

    def propagate(self, seen: Seen, long: Memory, short: Memory) -> tuple[Tensor, list[Trace]]:
        """Carry identities from what is remembered to a frame.

        Parameters
        ----------
        seen : of the image
        long : of M places, any number of frames
        short : of N places, the frame before

        Returns
        -------
        (1, 512, h, w) float tensor, for `decode`
        traces of the blocks, for `remember`
        """
        x, d, traces = seen.x, torch.zeros_like(seen.x), []
        for block, far, near in zip(self.LSTT.blocks(), long, short, strict=True):
            trace, gate = block.look(x, d)
            traces.append(trace)
            x, d = block(x, d, trace.key, gate, far, near, seen.grid)
        return self.LSTT.decoder_norms[0](map_of(torch.cat([x, d], 1), seen.grid)), traces

    def remember(self, traces: list[Trace], embedding: Tensor) -> Memory:
        """Return what is remembered of a frame that was propagated to."""
        blocks = zip(self.LSTT.blocks(), traces, strict=True)
        return tuple(block.remember(trace, embedding) for block, trace in blocks)

    def modulate(self, new: Memory, old: Memory, grid: tuple[int, int]) -> Memory:
        """Return what is remembered after one more frame, of as many places as before: MCA.

        Parameters
        ----------
        new, old : of N places each
        grid : rows and columns of these
        """
        each = zip(self.long_term_memory_attention, new, old, strict=True)
        return tuple(block(after, before, grid) for block, after, before in each)

    def decode(self, seen: Seen, propagated: Tensor, objects: int, size: tuple[int, int]) -> Tensor:
        """Return (1 + objects, *size) logits of the first identities, background first.

        Parameters
        ----------
        seen : of the image
        propagated : (1, 512, h, w) float tensor
        objects : how many identities are in use
        size : height and width
        """
        logits = self.decoder(propagated, seen)[:, : 1 + objects]
        return _resized(logits, size, aligned=self.aligned)[0]


class Modulation(nn.ModuleDict):
    """Takes a frame into what one block remembers, each kind of tokens by itself."""

    def __init__(self) -> None:
        sizes = {"0": KEY, "1": VALUE, "3": VALUE}  # 2: keys of identities, which DeAOT has not
        super().__init__(
            {name: nn.ModuleDict({"joint_modulation": Mca(s)}) for name, s in sizes.items()}
        )

    def forward(self, new: Tokens, old: Tokens, grid: tuple[int, int]) -> Tokens:
        """Return tokens of the same shapes."""
        kinds = (kind.get_submodule("joint_modulation") for kind in self.values())
        parts = zip(_parts(new), _parts(old), strict=True)
        key, *values = (mca(*each, grid) for mca, each in zip(kinds, parts, strict=True))
        return Tokens(key, torch.cat(values, 1))


class Mca(nn.Module):
    """Modulated cross-attention: new tokens ask the old ones, in what context they were.

    Parameters
    ----------
    width : channels, C
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_l = nn.LayerNorm(width)
        self.norm_c = nn.LayerNorm(width)
        self.attn = ModulatedAttention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)

    def forward(self, new: Tensor, old: Tensor, grid: tuple[int, int]) -> Tensor:
        """(N, C) twice to (N, C)."""
        x = torch.add(new, self.attn(self.norm_l(new), self.norm_c(old), grid))
        return torch.add(x, self.mlp(self.norm2(x)))


class ModulatedAttention(nn.Module):
    """Cross-attention whose values are contexts of growing reach, gated place by place."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.f_context = nn.Linear(width, width + 3)
        self.focal_layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, k, padding=k // 2, groups=width, bias=False))
            for k in (3, 5)
        )
        self.h = nn.Conv2d(width, width, 1)
        self.proj = nn.Linear(width, width)

    def forward(self, new: Tensor, old: Tensor, grid: tuple[int, int]) -> Tensor:
        """(N, C) twice, normalised, to (N, C)."""
        query, key, value = (
            each.unflatten(1, (_HEADS, -1)).transpose(0, 1)  # (heads, N, C / heads)
            for each in (self.q(new), self.k(old), self.modulators(old, grid))
        )
        read = F.scaled_dot_product_attention(query, key, value)
        return torch.as_tensor(self.proj(read.transpose(0, 1).flatten(1)))

    def modulators(self, old: Tensor, grid: tuple[int, int]) -> Tensor:
        """Sum contexts of 3 x 3, of 7 x 7 and of all places by their gates, (N, C) to (N, C)."""
        width = old.shape[1]
        both = map_of(self.f_context(old), grid)
        context, gates = both[:, :width], both[:, width:].chunk(3, 1)
        contexts = []
        for layer in self.focal_layers:
            context = F.gelu(layer(context))
            contexts.append(context)
        contexts.append(F.gelu(context.mean((2, 3), keepdim=True)))
        summed = torch.stack([gate * each for gate, each in zip(gates, contexts, strict=True)])
        # Not `tokens_of`: the authors' program takes the channels' maps, one after the other, for
        # tokens, and so their weights were trained.
        return torch.as_tensor(self.h(summed.sum(0))).reshape(-1, width)


class ConvNorm(Norm):
    """A convolution, a group normalisation and a ReLU."""

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__(8, after)
        self.conv = nn.Conv2d(before, after, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, h, w) to (B, after, h, w)."""
        return F.relu_(self.gn(self.conv(x)))


class Decoder(nn.Module):
    """A feature pyramid from stride 16 to 4.

    Parameters
    ----------
    f16, f8, f4 : channels of the image's features
    aligned : see `MavosNet.aligned`
    """

    def __init__(self, f16: int, f8: int, f4: int, *, aligned: bool) -> None:
        super().__init__()
        self.aligned = aligned
        self.conv_in = ConvNorm(2 * VISUAL, 256, 1)
        self.conv_16x = ConvNorm(256, 256, 3)
        self.conv_8x = ConvNorm(256, 128, 3)
        self.conv_4x = ConvNorm(128, 128, 3)
        self.adapter_16x = nn.Conv2d(f16, 256, 1)
        self.adapter_8x = nn.Conv2d(f8, 256, 1)
        self.adapter_4x = nn.Conv2d(f4, 128, 1)
        self.conv_out = nn.Conv2d(128, 1 + IDENTITIES, 1)

    def forward(self, propagated: Tensor, seen: Seen) -> Tensor:
        """(1, 512, h, w) to (1, 11, 4 h, 4 w) logits; 4 h - 3 and so on where `aligned`."""
        x = self.conv_16x(self.conv_in(propagated) + self.adapter_16x(seen.f16))
        x = _resized(x, seen.f8.shape[2:], aligned=self.aligned)
        x = self.conv_8x(x + self.adapter_8x(seen.f8))
        x = _resized(x, seen.f4.shape[2:], aligned=self.aligned)
        x = self.conv_4x(x + self.adapter_4x(seen.f4))
        logits: Tensor = self.conv_out(x)
        return logits


def _frozen(encoder: nn.Module) -> nn.Module:
    """Let normalisations count no batches: those of published weights never learn."""
    for each in encoder.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.track_running_stats = False  # else weights without a count would be given one
            each.num_batches_tracked = None
    return encoder


def _parts(tokens: Tokens) -> tuple[Tensor, ...]:
    """Return the keys, what places look like, and whose they are."""
    return tokens.key, *tokens.value.chunk(2, 1)


def _resized(x: Tensor, size: Sequence[int], *, aligned: bool) -> Tensor:
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=aligned)

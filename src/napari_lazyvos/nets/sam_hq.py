"""SAM-HQ (Ke et al. 2023), from the package segment_anything_hq: an image once, then clicks on it.

The image encoder, the prompt encoder, the transformer and all weights are the package's. The last
steps of its mask decoder are done here in another order: what depends on the image alone is
computed once for an image, and what a click costs is a third of what it is there, with the same
result up to rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.weights import Weights, fill, read

__all__ = ["MODELS", "PROMPT", "SIDE", "Features", "SamHq"]

MODELS = ("vit_tiny", "vit_b", "vit_l", "vit_h")
"""Names of the published networks, the smallest first."""

WIDTHS = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}
"""Channels of the image encoder, by which the larger networks are told apart."""

SIDE = 1024
"""Side in pixels of the square that the network sees."""

PROMPT = 256
"""Side in pixels of the masks that it takes and gives, which cover the same square."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the decoder needs of one image."""

    image: Tensor  # (1, 256, 64, 64)
    fine: Tensor  # (32, 256, 256), of an early layer and of the last one: the paper's HQ features


class SamHq:
    """The network, with weights.

    Parameters
    ----------
    weights : published ones of any of `MODELS`; see `Weights`
    device : torch.device

    Raises
    ------
    LazyVosError
        If the package is missing, or the weights are not SAM-HQ's.
    """

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self.device = device
        self._net = _load(weights).to(device)
        with torch.inference_mode():
            places: Tensor = self._net.prompt_encoder.get_dense_pe()
            self._places = places.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def look(self, image: Tensor) -> Features:
        """Encode an image; the slow part.

        Parameters
        ----------
        image : (3, h, w) uint8, RGB; the longer side is `SIDE`
        """
        last, early = self._net.image_encoder(self._net.preprocess(image[None].to(self.device)))
        decoder = self._net.mask_decoder
        fine = decoder.embedding_encoder(last)
        fine += decoder.compress_vit_feat(early[0].permute(0, 3, 1, 2))
        # The transformer reads places one after the other, with their channels together.
        return Features(last.contiguous(memory_format=torch.channels_last), fine[0].contiguous())

    @torch.inference_mode()
    def answer(
        self,
        features: Features,
        points: Tensor,
        kinds: Tensor,
        prompt: Tensor | None = None,
        *,
        multimask: bool,
        hq_token_only: bool,
    ) -> Tensor:
        """Segment what clicks are about.

        Parameters
        ----------
        features : of the image
        points : (N, 2) float32, x and y in pixels of the image that was encoded
        kinds : (N,) int, 1 for positive clicks and 0 for negative ones
        prompt : (1, 1, 256, 256) float32 or None, logits of the mask so far
        multimask : add the likeliest of SAM's three masks, and not its single one
        hq_token_only : add none of them

        Returns
        -------
        (256, 256) float32 logits
        """
        decoder = self._net.mask_decoder
        clicks, mask = self._net.prompt_encoder(
            points=(points[None].to(self.device), kinds[None].to(self.device)),
            boxes=None,
            masks=None if prompt is None else prompt.to(self.device),
        )
        own = (decoder.iou_token.weight, decoder.mask_tokens.weight, decoder.hf_token.weight)
        tokens = torch.cat([*own, clicks[0]])[None]
        told, seen = decoder.transformer(features.image + mask, self._places, tokens)
        score, *masks, hq = told[0, : sum(map(len, own))]
        upscaled = _upscale(decoder.output_upscaling, seen[0])
        weights = decoder.hf_mlp(hq)
        logits = _hq_mask(decoder.embedding_maskfeature, upscaled, features.fine, weights)
        if hq_token_only:
            return logits
        chosen = 1 + int(decoder.iou_prediction_head(score)[1:].argmax()) if multimask else 0
        weights = decoder.output_hypernetworks_mlps[chosen](masks[chosen])
        return logits + _weighted(upscaled[0], weights)


def _upscale(layers: nn.Sequential, seen: Tensor) -> Tensor:
    """Return (64 * 64, C) places at a fourth of the stride: (1, C / 8, 256, 256), channels last.

    Pixels are put in their order at the end, once, since all layers treat each on its own.
    """
    first, norm, activation, second, last = layers
    pixels = activation(_normed(norm, _halved(first, seen)))
    pixels = last(_halved(second, pixels))  # (64 * 64, 4, 4, C)
    grid = pixels.view(64, 64, 2, 2, 2, 2, -1)  # y, x, then two times y, x within the pixel before
    image: Tensor = grid.permute(0, 2, 4, 1, 3, 5, 6).reshape(1, PROMPT, PROMPT, -1)
    return image.permute(0, 3, 1, 2)


def _halved(layer: Any, pixels: Tensor) -> Tensor:
    """Apply a transposed convolution, size and stride 2, to (..., C) pixels: (..., 4, D)."""
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (2 * 2 * D, C)
    halved: Tensor = F.linear(pixels, weight, layer.bias.repeat(4))
    return halved.view(*pixels.shape[:-1], 4, -1)


def _normed(norm: Any, pixels: Tensor) -> Tensor:
    """Apply the package's normalisation over channels to (..., C) pixels."""
    return F.layer_norm(pixels, norm.weight.shape, norm.weight, norm.bias, norm.eps)


def _hq_mask(layers: nn.Sequential, upscaled: Tensor, fine: Tensor, weights: Tensor) -> Tensor:
    """Return the mask of the HQ token, (256, 256) logits.

    Of the last convolution only a weighted sum of its channels is needed, which is a convolution
    to a single channel.
    """
    first, norm, activation, last = (cast(Any, layer) for layer in layers)
    features = activation(_normed(norm, first(upscaled).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
    kernel = torch.einsum("c,cdyx->dyx", weights, last.weight)[None]
    mask = F.conv2d(features, kernel, (weights @ last.bias)[None], padding=1)[0, 0]
    return mask + _weighted(fine, weights)


def _weighted(features: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum of the (C, h, w) channels, (h, w)."""
    return torch.einsum("c,chw->hw", weights, features)


def _load(weights: Weights) -> Any:
    """Return the package's network that the weights are of, with them.

    It is told that it predicts after the weights are in, and must be: the tiny one takes the biases
    of its attention over at that moment.
    """
    registry = _registry()
    state = read(weights, "sam_hq")
    model = _model_of(state)
    try:
        return fill(registry[model](checkpoint=None), state, "sam_hq")
    except LazyVosError as error:
        raise LazyVosError(f"{error} They were taken for those of SAM-HQ {model}.") from None


def _model_of(state: dict[str, Tensor]) -> str:
    """Return which of `MODELS` weights are of: the tiny one has no table of places.

    Raises
    ------
    LazyVosError
        If they are not SAM-HQ's.
    """
    if "image_encoder.patch_embed.seq.0.c.weight" in state:
        return "vit_tiny"
    places = state.get("image_encoder.pos_embed")
    model = None if places is None else WIDTHS.get(places.shape[-1])
    if model is None:
        raise LazyVosError(
            f"These weights are not SAM-HQ's: none of {', '.join(MODELS)} looks at images so."
        )
    return model


def _registry() -> dict[str, Any]:
    """Return the package's functions that make a network, by their names."""
    try:
        with _modules_it_asks_for():
            from segment_anything_hq import sam_model_registry
    except ImportError as error:
        raise LazyVosError(
            f"SAM-HQ cannot be loaded ({error}): pip install 'napari-lazyvos[sam]'."
        ) from error
    registry: dict[str, Any] = sam_model_registry
    return registry


@contextmanager
def _modules_it_asks_for() -> Iterator[None]:
    """Lend the package two modules of timm while it is imported.

    The real ones warn that they will go. And through them the package would put networks of its
    own in place of timm's, for everybody in this process who asks timm for one.
    """
    import timm.layers
    import timm.models

    registry = ModuleType("timm.models.registry")
    vars(registry)["register_model"] = lambda make: make
    lent = {"timm.models.layers": timm.layers, registry.__name__: registry}
    before = {name: sys.modules[name] for name in lent if name in sys.modules}
    sys.modules.update(lent)
    try:
        yield
    finally:
        for name in lent:
            del sys.modules[name]
        sys.modules.update(before)

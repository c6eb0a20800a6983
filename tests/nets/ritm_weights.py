"""Weights for RITM that anyone can make anew: each tensor is a function of its name and shape.

The rule is that of the parity vectors of the other networks, as far as RITM's tensors go; numbers
are sums of integers, and the same bit for bit everywhere.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
import torch

SALT = "5:"
MIDDLE = 2 * 0xFFFF  # mean of the sum of four 16-bit numbers
DEVIATION = math.sqrt(4 * (65536.0**2 - 1) / 12)


def weights(net: Any, *, scale: float, gain: float, level: float) -> dict[str, torch.Tensor]:
    """Return synthetic weights of a network.

    Parameters
    ----------
    net : RitmNet
    scale : how much clicks and the mask so far count beside the image
    gain, level : logits are `gain` times what they would be, less `level`
    """
    state: dict[str, torch.Tensor] = net.state_dict()
    filled = {name: _values(name, tensor) for name, tensor in state.items()}
    filled["maps_transform.3.scale"] = torch.full((1,), scale)
    filled["feature_extractor.cls_head.weight"] *= gain
    filled["feature_extractor.cls_head.bias"] = torch.full((1,), -gain * level)
    return filled


def fingerprint(state: dict[str, torch.Tensor]) -> str:
    """Return eight hex digits of all names and numbers."""
    crc = 0
    for name in sorted(state):
        if state[name].is_floating_point():
            crc = zlib.crc32(name.encode(), crc)
            crc = zlib.crc32(state[name].numpy().astype("<f4").tobytes(), crc)
    return f"{crc:08x}"


def _values(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return torch.zeros_like(tensor)
    shape = tuple(tensor.shape)
    words = np.random.PCG64(zlib.crc32((SALT + name).encode())).random_raw(math.prod(shape))
    parts = [(words >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    number = np.sum(parts, 0, dtype=np.int64) - MIDDLE
    fan_in = math.prod(shape[1:])
    if len(shape) > 1 and fan_in >= 32:  # or what comes behind a ReLU would hide the picture
        rows = number.reshape(shape[0], -1)
        number = rows - rows.sum(1, keepdims=True) / fan_in
    normal = (number.astype(np.float64) / DEVIATION).reshape(shape)
    if name.endswith("running_mean"):
        values = 0.1 * normal
    elif name.endswith("running_var"):
        values = 1 + 0.1 * np.abs(normal)
    elif len(shape) > 1:
        values = normal / np.sqrt(fan_in)
    else:
        values = 0.05 * normal if name.endswith("bias") else 1 + 0.1 * normal
    return torch.from_numpy(values.astype(np.float32))

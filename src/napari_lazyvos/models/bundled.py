"""The weights in the package; how they were made is told in docs/explanation/bundled-models.md."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NAMES", "WEIGHTS", "BundledWeightsError", "bundled"]

NAMES = ("tracker", "clicks")

WEIGHTS = Path(__file__).parent / "weights"
"""Holds ``NAME.safetensors``, and ``SHA256SUMS`` as sha256sum writes it."""


class BundledWeightsError(LazyVosError):
    """Weights that should be in the package are missing or damaged."""


def bundled(name: str, folder: Path = WEIGHTS) -> dict[str, Tensor]:
    """Load bundled weights.

    Parameters
    ----------
    name : {"tracker", "clicks"}
    folder : where the weights are

    Returns
    -------
    dict of float32 tensors on the CPU; they are stored as float16

    Raises
    ------
    BundledWeightsError
        If the file is missing, or not the one that was released.
    """
    from safetensors.torch import load  # loads torch, which a list of models can do without

    file = f"{name}.safetensors"
    advice = "install napari-lazyvos again."
    try:
        rows = (folder / "SHA256SUMS").read_text().splitlines()
        sums = {listed: checksum for checksum, listed in map(str.split, rows)}
        content = (folder / file).read_bytes()
    except (OSError, ValueError) as error:
        raise BundledWeightsError(f"The bundled weights {file} are missing: {advice}") from error
    if hashlib.sha256(content).hexdigest() != sums.get(file):
        raise BundledWeightsError(f"The bundled weights {file} are damaged: {advice}")
    return {name: tensor.float() for name, tensor in load(content).items()}

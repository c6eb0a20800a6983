"""Put weights into a network."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import bundled

__all__ = ["Weights", "fill"]

Weights: TypeAlias = Path | str | dict[str, Tensor] | None
"""A .safetensors file, a state dict, or None for the bundled ones."""

Net = TypeVar("Net", bound=nn.Module)


def fill(net: Net, weights: Weights, name: str) -> Net:
    """Return the network with these weights, ready to predict.

    Parameters
    ----------
    net : nn.Module
    weights : see `Weights`
    name : of the bundled ones

    Raises
    ------
    LazyVosError
        If there are no such weights, or they belong to another network.
    """
    if weights is None:
        state = bundled(name)
    elif isinstance(weights, dict):
        state = weights
    else:
        try:
            state = load_file(weights)
        except (OSError, SafetensorError) as error:
            raise LazyVosError(f"{weights} cannot be read as .safetensors: {error}") from error
    if wrong := _differences(net.state_dict(), state):
        what = type(net).__name__
        raise LazyVosError(f"These weights are not of the network {what}: {wrong}.")
    net.load_state_dict({key: tensor.float() for key, tensor in state.items()})
    return net.eval()


def _differences(wanted: dict[str, Tensor], given: dict[str, Tensor]) -> str:
    """Return what does not fit, with one example; nothing where all fits."""
    said = []
    if missing := sorted(wanted.keys() - given.keys()):
        said.append(f"{len(missing)} are missing, such as {missing[0]}")
    if unknown := sorted(given.keys() - wanted.keys()):
        said.append(f"{len(unknown)} are unknown, such as {unknown[0]}")
    if not said:
        shapes = [(k, tuple(given[k].shape), tuple(wanted[k].shape)) for k in wanted]
        said = [f"{k} has the shape {has}, not {needs}" for k, has, needs in shapes if has != needs]
    return "; ".join(said[:2])

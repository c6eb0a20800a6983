"""Put weights into a network."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias, TypeVar

from torch import Tensor, nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.bundled import NAMES, bundled
from napari_lazyvos.models.cache import weights_for
from napari_lazyvos.models.checkpoint import read_checkpoint

__all__ = ["Weights", "fill", "read"]

Weights: TypeAlias = Path | str | dict[str, Tensor] | None
"""A file (see `read_checkpoint`), a state dict, or None for the bundled or installed ones."""

Net = TypeVar("Net", bound=nn.Module)


def read(weights: Weights, name: str) -> dict[str, Tensor]:
    """Return weights as a state dict.

    Parameters
    ----------
    weights : see `Weights`
    name : str
        Of the bundled ones, or else what `weights_for` looks for in the catalogue.

    Raises
    ------
    LazyVosError
        If there are no such weights.
    """
    if weights is None and name in NAMES:
        return bundled(name)
    if isinstance(weights, dict):
        return weights
    return read_checkpoint(weights_for(name) if weights is None else Path(weights))


def fill(net: Net, weights: Weights, name: str) -> Net:
    """Return the network with these weights, ready to predict.

    Parameters
    ----------
    net : nn.Module
    weights : see `Weights`
    name : see `read`

    Raises
    ------
    LazyVosError
        If there are no such weights, or they belong to another network.
    """
    state = read(weights, name)
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

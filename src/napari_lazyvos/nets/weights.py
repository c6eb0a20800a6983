"""Put weights into a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.bundled import NAMES, bundled
from napari_lazyvos.models.cache import verified, weights_for
from napari_lazyvos.models.catalogue import entries
from napari_lazyvos.models.checkpoint import read_checkpoint

__all__ = ["Weights", "build", "fill", "read"]

Weights: TypeAlias = Path | str | dict[str, Tensor] | None
"""A file (see `read_checkpoint`), the name of one in the catalogue, such as ``xmem-s2``, a state
dict, or None for the bundled or installed ones."""

Net = TypeVar("Net", bound=nn.Module)


def read(weights: Weights, name: str) -> dict[str, Tensor]:
    """Return weights as a state dict.

    Parameters
    ----------
    weights : see `Weights`
    name : str
        Of the bundled ones, or else of a method in the catalogue.

    Raises
    ------
    LazyVosError
        If there are no such weights, or the catalogue has them for another method.
    """
    if weights is None and name in NAMES:
        return bundled(name)
    if isinstance(weights, dict):
        return weights
    return read_checkpoint(weights_for(name) if weights is None else _file(weights, name))


def build(make: Callable[[], Net], weights: Weights, name: str) -> Net:
    """Return a network that has these weights from the start: to draw others takes a second.

    It holds the tensors of a state dict themselves, and is for prediction alone.

    Parameters
    ----------
    make : callable
        Makes the network.
    weights : see `Weights`
    name : see `read`

    Raises
    ------
    LazyVosError
        If there are no such weights, or they belong to another network.
    """
    with torch.device("meta"):
        net = make()
    return fill(net, weights, name).requires_grad_(False)


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
    drawn = not any(each.is_meta for each in net.parameters())
    net.load_state_dict({key: _whole(tensor) for key, tensor in state.items()}, assign=not drawn)
    return net.eval()


def _whole(tensor: Tensor) -> Tensor:
    """Return numbers in single precision; counters stay as they are."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _file(weights: Path | str, name: str) -> Path:
    """Return the file that is meant; a name of the catalogue comes before a file called so."""
    known = {entry.name: entry for entry in entries()}
    entry = known.get(weights) if isinstance(weights, str) else None
    if entry is None:
        path = Path(weights)
        if path.exists() or path.name != str(weights):
            return path
        own = ", ".join(other.name for other in known.values() if other.method == name)
        advice = f" or one of {own}" if own else ""
        raise LazyVosError(f"There are no weights {path}: give the path of a file{advice}.")
    if entry.method != name:
        raise LazyVosError(
            f"The weights {entry.name} are of the {entry.kind} {entry.method}, and of no other."
        )
    return verified(entry)


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

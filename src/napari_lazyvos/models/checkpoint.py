"""Read published checkpoints without running what they may hold."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_lazyvos.errors import LazyVosError

__all__ = ["read_checkpoint"]

_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head")
_WRAPPERS = ("state_dict",)  # under which some authors put the weights
_PREFIX = "module."  # of weights that were trained on several GPUs


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read a file of weights.

    Parameters
    ----------
    path : Path
        A .safetensors file, or one that ``torch.save`` wrote.

    Returns
    -------
    dict of tensors on the CPU, as they were stored

    Raises
    ------
    LazyVosError
        If there is no such file, or it is not one of weights alone. A pickle that would run code
        is refused; nothing of it runs.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(64)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LazyVosError(f"The weights {path} cannot be read: {reason}.") from error
    if begin.lstrip().lower().startswith(_WEB_PAGE):
        raise LazyVosError(
            f"{path} is a web page, not weights: the site answered with a page of its own. "
            "Open it in a browser, and save the file that it offers."
        )
    # A .safetensors file begins with the length of its header, which is JSON.
    found = _load_safetensors(path) if begin[8:9] == b"{" else _load_pickle(path)
    for name in _WRAPPERS:
        found = found.get(name, found)
    wrong = [key for key, each in found.items() if not isinstance(each, Tensor)]
    if wrong or not found:
        what = f"an entry {wrong[0]!r} that is no tensor" if wrong else "nothing"
        raise LazyVosError(f"{path} is not a file of weights alone: it holds {what}.")
    return {key.removeprefix(_PREFIX): each for key, each in found.items()}


def _load_safetensors(path: Path) -> dict[str, Any]:
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise LazyVosError(f"{path} cannot be read as .safetensors: {error}") from error


def _load_pickle(path: Path) -> dict[str, Any]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported global" in str(error) or "GLOBAL" in str(error):
            raise LazyVosError(
                f"{path} was refused: it holds code or objects beside its weights, and to load "
                "it would run them."
            ) from error
        raise LazyVosError(f"{path} is damaged, or no file of weights: get it again.") from error
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        raise LazyVosError(
            f"{path} is damaged, perhaps cut off in the middle: get it again."
        ) from error
    if not isinstance(found, Mapping):
        raise LazyVosError(f"{path} holds a {type(found).__name__}, not weights by their names.")
    return dict(found)

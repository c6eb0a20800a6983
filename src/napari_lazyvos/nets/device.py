"""Where tensors live."""

from __future__ import annotations

import torch

from napari_lazyvos.errors import LazyVosError

__all__ = ["choose"]

_KINDS = ("auto", "cpu", "cuda", "mps")


def choose(device: str) -> torch.device:
    """Return the device that is meant; "auto" is a GPU where there is one, else the CPU.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}

    Raises
    ------
    LazyVosError
        If the name is unknown, or this machine has no such device.
    """
    if device not in _KINDS:
        raise LazyVosError(f"There is no device {device!r}: choose one of {', '.join(_KINDS)}.")
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return torch.device(next(kind for kind, here in present.items() if here))
    if not present[device]:
        raise LazyVosError(
            f"The device {device!r} is not available on this machine: choose auto or cpu."
        )
    return torch.device(device)

"""Refiners: clicks on one frame become the mask of one object; one file or folder each."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.refine.protocol import Click, Embedding, Refined, Refiner, check_clicks

__all__ = ["Click", "Embedding", "Refined", "Refiner", "check_clicks", "load", "names"]


_CLASSES = {
    "compact": ("napari_lazyvos.refine.compact", "CompactRefiner"),
    "classical": ("napari_lazyvos.refine.classical", "ClassicalRefiner"),
    "sam_hq": ("napari_lazyvos.refine.sam_hq", "SamHqRefiner"),
    "ritm": ("napari_lazyvos.refine.ritm", "RitmRefiner"),
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows, the default first."""
    return tuple(_CLASSES)


def load(name: str, *, device: str = "auto", **options: Any) -> Refiner:
    """Make a refiner by name.

    Parameters
    ----------
    name : one of `names`
    device : "auto", "cpu", "cuda" or "mps"
        Where a refiner with a network computes; ``classical`` has none and always uses the CPU.
    options : the refiner's own settings
        ``compact``, ``sam_hq`` and ``ritm`` have ``weights``: a file, a state dict, or a name of
        the catalogue, such as ``sam_hq_vit_b``. ``sam_hq`` and ``ritm`` have more: see
        `SamHqRefiner` and `RitmRefiner`; ``classical`` has none.

    Raises
    ------
    LazyVosError
        If there is no such refiner, or it has no such option.
    """
    if name not in _CLASSES:
        raise LazyVosError(f"there is no refiner {name!r}: choose one of {', '.join(names())}.")
    module, class_name = _CLASSES[name]
    make = getattr(import_module(module), class_name)  # what it needs loads here
    known = inspect.signature(make).parameters
    unknown = sorted(option for option in options if option not in known or option == "device")
    if unknown:
        raise LazyVosError(f"the refiner {name!r} has no option {unknown[0]!r}.")
    if "device" in known:
        from napari_lazyvos.nets.device import choose

        options["device"] = choose(device)
    refiner: Refiner = make(**options)
    return refiner

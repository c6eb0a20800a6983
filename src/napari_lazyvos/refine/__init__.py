"""Refiners: clicks on one frame become the mask of one object; one file or folder each."""

from __future__ import annotations

from typing import Any

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.refine.protocol import Click, Embedding, Refined, Refiner, check_clicks

__all__ = ["Click", "Embedding", "Refined", "Refiner", "check_clicks", "load", "names"]


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return ("classical",)


def load(name: str, *, device: str = "auto", **options: Any) -> Refiner:
    """Make a refiner by name.

    Parameters
    ----------
    name : one of `names`
    device : "auto", "cpu", "cuda" or "mps"
        Where a refiner with a network computes; ``classical`` has none and always uses the CPU.
    options : the refiner's own settings; ``classical`` has none

    Raises
    ------
    LazyVosError
        If there is no such refiner, or it has no such option.
    """
    if name != "classical":
        raise LazyVosError(f"there is no refiner {name!r}: choose one of {', '.join(names())}.")
    if options:
        raise LazyVosError(f"the refiner 'classical' has no option {sorted(options)[0]!r}.")
    from napari_lazyvos.refine.classical import ClassicalRefiner  # OpenCV and SciPy load here

    return ClassicalRefiner()

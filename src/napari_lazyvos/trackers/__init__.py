"""Trackers: one package or file per method, behind the one protocol `Tracker`."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.trackers.protocol import Tracker

__all__ = ["BUNDLED", "MEMORIES", "load", "names", "weights_of"]

_CLASSES = {
    "compact": ("napari_lazyvos.trackers.compact.tracker", "CompactTracker"),
    "handcrafted": ("napari_lazyvos.trackers.handcrafted.tracker", "HandcraftedTracker"),
    "xmem": ("napari_lazyvos.trackers.xmem", "XMemTracker"),
    "stcn": ("napari_lazyvos.trackers.stcn", "StcnTracker"),
    "mivos": ("napari_lazyvos.trackers.mivos", "MivosTracker"),
    "qdmn": ("napari_lazyvos.trackers.qdmn", "QdmnTracker"),
    "livos": ("napari_lazyvos.trackers.livos", "LivosTracker"),
    "simvos": ("napari_lazyvos.trackers.simvos", "SimVosTracker"),
    "mavos": ("napari_lazyvos.trackers.mavos", "MavosTracker"),
}

BUNDLED = ("compact", "handcrafted")
"""Those that need no download."""

_WEIGHTS_OF = {"qdmn": "mivos"}  # those that load the weights of another

MEMORIES: dict[str, tuple[str, ...]] = {
    "compact": ("fifo", "all", "readmem"),
    "handcrafted": (),
    "xmem": ("xmem", "all", "fifo", "readmem"),
    "stcn": ("all", "fifo", "readmem", "xmem"),
    "mivos": ("all", "fifo", "readmem"),
    "qdmn": ("quality", "all", "fifo", "readmem"),
    "livos": (),
    "simvos": (),
    "mavos": ("mca", "deaot"),
}
"""What `memory` may be, the default first; the same as their classes say, which load torch."""


def names() -> tuple[str, ...]:
    """Return the names of the trackers, the default first."""
    return tuple(_CLASSES)


def weights_of(name: str) -> str:
    """Return the method of the catalogue whose weights a tracker loads, mostly its own name."""
    return _WEIGHTS_OF.get(name, name)


def load(name: str, *, weights: Any = None, device: str = "auto", **options: Any) -> Tracker:
    """Make a tracker, with nothing in its memory.

    Parameters
    ----------
    name : one of `names`
    weights : None, a path, a name of the catalogue, a state dict with the published keys, or a list
        None means the bundled ones, or the installed ones of the catalogue. ``handcrafted`` has
        none. A list of two or more makes an `EnsembleTracker`.
    device : {"auto", "cpu", "cuda", "mps"}
    **options
        Options of the method, under their published names; every tracker has ``size``, the
        length in pixels of the short side to which larger frames are brought (-1: as they are).

    Raises
    ------
    LazyVosError
        If there is no such tracker, option or device.
    """
    from napari_lazyvos.nets.device import choose

    if name not in _CLASSES:
        raise LazyVosError(f"There is no tracker {name!r}: choose one of {', '.join(names())}.")
    if isinstance(weights, list | tuple):
        from napari_lazyvos.trackers.ensemble import EnsembleTracker

        return EnsembleTracker(
            [load(name, weights=each, device=device, **options) for each in weights]
        )
    module, class_name = _CLASSES[name]
    make = getattr(import_module(module), class_name)
    known = [option for option in _options(make) if option not in ("weights", "device")]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise LazyVosError(
            f"The tracker {name} has no option {unknown[0]!r}: it has {', '.join(known)}."
        )
    options |= {"weights": weights, "device": choose(device)}
    if options["device"].type == "cuda" and name not in BUNDLED:
        from napari_lazyvos.trackers.sparing import spare

        return spare(make, **options)
    tracker: Tracker = make(**options)
    return tracker


def _options(make: type) -> list[str]:
    """Return the options of a tracker: its own, and those that it hands on to its base.

    They are what can only be given by name.
    """
    found: dict[str, None] = {}  # a set that keeps the order
    for each in make.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(each).parameters.values()
        found |= {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return list(found)

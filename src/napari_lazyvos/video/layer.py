"""Frames from a napari Image layer, known by its attributes: napari is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.array import ArraySource
from napari_lazyvos.video.axes import axis_letters
from napari_lazyvos.video.layout import Pick

__all__ = ["is_layer", "layer_limits", "open_layer"]


def is_layer(what: object) -> bool:
    """Tell if something is a napari layer, of whatever kind."""
    return all(hasattr(what, name) for name in ("data", "scale", "visible", "opacity"))


def open_layer(
    layer: Any,
    *,
    axes: str | None = None,
    time: str | int | None = None,
    others: Mapping[str | int, Pick] | None = None,
) -> ArraySource:
    """Open a napari Image layer as frames.

    Its axis labels name the axes; where they are napari's own ("-3"), the last two axes are Y and
    X, and those before are T, Z, Q. A multiscale layer is read at full resolution.

    Raises
    ------
    LazyVosError
        If it is no Image layer, has no time axis, or `resolve` finds fault with its axes.
    """
    kind = type(layer).__name__
    if not hasattr(layer, "rgb") or not hasattr(layer, "contrast_limits"):
        raise LazyVosError(f"layer {layer.name!r} is no Image layer but a {kind}: choose an image")
    data = layer.data[0] if layer.multiscale else layer.data
    if layer.ndim < 3 and axes is None:
        raise LazyVosError(
            f"layer {layer.name!r} is one image of shape {tuple(data.shape)}, not a video: it has "
            "no time axis"
        )
    letters = axis_letters(layer.axis_labels) or "TZQ"[: layer.ndim - 2] + "YX"
    path = getattr(layer.source, "path", None)
    return ArraySource(
        data,
        axes=axes or letters + "S" * bool(layer.rgb),
        time=time,
        others=others,
        name=str(layer.name),
        steps={
            letter: (float(step), str(unit))
            for letter, step, unit in zip(letters, layer.scale, _units(layer), strict=True)
        },
        what=None if path is None else str(path),
    )


def layer_limits(layer: Any) -> tuple[float, float] | None:
    """Return a layer's contrast limits: the tracker sees what the person sees.

    None for colour, which has none, and for uint8 over its full range, which is napari's default
    and says nothing of what the person wants.
    """
    if layer.rgb:
        return None
    low, high = (float(limit) for limit in layer.contrast_limits)
    data = layer.data[0] if layer.multiscale else layer.data
    if np.dtype(data.dtype) == np.uint8 and (low, high) == (0, 255):
        return None
    return low, high


def _units(layer: Any) -> Sequence[object]:
    units: Sequence[object] | None = getattr(layer, "units", None)  # absent in older napari
    return units or ("pixel",) * int(layer.ndim)

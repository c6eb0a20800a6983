"""Frames from zarr on disk: OME-Zarr 0.1 to 0.5 at full resolution, or a plain array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import zarr

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.array import ArraySource
from napari_lazyvos.video.axes import axis_letters
from napari_lazyvos.video.layout import Pick
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.steps import Steps

__all__ = ["is_zarr", "open_zarr"]


def is_zarr(folder: Path) -> bool:
    """Tell if a folder is a zarr array or group, of format 2 or 3."""
    return any((folder / name).exists() for name in ("zarr.json", ".zarray", ".zgroup", ".zattrs"))


def open_zarr(
    folder: Path,
    *,
    axes: str | None = None,
    time: str | int | None = None,
    others: Mapping[str | int, Pick] | None = None,
) -> ArraySource:
    """Open an OME-Zarr image, or a zarr array, as frames.

    Raises
    ------
    LazyVosError
        If the folder cannot be read, holds no image, or `resolve` finds fault with its axes.
    """
    try:
        node = zarr.open(folder, mode="r")
    except Exception as error:  # damaged metadata surfaces as any of a dozen exceptions
        raise LazyVosError(f"{folder} cannot be read as zarr: {error}") from error
    steps: Steps = {}
    if isinstance(node, zarr.Group):
        try:
            array, stated, steps = _image(node, folder)
        except (KeyError, IndexError, TypeError) as error:
            raise LazyVosError(
                f"{folder} has OME-Zarr metadata that do not follow the specification: {error!r}"
            ) from error
    else:
        array, stated = node, axis_letters(_dimension_names(node))
    return ArraySource(
        array,
        axes=axes or stated,
        time=time,
        others=others,
        name=video_name(folder),
        steps=steps,
        what=str(folder.resolve()),
    )


def _image(group: zarr.Group, folder: Path) -> tuple[zarr.Array[Any], str | None, Steps]:
    """Return the full resolution of an OME-Zarr group's first image, its axes and its scale."""
    attributes: dict[str, Any] = dict(group.attrs)
    attributes = attributes.get("ome", attributes)  # 0.5 moved everything into "ome"
    if not attributes.get("multiscales"):
        inside = sorted(group.keys())
        hint = f": pass one of {', '.join(inside[:8])} inside it" if inside else ""
        raise LazyVosError(f"{folder} is a zarr group without an OME-Zarr image{hint}")
    image = attributes["multiscales"][0]
    level = image["datasets"][0]
    array = group.get(level["path"])
    if not isinstance(array, zarr.Array):
        raise LazyVosError(
            f"{folder} names its full resolution {level['path']!r}, which is missing"
        )
    axes = image.get("axes") or list("tczyx")  # 0.1 and 0.2 always have these five
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in axes]  # 0.3: names only
    letters = axis_letters([axis["name"] for axis in axes])
    scale = [1.0] * len(axes)
    # the level's own transformation first, then the one of the whole image
    for transformed in (level, image):
        for step in transformed.get("coordinateTransformations", ()):
            if step["type"] == "scale":
                scale = [a * b for a, b in zip(scale, step["scale"], strict=True)]
    units = [axis.get("unit", "pixel") for axis in axes]
    return array, letters, dict(zip(letters or "", zip(scale, units, strict=True), strict=False))


def _dimension_names(array: zarr.Array[Any]) -> Sequence[str | None]:
    names: Any = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS")  # where xarray keeps them in format 2
    return names or ()

"""One OME-Zarr 0.5 label image, with scale and units."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import zarr
from ome_zarr.format import FormatV05

from napari_lazyvos.store.export.png import davis_palette
from napari_lazyvos.store.export.results import Results, present_labels
from napari_lazyvos.store.export.units import SYMBOLS
from napari_lazyvos.store.scale import PixelScale

with warnings.catch_warnings():
    # The module warns of its own default arguments while it is imported (ome-zarr 0.14 and on).
    warnings.simplefilter("ignore", DeprecationWarning)
    from ome_zarr.writer import (
        add_metadata,
        write_multiscales_metadata,
    )

__all__ = ["write"]


def write(results: Results, folder: Path) -> None:
    """Write label maps in full resolution, one chunk per frame; objects keep their DAVIS colours.

    The array is zarr's, so that frames are written one at a time; the metadata are ome-zarr's.
    """
    group = zarr.open_group(folder, mode="w", zarr_format=3)
    array = group.create_array(
        "0",
        shape=(results.frames, results.height, results.width),
        chunks=(1, results.height, results.width),
        dtype=results.dtype,
        dimension_names=("t", "y", "x"),
    )
    labels: set[int] = set()
    for t, label_map in enumerate(results.label_maps()):
        array[t] = label_map
        labels.update(present_labels(label_map).tolist())
    scale = results.scale
    size = {"type": "scale", "scale": [scale.t, scale.y, scale.x]}
    datasets = [{"path": "0", "coordinateTransformations": [size]}]
    write_multiscales_metadata(group, datasets, fmt=FormatV05(), axes=_axes(scale), name="labels")
    about = {"version": FormatV05().version, **_about_labels(sorted(labels), results)}
    add_metadata(group, {"image-label": about}, fmt=FormatV05())


def _about_labels(labels: list[int], results: Results) -> dict[str, Any]:
    palette = davis_palette()
    colours = [[*palette[label % 256].tolist(), 255] for label in labels]
    names = [results.names.get(label, "") for label in labels]
    return {
        "colors": [
            {"label-value": label, "rgba": colour}
            for label, colour in zip(labels, colours, strict=True)
        ],
        "properties": [
            {"label-value": label, "name": name} for label, name in zip(labels, names, strict=True)
        ],
    }


def _axes(scale: PixelScale) -> list[dict[str, Any]]:
    axes = [{"name": "t", "type": "time", "unit": scale.time_unit}]
    axes += [{"name": name, "type": "space", "unit": scale.space_unit} for name in "yx"]
    known = SYMBOLS.keys() - {"micron"}
    return [axis if axis["unit"] in known else axis | {"unit": None} for axis in axes]

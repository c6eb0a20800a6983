"""One table: a row per object and frame, columns named as in scikit-image's region properties."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import regionprops_table

from napari_lazyvos.store.export.results import Results
from napari_lazyvos.store.export.units import ascii_symbol

__all__ = ["write"]

MEASURED = ("area", "centroid-0", "centroid-1", "bbox-0", "bbox-1", "bbox-2", "bbox-3")


def write(results: Results, path: Path) -> None:
    """Write frame, time, label, name, state, origin, stale, score, then what is measured.

    Areas and places are in pixels (axis 0 is y). Where the video has units, columns with a unit in
    their name follow, such as ``area_um2`` and ``centroid-0_um``. ``intensity_mean`` is there if
    the results come with pixels; with more than one channel it is numbered. An object that is
    known but has no pixels has area 0 and no place.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        table: csv.DictWriter[str] | None = None
        for row in _rows(results):
            if table is None:
                table = csv.DictWriter(file, list(row))
                table.writeheader()
            table.writerow({name: _text(value) for name, value in row.items()})
        if table is None:
            file.write("frame,label,area\n")


def _rows(results: Results) -> Iterator[dict[str, Any]]:
    for t, label_map in enumerate(results.label_maps()):
        pixels = None if results.raw is None else np.moveaxis(results.raw(t), 0, -1)
        measured = _measure(label_map, pixels)
        known = {row.label: row for row in results.rows_at(t)}
        for label in sorted(measured.keys() | known.keys()):
            row = known.get(label)
            place: dict[str, Any] = {"frame": t}
            unit = ascii_symbol(results.scale.time_unit)
            if unit is not None:
                place[f"time_{unit}"] = t * results.scale.t
            yield {
                **place,
                "label": label,
                "name": results.names.get(label, ""),
                "state": row.state.name.lower() if row else "",
                "origin": row.origin.name.lower() if row else "",
                "stale": int(row.stale) if row else "",
                "score": row.score if row else math.nan,
                **_with_units(measured.get(label, _nothing(pixels)), results),
            }


def _measure(label_map: np.ndarray, pixels: np.ndarray | None) -> dict[int, dict[str, Any]]:
    """Return what is measured of each label."""
    names = ["label", "area", "centroid", "bbox"]
    if pixels is not None:
        names.append("intensity_mean")
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    table: dict[str, np.ndarray]
    table = regionprops_table(label_map, pixels, properties=names)
    labels = table.pop("label").tolist()
    columns = {name: column.tolist() for name, column in table.items()}
    return {
        label: {name: column[i] for name, column in columns.items()}
        for i, label in enumerate(labels)
    }


def _nothing(pixels: np.ndarray | None) -> dict[str, Any]:
    """Return what is measured of an object without pixels, in the columns of the others."""
    row: dict[str, Any] = dict.fromkeys(MEASURED, math.nan) | {"area": 0}
    channels = 0 if pixels is None else pixels.shape[-1]
    names = [f"intensity_mean-{i}" for i in range(channels)]
    return row | dict.fromkeys(["intensity_mean"] if channels == 1 else names, math.nan)


def _with_units(measured: dict[str, Any], results: Results) -> dict[str, Any]:
    scale, unit = results.scale, ascii_symbol(results.scale.space_unit)
    if unit is None:
        return measured
    return measured | {
        f"area_{unit}2": measured["area"] * scale.y * scale.x,
        f"centroid-0_{unit}": measured["centroid-0"] * scale.y,
        f"centroid-1_{unit}": measured["centroid-1"] * scale.x,
    }


def _text(value: Any) -> Any:
    """Return a number in at most 7 digits; nothing for NaN."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.7g}"

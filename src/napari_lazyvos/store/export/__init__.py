"""Results in the formats of others: one module per format, each a function ``write``.

Formats read results through `Results`, one frame at a time, so that a long video costs no memory.
What is written appears at its place when it is complete. Strokes that the session has not made
permanent yet are not exported.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.export.place import new_file, new_folder
from napari_lazyvos.store.export.results import Results

if TYPE_CHECKING:
    from napari_lazyvos.store.store import Store

__all__ = ["FORMATS", "Format", "Results", "export"]


@dataclass(frozen=True, slots=True)
class Format:
    """One format, and where its function ``write(results, path)`` lives."""

    module: str
    title: str  # for lists of formats
    suffix: str  # by custom, of the name of what is written
    entries: re.Pattern[str] | None = None  # names in the folder that it writes; None: a file


FORMATS: dict[str, Format] = {
    "png": Format("png", "a folder of PNG with the DAVIS palette", "", re.compile(r"\d{5,}\.png")),
    "tif": Format("tif", "one OME-TIFF with scale and units", ".ome.tif"),
    "ome-zarr": Format(
        "ome_zarr", "an OME-Zarr 0.5 label image", ".ome.zarr", re.compile(r"zarr\.json|0")
    ),
    "coco": Format("coco", "one COCO json with run-length masks", ".json"),
    "ctc": Format(
        "ctc",
        "a Cell Tracking Challenge folder",
        "_RES",
        re.compile(r"mask\d+\.tif|res_track\.txt"),
    ),
    "csv": Format("csv", "a table with one row per object and frame", ".csv"),
}


def export(
    store: Store | Results,
    format: str,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    raw: Callable[[int], np.ndarray] | None = None,
) -> Path:
    """Write the results of a session in another format.

    Parameters
    ----------
    store : Store or Results
    format : one of `FORMATS`
    path : the file, or the folder, to write
    overwrite : replace an earlier export; a folder that holds anything else is never touched
    raw : t -> (C, H, W) pixels as they are stored, for mean intensities in the CSV

    Returns
    -------
    Path

    Raises
    ------
    LazyVosError
        For an unknown format, a place that is taken, or a store without frames.
    """
    if format not in FORMATS:
        raise LazyVosError(f"there is no format {format!r}: choose one of {', '.join(FORMATS)}.")
    results = store if isinstance(store, Results) else Results.of(store, raw)
    if not results.frames:
        raise LazyVosError("there is nothing to export: the video has no frames yet.")
    chosen = FORMATS[format]
    write = importlib.import_module(f"{__name__}.{chosen.module}").write
    if chosen.entries is None:
        with new_file(Path(path), overwrite=overwrite) as partial:
            write(results, partial)
    else:
        with new_folder(Path(path), chosen.entries, overwrite=overwrite) as partial:
            write(results, partial)
    return Path(path)

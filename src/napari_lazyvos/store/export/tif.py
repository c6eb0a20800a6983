"""One OME-TIFF of label maps, with scale and units; Fiji, napari and QuPath open it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tifffile

from napari_lazyvos.store.export.results import Results
from napari_lazyvos.store.export.units import SYMBOLS
from napari_lazyvos.store.scale import PixelScale

__all__ = ["write"]


def write(results: Results, path: Path) -> None:
    """Write a BigTIFF with axes TYX, zlib-compressed, one frame at a time."""
    with tifffile.TiffWriter(path, ome=True, bigtiff=True) as file:
        file.write(
            results.label_maps(),
            shape=(results.frames, results.height, results.width),
            dtype=results.dtype,
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": "TYX", **_ome(results.scale)},
        )


def _ome(scale: PixelScale) -> dict[str, Any]:
    """Return attributes of OME's ``Pixels``; OME has no words for what is not physical."""
    words: dict[str, Any] = {}
    space, time = SYMBOLS.get(scale.space_unit), SYMBOLS.get(scale.time_unit)
    if space is not None:
        words["PhysicalSizeX"], words["PhysicalSizeXUnit"] = scale.x, space
        words["PhysicalSizeY"], words["PhysicalSizeYUnit"] = scale.y, space
    if time is not None:
        words["TimeIncrement"], words["TimeIncrementUnit"] = scale.t, time
    return words

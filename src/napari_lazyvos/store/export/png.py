"""DAVIS: a folder of indexed PNG, ``00000.png`` and on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_lazyvos.store.export.results import Results

__all__ = ["davis_palette", "write", "write_label_map"]


def write(results: Results, folder: Path) -> None:
    """Write one PNG per frame: indexed with the DAVIS palette, or 16-bit grey above label 255."""
    for t, label_map in enumerate(results.label_maps()):
        write_label_map(label_map, folder / f"{t:05d}.png")


def write_label_map(label_map: np.ndarray, path: Path) -> None:
    """Write one frame: (H, W) uint8 indexed with the DAVIS palette, uint16 as 16-bit grey."""
    image = Image.fromarray(label_map)
    if label_map.dtype == np.uint8:
        image.putpalette(davis_palette().tobytes())
    image.save(path)


def davis_palette() -> np.ndarray:
    """Return the colours of labels 0 to 255 in DAVIS, which are those of PASCAL VOC.

    The bits of the label, three at a time from the lowest, become the bits of red, green and blue
    from the highest: neighbours differ most.

    Returns
    -------
    (256, 3) uint8, RGB
    """
    labels = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = labels >> (3 * place + channel) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours

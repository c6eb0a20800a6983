"""DAVIS: a folder of indexed PNG, ``00000.png`` and on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_lazyvos.store.export.results import Results

__all__ = ["davis_palette", "write"]


def write(results: Results, folder: Path) -> None:
    """Write one PNG per frame: indexed with the DAVIS palette, or 16-bit grey above label 255."""
    palette = davis_palette().tobytes()
    for t, label_map in enumerate(results.label_maps()):
        image = Image.fromarray(label_map)
        if label_map.dtype == np.uint8:
            image.putpalette(palette)
        image.save(folder / f"{t:05d}.png")


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

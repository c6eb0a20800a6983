"""The colours of objects and of clicks, the same wherever they are shown."""

from __future__ import annotations

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

__all__ = ["EXCLUDE", "INCLUDE", "OBJECT_COLOURS", "colour_of", "label_colormap"]

# Bluish green and vermilion of Okabe and Ito (2008): told apart with any kind of colour vision.
INCLUDE = "#009e73"
EXCLUDE = "#d55e00"

# Light and saturated, so that they stand out on dark and on grey movies; the first ones are far
# apart for colour-blind people too. Pure green and red are left to the clicks.
OBJECT_COLOURS = (
    "#4cc9f0",  # sky
    "#ffb000",  # amber
    "#f05fb0",  # pink
    "#f7f052",  # lemon
    "#9d7bff",  # violet
    "#2ee6c5",  # turquoise
    "#ff8a5c",  # coral
    "#b5e550",  # lime
    "#6f95ff",  # cornflower
    "#e0b88a",  # sand
    "#ff6f91",  # rose
    "#c9d1d9",  # silver
)


def colour_of(label: int) -> str:
    """Return an object's colour as ``#rrggbb``; labels beyond the palette begin it again."""
    return OBJECT_COLOURS[(label - 1) % len(OBJECT_COLOURS)]


def label_colormap() -> CyclicLabelColormap:
    """Return the colormap that gives each label `colour_of`; background is transparent."""
    channels = [[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in OBJECT_COLOURS]
    colours = np.ones((1 + len(channels), 4), dtype=np.float32)
    colours[0] = 0.0
    colours[1:, :3] = channels
    return CyclicLabelColormap(colors=colours)

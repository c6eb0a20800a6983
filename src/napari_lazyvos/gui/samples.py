"""Sample data for napari's menu File > Open Sample; nothing is downloaded."""

from __future__ import annotations

from napari_lazyvos.gui.reader import LayerData, layer_data

__all__ = ["cells", "echocardiogram"]


def cells() -> list[LayerData]:
    """Return a generated movie of crawling cells, and the truth about them, hidden."""
    from napari_lazyvos.gui.colours import label_colormap
    from napari_lazyvos.video import samples

    movie, truth = samples.cells()
    axes = {"axis_labels": ("t", "y", "x")}
    return [
        (movie, {"name": "cells", "colormap": "gray", **axes}, "image"),
        (
            truth,
            {"name": "truth cells", "visible": False, "colormap": label_colormap(), **axes},
            "labels",
        ),
    ]


def echocardiogram() -> list[LayerData]:
    """Return a real ultrasound clip of a beating heart, in colour."""
    from napari_lazyvos.video import samples

    frames, arguments, kind = layer_data(samples.echocardiogram())
    return [(frames, arguments | {"name": "echocardiogram"}, kind)]

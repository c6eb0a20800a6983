"""Where the results of a video go, unless the person says otherwise."""

from __future__ import annotations

import os
import re
from pathlib import Path

from napari.layers import Image

__all__ = ["results_folder"]

SUFFIX = ".lazyvos"


def results_folder(layer: Image) -> Path:
    """Return the folder beside the video's file, or one under the user's home.

    Parameters
    ----------
    layer : the video's layer
        One that came from no file, or from a folder that cannot be written, goes home.
    """
    home = Path.home() / "lazyvos"
    if layer.source.path is None:
        return home / f"{_file_name(layer.name)}{SUFFIX}"
    path = Path(layer.source.path)
    beside = path.parent if os.access(path.parent, os.W_OK) else home
    return beside / f"{path.stem}{SUFFIX}"


def _file_name(name: str) -> str:
    """Return a layer's name with only those characters that every file system takes."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "video"

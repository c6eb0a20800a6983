"""Label maps from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from napari_lazyvos.errors import LazyVosError

__all__ = ["read_label_map", "read_labels", "to_labels"]

TIFF = {".tif", ".tiff"}
STACKS = TIFF | {".npy"}  # can hold one label map per frame


def read_label_map(path: Path, t: int) -> np.ndarray:
    """Read a picture of labels that holds an object; see `read_labels`.

    Raises
    ------
    LazyVosError
        If it cannot be read, holds colours instead of labels, or no object.
    """
    labels = read_labels(path, t)
    if not labels.any():
        raise LazyVosError(f"{path} is empty: it holds no object in frame {t}.")
    return labels


def read_labels(path: Path, t: int) -> np.ndarray:
    """Read a picture of labels: 0 is background, every other value an object.

    A palette PNG gives its indices. Of a TIFF or npy stack, frame `t` is read.

    Parameters
    ----------
    path : png, tif or npy
    t : int, the frame that it belongs to

    Returns
    -------
    (H, W) integers; see `to_labels`

    Raises
    ------
    LazyVosError
        If it cannot be read, or holds colours instead of labels.
    """
    try:
        labels = _read(path)
    except FileNotFoundError:
        raise LazyVosError(f"there is no file {path}: check --init-mask.") from None
    except Exception as error:  # each codec has its own exceptions
        raise LazyVosError(f"{path} cannot be read as a mask: {error}") from error
    if labels.ndim == 3 and path.suffix.lower() in STACKS and t < len(labels):
        labels = labels[t]
    return to_labels(labels, path)


def to_labels(picture: np.ndarray, path: Path) -> np.ndarray:
    """Return what a picture in a file says as a label map.

    A picture whose only other value is 255 is a mask of object 1, as in DAVIS 2016.

    Raises
    ------
    LazyVosError
        If it holds colours instead of labels.
    """
    if picture.ndim != 2 or picture.dtype.kind not in "bui":
        raise LazyVosError(
            f"{path} is no picture of labels: it is {picture.shape} of {picture.dtype}. Give one "
            "grey or palette value per pixel, 0 for background."
        )
    values = np.unique(picture)
    return (picture == 255).astype(np.uint8) if values.tolist() in ([0, 255], [255]) else picture


def _read(path: Path) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        array: np.ndarray = np.load(path, allow_pickle=False)
        return array
    if suffix in TIFF:
        return np.asarray(tifffile.imread(path))
    with Image.open(path) as image:
        return np.asarray(image.convert("L") if image.mode == "LA" else image)

"""One picture file as planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from napari_lazyvos.errors import LazyVosError

__all__ = ["read_picture", "read_size"]

TIFF = {".tif", ".tiff"}
# Pillow's modes that are read as grey; all others (palettes, transparency, CMYK) become RGB
GREY_MODES = {"1", "L", "LA", "La"}
DEEP_MODES = ("I", "F")  # these and their variants, such as I;16: one channel, more than 8 bits


def read_picture(path: Path) -> np.ndarray:
    """Read a png, jpg or tif as (1 or 3, H, W) in its stored dtype.

    A png with 16 bits per colour is read with 8: Pillow keeps no more.

    Raises
    ------
    LazyVosError
        If the file cannot be read, or holds more than one picture.
    """
    try:
        picture = _read_tiff(path) if path.suffix.lower() in TIFF else _read_pillow(path)
    except LazyVosError:
        raise
    except Exception as error:  # each codec has its own exceptions for a damaged file
        raise LazyVosError(f"{path} cannot be read: {error}") from error
    planes = picture[None] if picture.ndim == 2 else np.moveaxis(picture[..., :3], -1, 0)
    return np.ascontiguousarray(planes)


def read_size(path: Path) -> tuple[int, int]:
    """Return the rows and columns of a picture from its header.

    Raises
    ------
    LazyVosError
        If the file is no picture.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except UnidentifiedImageError:
        if path.suffix.lower() in TIFF:
            return _tiff_size(path)  # a kind of TIFF that Pillow does not know
        raise LazyVosError(f"{path} cannot be read: it is no picture") from None
    except OSError as error:
        raise LazyVosError(f"{path} cannot be read: {error}") from error


def _read_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        if image.mode.startswith(DEEP_MODES):
            return np.asarray(image)
        return np.asarray(image.convert("L" if image.mode in GREY_MODES else "RGB"))


def _read_tiff(path: Path) -> np.ndarray:
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        axes = series.axes
        if axes not in ("YX", "YXS"):
            raise LazyVosError(
                f"{path} holds {series.shape} (axes {axes}), not one picture: pass the file "
                "itself as the video, or a folder with one picture per file"
            )
        return series.asarray()


def _tiff_size(path: Path) -> tuple[int, int]:
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            return page.imagelength, page.imagewidth
    except (tifffile.TiffFileError, OSError, ValueError) as error:
        raise LazyVosError(f"{path} cannot be read: {error}") from error

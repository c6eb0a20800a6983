"""Frames from a TIFF stack: plain, ImageJ or OME, read page by page."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from warnings import warn
from xml.etree.ElementTree import ParseError

import tifffile
import zarr

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.array import ArraySource
from napari_lazyvos.video.layout import Pick
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.steps import Steps

__all__ = ["open_tiff"]


def open_tiff(
    path: Path,
    *,
    axes: str | None = None,
    time: str | int | None = None,
    others: Mapping[str | int, Pick] | None = None,
) -> ArraySource:
    """Open the first series of a TIFF as frames, with the axes and the scale that it states.

    Raises
    ------
    LazyVosError
        If the file cannot be read, holds one image only, or `resolve` finds fault with its axes.
    """
    try:
        file = tifffile.TiffFile(path)
        series = file.series[0]
    except (tifffile.TiffFileError, OSError, IndexError, ValueError) as error:
        raise LazyVosError(f"{path} cannot be read as TIFF: {error}") from error
    if len(series.shape) < (4 if series.axes.endswith("S") else 3):
        file.close()
        damaged = len(file.pages) > 1 or (file.imagej_metadata or {}).get("images", 1) > 1
        raise LazyVosError(
            f"{path} ends too early: it should hold more than the one image that can be read"
            if damaged
            else f"{path} is one image of shape {series.shape}, not a video: for one file per "
            f"frame, pass the folder {path.parent}"
        )
    try:
        # one page per chunk, so that one frame costs one read however many strips it has
        store = series.aszarr(level=0, chunkmode=tifffile.CHUNKMODE.PAGE)
        source = ArraySource(
            zarr.open_array(store, mode="r"),
            axes=axes or _stated_axes(series.axes),
            time=time,
            others=others,
            name=video_name(path),
            steps=_steps(file),
            what=str(path.resolve()),
            on_close=file.close,
        )
        _leave_out_what_is_lost(source, path)
    except BaseException:
        file.close()
        raise
    return source


def _leave_out_what_is_lost(source: ArraySource, path: Path) -> None:
    """Shorten a source whose file ends too early to the frames that can be read, and say so."""

    def lost(t: int) -> bool:
        try:
            source.read(t)
        except LazyVosError:
            return True
        return False

    stated = source.frames or 0
    if not lost(stated - 1):
        return
    source.frames = bisect_left(range(stated), True, key=lost)
    if not source.frames:
        source.read(0)  # says why
    warn(
        f"{path} ends too early: the first {source.frames} of {stated} frames can be read, and "
        "these are used",
        stacklevel=2,
    )


def _stated_axes(axes: str) -> str | None:
    """Return the axes of a series unless they are tifffile's Q for "unknown", several times."""
    return axes if len(set(axes)) == len(axes) else None


def _steps(file: tifffile.TiffFile) -> Steps:
    if file.is_ome:
        return _ome_steps(file.ome_metadata or "")
    if file.is_imagej:
        return _imagej_steps(file)
    return {}  # the resolution of a plain TIFF is about paper: dots per inch


def _ome_steps(xml: str) -> Steps:
    try:
        image = tifffile.xml2dict(xml)["OME"]["Image"]
        pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    except (KeyError, ParseError):
        return {}  # the metadata are in a companion file
    steps = {
        axis: (float(pixels[f"PhysicalSize{axis}"]), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        for axis in "XYZ"
        if f"PhysicalSize{axis}" in pixels
    }
    if "TimeIncrement" in pixels:
        steps["T"] = (float(pixels["TimeIncrement"]), pixels.get("TimeIncrementUnit", "s"))
    return steps


def _imagej_steps(file: tifffile.TiffFile) -> Steps:
    stated: dict[str, Any] = file.imagej_metadata or {}
    unit = stated.get("unit", "pixel")
    steps: dict[str, tuple[float, str]] = {}
    for axis, tag in (("Y", "YResolution"), ("X", "XResolution")):
        value = file.pages.first.tags.valueof(tag)
        if value and value[0] and value[1]:
            steps[axis] = (value[1] / value[0], unit)  # a rational: pixels per unit
    if stated.get("spacing"):
        steps["Z"] = (float(stated["spacing"]), unit)
    if stated.get("finterval"):
        steps["T"] = (float(stated["finterval"]), stated.get("tunit", "sec"))
    return steps

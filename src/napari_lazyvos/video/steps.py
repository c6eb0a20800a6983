"""Physical size of one step along each axis, as files and viewers state it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from napari_lazyvos.video.source import PixelScale

__all__ = ["Steps", "pixel_scale", "unit_name"]

Steps: TypeAlias = Mapping[str, tuple[float, str]]
"""The step along an axis and its unit, by the axis's letter."""

# the spellings of ImageJ, OME, OME-Zarr and pint, to pint's names
UNITS = {
    "nanometer": ("nm", "nanometre", "nanometers"),
    "micrometer": ("um", "µm", "μm", "\\u00b5m", "micron", "microns", "micrometre", "micrometers"),
    "millimeter": ("mm", "millimetre", "millimeters"),
    "centimeter": ("cm", "centimetre", "centimeters"),
    "meter": ("m", "metre", "meters"),
    "millisecond": ("ms", "msec", "milliseconds"),
    "second": ("s", "sec", "seconds"),
    "minute": ("min", "minutes"),
    "hour": ("h", "hr", "hours"),
}
NAMES = {spelling: name for name, spellings in UNITS.items() for spelling in (name, *spellings)}


def unit_name(text: object) -> str | None:
    """Return pint's name of a unit; None where it is unknown, or a pixel."""
    return NAMES.get(str(text).strip().lower())


def pixel_scale(steps: Steps, time: str) -> PixelScale:
    """Return the scale of a video whose time axis has the letter `time`.

    Steps with an unknown unit, or that are not positive, count as 1 pixel or 1 frame. A video
    that is read along a space axis, such as a CT volume, has a length as its unit of time.
    """
    known = {
        axis: (float(step), name)
        for axis, (step, unit) in steps.items()
        if (name := unit_name(unit)) and step > 0
    }
    t, time_unit = known.get(time, (1.0, "frame"))
    if not {"Y", "X"} <= known.keys() or known["Y"][1] != known["X"][1]:
        return PixelScale(t=t, time_unit=time_unit)
    (y, space_unit), (x, _) = known["Y"], known["X"]
    return PixelScale(t, y, x, time_unit, space_unit)

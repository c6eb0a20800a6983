"""Units of length and time: pint's names, and the symbols that OME uses."""

from __future__ import annotations

__all__ = ["SYMBOLS", "ascii_symbol"]

SYMBOLS = {
    "angstrom": "Å",
    "nanometer": "nm",
    "micrometer": "µm",
    "micron": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "nanosecond": "ns",
    "microsecond": "µs",
    "millisecond": "ms",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "day": "d",
}


def ascii_symbol(unit: str) -> str | None:
    """Return a unit's symbol for the header of a column; None for "pixel" and "frame"."""
    if unit in ("pixel", "frame"):
        return None
    return SYMBOLS.get(unit, unit).replace("µ", "u").replace("Å", "angstrom")

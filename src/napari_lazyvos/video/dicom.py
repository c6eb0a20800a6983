"""Frames from a multi-frame DICOM file: ultrasound and X-ray clips, enhanced MR and CT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import pixel_array

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.source import PixelScale

__all__ = ["DicomSource", "is_dicom"]

CENTIMETRE = 3  # DICOM PS3.3, C.8.5.5.1.15: units of an ultrasound region


def is_dicom(path: Path) -> bool:
    """Tell if a file has DICOM's mark, whatever its suffix."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


class DicomSource:
    """The frames of one DICOM file; YBR colours are converted to RGB, rescaling is applied.

    Parameters
    ----------
    path : Path

    Raises
    ------
    LazyVosError
        If the file cannot be read, or holds one image only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, OSError) as error:
            raise LazyVosError(f"{path} cannot be read as DICOM: {error}") from error
        if int(header.get("NumberOfFrames") or 1) < 2:
            raise LazyVosError(
                f"{path} is one DICOM image, not a video: it has no frames over time"
            )
        self._slope = float(header.get("RescaleSlope") or 1)
        self._intercept = float(header.get("RescaleIntercept") or 0)
        self.name = video_name(path)
        self.frames: int | None = int(header.NumberOfFrames)
        first = self.read(0)
        self.channels, self.height, self.width = first.shape
        self.rgb = self.channels == 3
        self.dtype: np.dtype[Any] = first.dtype
        self.scale = _scale(header)
        self.origin: dict[str, Any] = {"what": str(path.resolve())}

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (channels, H, W): stored values, or float32 if rescaled."""
        try:
            picture = pixel_array(self._path, index=t)
        except Exception as error:  # each decoder of compressed pixels has its own exceptions
            raise LazyVosError(f"frame {t} of {self._path} cannot be read: {error}") from error
        if (self._slope, self._intercept) != (1, 0):  # PS3.3, C.11.1: modality units
            picture = picture.astype(np.float32) * self._slope + self._intercept
        return picture[None] if picture.ndim == 2 else np.moveaxis(picture, -1, 0)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""


def _scale(header: pydicom.Dataset) -> PixelScale:
    seconds = _seconds_per_frame(header)
    spacing = _spacing_mm(header)
    y, x, space_unit = (*spacing, "millimeter") if spacing else (1.0, 1.0, "pixel")
    t, time_unit = (seconds, "second") if seconds else (1.0, "frame")
    return PixelScale(t, y, x, time_unit, space_unit)


def _seconds_per_frame(header: pydicom.Dataset) -> float | None:
    if header.get("FrameTime"):
        return float(header.FrameTime) / 1000  # milliseconds
    if header.get("FrameTimeVector"):
        return float(np.mean(header.FrameTimeVector[1:])) / 1000
    rate = header.get("CineRate") or header.get("RecommendedDisplayFrameRate")
    return 1 / float(rate) if rate else None


def _spacing_mm(header: pydicom.Dataset) -> tuple[float, float] | None:
    """Return the height and width of a pixel in millimetres, where the file states them."""
    if header.get("PixelSpacing"):
        return float(header.PixelSpacing[0]), float(header.PixelSpacing[1])
    for group in header.get("SharedFunctionalGroupsSequence") or ():
        for measures in group.get("PixelMeasuresSequence") or ():
            if measures.get("PixelSpacing"):
                return float(measures.PixelSpacing[0]), float(measures.PixelSpacing[1])
    for region in header.get("SequenceOfUltrasoundRegions") or ():
        # a clip that was scaled down keeps the regions of the original, outside of its frames
        fits = region.RegionLocationMaxX1 < header.Columns
        fits = fits and region.RegionLocationMaxY1 < header.Rows
        centimetres = region.PhysicalUnitsXDirection == region.PhysicalUnitsYDirection == CENTIMETRE
        if fits and centimetres:
            return 10 * float(region.PhysicalDeltaY), 10 * float(region.PhysicalDeltaX)
    return None

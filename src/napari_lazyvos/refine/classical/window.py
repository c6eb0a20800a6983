"""An image pyramid, and square windows of one size cut from it around a click.

Looking through windows of every scale, each resampled to the same number of samples, is what makes
one set of constants serve a nucleus of 6 pixels and a car of 300.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["SAMPLES", "Pyramid", "Window", "build_pyramid", "cut_window", "window_radii"]

SAMPLES = 96  # per side of a window: 1 % of a region's width, at 10 ms per window
SMALLEST_RADIUS = 6.0  # pixels; a region of radius 2 fills a third of such a window
RADIUS_STEP = 1.5  # from one window to the next; a region fits at least two windows
CONTRAST_FLOOR = 1.5  # CIE L units: less spread than this in a window is noise, not structure


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A frame in CIE Lab, at full size and halved again and again."""

    levels: tuple[np.ndarray, ...]  # each (h, w, 3) float32: L in [0, 100], a and b

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frame."""
        height, width = self.levels[0].shape[:2]
        return height, width


@dataclass(frozen=True, slots=True)
class Window:
    """A square part of a frame, resampled to SAMPLES x SAMPLES."""

    y: float  # its centre, in frame pixels
    x: float
    radius: float  # half its side, in frame pixels
    lab: np.ndarray  # (SAMPLES, SAMPLES, 3) float32, centred, in units of the window's own contrast
    inside: (
        np.ndarray
    )  # (SAMPLES, SAMPLES) bool: where the frame is; elsewhere its border is repeated
    contrast: float  # that unit, in CIE L units

    @property
    def step(self) -> float:
        """Frame pixels between two samples."""
        return 2 * self.radius / SAMPLES

    def sample_of(self, y: float, x: float) -> tuple[int, int]:
        """Return the row and column of the sample nearest to a place of the frame."""
        middle = (SAMPLES - 1) / 2
        row, column = (y - self.y) / self.step + middle, (x - self.x) / self.step + middle
        return round(row), round(column)

    def to_frame(self, image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Return a (SAMPLES, SAMPLES) float image laid back into a frame of this shape."""
        scale = 1 / self.step
        shift = (SAMPLES - 1) / 2
        forward = np.array([[scale, 0, shift - scale * self.x], [0, scale, shift - scale * self.y]])
        return cv2.warpAffine(
            image.astype(np.float32),
            forward,
            (shape[1], shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )

    def from_frame(self, image: np.ndarray) -> np.ndarray:
        """Return a (H, W) image of the whole frame resampled to this window; 0 outside."""
        return _resample(image, self.y, self.x, self.radius, cv2.BORDER_CONSTANT)


def build_pyramid(frame: np.ndarray) -> Pyramid:
    """Return the Lab pyramid of a (3, H, W) float32 RGB frame in [0, 1]."""
    rgb = np.ascontiguousarray(frame.transpose(1, 2, 0), dtype=np.float32)
    levels = [cv2.cvtColor(np.clip(rgb, 0, 1), cv2.COLOR_RGB2LAB)]
    while min(levels[-1].shape[:2]) >= 32:
        levels.append(cv2.pyrDown(levels[-1]))
    return Pyramid(tuple(levels))


def window_radii(shape: tuple[int, int]) -> list[float]:
    """Return the radii of the windows for a frame of this shape, smallest first."""
    radii = [SMALLEST_RADIUS]
    while radii[-1] < 0.75 * max(shape):
        radii.append(radii[-1] * RADIUS_STEP)
    return radii


def cut_window(pyramid: Pyramid, y: float, x: float, radius: float) -> Window:
    """Cut the window of this centre and radius, in frame pixels."""
    step = 2 * radius / SAMPLES
    level = min(max(int(np.floor(np.log2(max(step, 1)))), 0), len(pyramid.levels) - 1)
    image = pyramid.levels[level]
    size = 2.0**level
    lab = _resample(image, y / size, x / size, radius / size, cv2.BORDER_REPLICATE)
    height, width = pyramid.shape
    offsets = (np.arange(SAMPLES) - (SAMPLES - 1) / 2) * step
    rows, columns = y + offsets, x + offsets
    inside = np.outer(
        (rows >= -0.5) & (rows <= height - 0.5), (columns >= -0.5) & (columns <= width - 0.5)
    )
    values = lab[inside]
    contrast = max(float(np.sqrt(values.var(axis=0).sum())), CONTRAST_FLOOR)
    return Window(y, x, radius, (lab - values.mean(axis=0)) / contrast, inside, contrast)


def _resample(image: np.ndarray, y: float, x: float, radius: float, border: int) -> np.ndarray:
    step = 2 * radius / SAMPLES
    corner = radius - step / 2
    matrix = np.array([[step, 0, x - corner], [0, step, y - corner]])
    return cv2.warpAffine(
        image.astype(np.float32, copy=False),
        matrix,
        (SAMPLES, SAMPLES),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )

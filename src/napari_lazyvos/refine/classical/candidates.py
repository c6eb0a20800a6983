"""All regions that one click could mean, through windows of every scale, with measurements."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from napari_lazyvos.refine.classical.contours import KINDS, contour_regions
from napari_lazyvos.refine.classical.floods import flood_regions
from napari_lazyvos.refine.classical.score import FEATURES, measure
from napari_lazyvos.refine.classical.weights import score
from napari_lazyvos.refine.classical.window import (
    RADIUS_STEP,
    SAMPLES,
    Pyramid,
    Window,
    cut_window,
    window_radii,
)

__all__ = ["Candidates", "find_candidates"]

ANGLES, RINGS = 24, 18  # of the log-polar signatures by which regions are compared
RINGS_PER_STEP = 3  # so that the rings of one window are rings of the next
FITTING = 0.3  # area of a region, of its window's, for which a window is chosen


@dataclass(frozen=True, slots=True)
class Candidates:
    """Regions around one click, and how likely each is the object."""

    windows: tuple[Window, ...]
    owner: np.ndarray  # (n,) int: the window in which a region was found
    regions: np.ndarray  # (n, SAMPLES, SAMPLES) bool, in that window's samples
    features: np.ndarray  # (n, features) float32, what `scores` were made from
    signatures: np.ndarray  # (n, m) float32, for `overlaps`
    overlap: np.ndarray  # (n, n) float32: intersection over union of every two
    scores: np.ndarray  # (n,) float32; their softmax is the chance of being the object

    def holds(self, y: float, x: float) -> np.ndarray:
        """Return (n,) bool: whether each region holds a place of the frame."""
        held = np.zeros(len(self.owner), bool)
        for number, window in enumerate(self.windows):
            row, column = window.sample_of(y, x)
            if 0 <= row < SAMPLES and 0 <= column < SAMPLES:
                own = self.owner == number
                held[own] = self.regions[own, row, column]
        return held

    def in_frame(self, index: int, shape: tuple[int, int]) -> np.ndarray:
        """Return region `index` as a soft (H, W) float32 image of the frame, in [0, 1]."""
        return np.asarray(self.windows[self.owner[index]].to_frame(self.regions[index], shape))

    def areas(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (n,) areas of the regions, and of what they share with a (H, W) bool mask.

        Both in frame pixels.
        """
        own, shared = np.zeros(len(self.owner)), np.zeros(len(self.owner))
        for number, window in enumerate(self.windows):
            here = self.owner == number
            seen = window.from_frame(mask.astype(np.float32)) >= 0.5
            own[here] = self.regions[here].sum(axis=(1, 2)) * window.step**2
            shared[here] = (self.regions[here] & seen).sum(axis=(1, 2)) * window.step**2
        return own, shared

    def visible(self, index: int, least: float) -> bool:
        """Return whether a region or its outline differs from its surroundings, in CIE L units."""
        unit = self.windows[self.owner[index]].contrast
        names = ("contrast", "contrast_far", "ridge")
        values = self.features[index, [FEATURES.index(name) for name in names]]
        return bool(np.abs(values).max() * unit >= least)

    def judge(self, masks: np.ndarray) -> np.ndarray:
        """Return (k,) float32: the scores of (k, H, W) masks, on the scale of `scores`."""
        height, width = masks.shape[1:]
        results = []
        for mask in masks:
            number = self._fitting(mask)
            window = self.windows[number]
            region = (window.from_frame(mask.astype(np.float32)) >= 0.5)[None]
            table = measure(window, region, height * width)
            signature = _signatures(region, number, len(self.windows))
            overlap = _overlaps(signature, self.signatures, len(self.windows))
            results.append(score(_with_context(table, overlap, np.array([KINDS])))[0])
        return np.array(results, np.float32)

    def _fitting(self, mask: np.ndarray) -> int:
        """Return the number of the window that a mask fits as the candidates fit theirs."""
        rows, columns = np.nonzero(mask)
        centre = self.windows[0]
        reach = max(np.abs(rows - centre.y).max(), np.abs(columns - centre.x).max()) + 1.0
        wanted = max(np.sqrt(len(rows) / FITTING) / 2, reach)
        radii = np.array([window.radius for window in self.windows])
        return min(int(np.searchsorted(radii, wanted)), len(radii) - 1)


def find_candidates(pyramid: Pyramid, y: float, x: float) -> Candidates:
    """Find, measure and score the regions around a click at this place."""
    height, width = pyramid.shape
    windows = tuple(cut_window(pyramid, y, x, radius) for radius in window_radii(pyramid.shape))
    regions, kinds, tables, signatures, owner = [], [], [], [], []
    for number, (window, contours) in enumerate(
        zip(windows, contour_regions(windows), strict=True)
    ):
        floods = flood_regions(window)
        found = np.concatenate([contours, floods])
        regions.append(found)
        kinds.extend([*range(len(contours)), *[KINDS] * len(floods)])
        tables.append(measure(window, found, height * width))
        signatures.append(_signatures(found, number, len(windows)))
        owner.extend([number] * len(found))
    signature = np.concatenate(signatures)
    overlap = _overlaps(signature, signature, len(windows))
    features = _with_context(np.concatenate(tables), overlap, np.array(kinds))
    return Candidates(
        windows,
        np.array(owner),
        np.concatenate(regions),
        features,
        signature,
        overlap,
        score(features),
    )


def _with_context(table: np.ndarray, overlap: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return measurements with how much other regions agree, and how the region was found."""
    alike = np.log((overlap > 0.8).sum(axis=1) + 1.0)
    nearest = np.sort(overlap, axis=1)[:, -20:].mean(axis=1)
    agreement = np.stack([overlap.mean(axis=1), alike, nearest], axis=1)
    return np.concatenate([table, agreement, np.eye(KINDS + 1)[kinds]], axis=1).astype(np.float32)


def _signatures(regions: np.ndarray, number: int, windows: int) -> np.ndarray:
    """Return (n, ANGLES * rings) float32: the regions on one log-polar grid for all windows."""
    radii = RADIUS_STEP ** (-np.arange(RINGS)[::-1] / RINGS_PER_STEP) * (SAMPLES / 2 - 0.5)
    angles = np.arange(ANGLES)[:, None] * 2 * np.pi / ANGLES
    centre = (SAMPLES - 1) / 2
    rows = np.round(centre + np.sin(angles) * radii).astype(np.int64)
    columns = np.round(centre + np.cos(angles) * radii).astype(np.int64)
    total = np.zeros((len(regions), ANGLES, RINGS + RINGS_PER_STEP * (windows - 1)), np.float32)
    first = RINGS_PER_STEP * number
    total[:, :, first : first + RINGS] = regions[:, rows, columns]
    total[:, :, :first] = total[:, :, first : first + 1]
    return total.reshape(len(regions), -1)


def _overlaps(signatures: np.ndarray, others: np.ndarray, windows: int) -> np.ndarray:
    """Return (n, m) float32: intersection over union of n regions with m others."""
    rings = RINGS + RINGS_PER_STEP * (windows - 1)
    of_ring = RADIUS_STEP ** (2 * (np.arange(rings) - rings) / RINGS_PER_STEP)
    area = np.tile(of_ring, ANGLES).astype(np.float32)
    # OpenCV's product stays on one thread; see `score._averages`.
    weighted = np.asarray(signatures * area, np.float32)
    common = cv2.gemm(weighted, others, 1, np.empty(0), 0, flags=cv2.GEMM_2_T)
    own, their = weighted.sum(axis=1), (others * area).sum(axis=1)
    return np.asarray(common / np.maximum(own[:, None] + their - common, 1e-9))

"""What tells an object from any other region: measurements, for all regions of a window at once."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from napari_lazyvos.refine.classical.window import SAMPLES, Window

__all__ = ["FEATURES", "edge_strength", "measure"]

RING = 7  # samples; a region is compared with what lies this close outside it
STRONG, WEAK = 0.5, 0.2  # of the window's 95th percentile of edge strength
CLICK = 3  # samples; the click stands for the mean of this neighbourhood
SLICES = 36  # of a window, or of every fourth sample of it

FEATURES = (
    "edge",  # mean edge strength along the outline
    "edge_strong",  # share of the outline on a strong edge
    "edge_weak",  # share of the outline on hardly any edge
    "inner_edge",  # mean edge strength well inside
    "inner_strong",  # share of the inside on a strong edge
    "ring_edge",  # mean edge strength in the ring around
    "contrast",  # distance of the mean colours inside and in the ring
    "fisher",  # the same over the spreads
    "spread_inside",
    "spread_ring",
    "histogram",  # difference of the histograms of each channel inside and in the ring
    "click_likeness",  # how much nearer in colour the click is to the inside than to the ring
    "roundness",  # 1 for a disc
    "centrality",  # distance of the click from the outside, over that in a disc of this area
    "off_centre",  # distance of the click from the centroid, over the root of the area
    "log_area",  # of the window's
    "log_size",  # side of a square of the same area, in frame pixels
    "log_share",  # the same, over that of the frame
    "touching",  # share of the outline at the border of window or frame
    "log_contrast",  # of the window, in CIE L units
    "ridge",  # how much brighter the outline is than both its sides
    "texture",  # log ratio of edge strength inside and in the ring
    "contrast_far",  # as contrast, with a ring further out
    "colour_share",  # log_share, times how colourful the window is
    "colour_edge",  # inner_edge, times the same
)


def edge_strength(window: Window, sigma: float = 1.2) -> np.ndarray:
    """Return (SAMPLES, SAMPLES) float32 in [0, 1]: colour gradient over its 95th percentile."""
    image = cv2.GaussianBlur(window.lab, (0, 0), sigma)
    across = cv2.Sobel(image, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(image, cv2.CV_32F, 0, 1)
    gradient = np.sqrt((across**2 + down**2).sum(axis=-1))
    limit = max(float(np.percentile(gradient[window.inside], 95)), 1e-3)
    return np.asarray(np.minimum(gradient / limit, 1.0))


def measure(window: Window, regions: np.ndarray, frame_area: int) -> np.ndarray:
    """Return (n, len(FEATURES)) float32 for (n, SAMPLES, SAMPLES) bool regions of a window."""
    solid = np.ascontiguousarray(regions.transpose(1, 2, 0), np.uint8)  # OpenCV: regions = channels
    wide, core = _grow(solid, 1), _shrink(solid, 1)
    inside = window.inside[..., None]
    band, ring = (wide - core) * inside, (_grow(solid, RING) - wide) * inside
    area = _count(solid)
    rim = solid - core
    outline = _count(rim)
    far = (_grow(solid, 2 * RING) - _grow(solid, RING)) * inside
    maps = _maps(window)
    half = maps[:, ::2, ::2]  # every fourth sample is enough for means over areas
    within, around = _averages(half, solid[::2, ::2]), _averages(half, ring[::2, ::2])
    away = _averages(half[:3], far[::2, ::2])
    shallow = _averages(maps[:1], core - _shrink(core, 3))[:, 0]
    beyond = _averages(maps[:1], (_grow(solid, 4) - wide) * inside)[:, 0]
    outline_light = _averages(maps[:1], band)[:, 0]
    colour = colourfulness(window)
    along, deep = (_averages(maps[6:9], part) for part in (band, _shrink(core, 1)))
    colour_in, colour_ring = within[:, :3], around[:, :3]
    spread_in, spread_ring = _spread(within), _spread(around)
    contrast = np.linalg.norm(colour_in - colour_ring, axis=1)
    middle = slice(SAMPLES // 2 - CLICK, SAMPLES // 2 + CLICK)
    own = window.lab[middle, middle].reshape(-1, 3).mean(axis=0)
    size = np.sqrt(area) * window.step
    edges_of_frame = 1 - cv2.erode(np.pad(window.inside.astype(np.uint8), 1), np.ones((3, 3)))
    columns = (
        *along.T,
        deep[:, 0],
        deep[:, 1],
        around[:, 6],
        contrast,
        contrast / (0.2 + spread_in + spread_ring),
        spread_in,
        spread_ring,
        np.abs(within[:, 11:] - around[:, 11:]).sum(axis=1),
        np.linalg.norm(own - colour_ring, axis=1) - np.linalg.norm(own - colour_in, axis=1),
        np.minimum(4 * np.pi * area / (1.1 * outline) ** 2, 1.2),
        _reach(regions) / np.sqrt(area / np.pi),
        np.hypot(within[:, 9], within[:, 10]) / np.sqrt(area),
        np.log(area / SAMPLES**2),
        np.log(size),
        np.log(size / np.sqrt(frame_area)),
        _count(rim * edges_of_frame[1:-1, 1:-1, None]) / outline,
        np.full(len(regions), np.log(window.contrast)),
        outline_light - (shallow + beyond) / 2,
        np.log((within[:, 6] + 0.05) / (around[:, 6] + 0.05)),
        np.linalg.norm(colour_in - away, axis=1),
        np.log(size / np.sqrt(frame_area)) * colour,
        deep[:, 0] * colour,
    )
    return np.stack(columns, axis=1).astype(np.float32)


def colourfulness(window: Window) -> float:
    """Return the part of a window's spread that is in a and b, from 0 for grey to 1."""
    return float(np.sqrt(window.lab[window.inside][:, 1:].var(axis=0).sum()))


def _maps(window: Window) -> np.ndarray:
    """Return (11 + 24, SAMPLES, SAMPLES): what is averaged over each region and its parts."""
    image = cv2.GaussianBlur(window.lab, (0, 0), 0.8)
    edge = edge_strength(window)
    offset = np.arange(SAMPLES, dtype=np.float32) - (SAMPLES - 1) / 2
    y, x = np.meshgrid(offset, offset, indexing="ij")
    colour = image.transpose(2, 0, 1)
    bins = np.clip((colour * 2 + 4).astype(np.int64), 0, 7)
    histogram = (bins[:, None] == np.arange(8)[:, None, None]).reshape(-1, SAMPLES, SAMPLES)
    return np.concatenate(
        [colour, colour**2, [edge, edge > STRONG, edge < WEAK, y, x], histogram]
    ).astype(np.float32)


def _averages(maps: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return (n, maps): the mean of each map over each part; 0 for an empty part.

    The product is taken in slices that OpenBLAS leaves on one thread: with busy cores its threads
    wait for each other in a spin, and 0.1 ms becomes 200.
    """
    count, places = parts.shape[-1], parts.shape[0] * parts.shape[1]
    flat = parts.reshape(SLICES, places // SLICES, count).astype(np.float32)
    sliced = maps.reshape(len(maps), SLICES, -1).transpose(1, 0, 2)
    sums = (np.ascontiguousarray(sliced) @ flat).sum(axis=0)
    return np.asarray((sums / np.maximum(flat.sum(axis=(0, 1)), 1)).T)


def _spread(mean: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.maximum(mean[:, 3:6] - mean[:, :3] ** 2, 0).sum(axis=1)))


def _reach(regions: np.ndarray) -> np.ndarray:
    """Return the distance of the window's centre from the outside of each region."""
    offset = np.arange(SAMPLES) - (SAMPLES - 1) / 2
    distance = np.hypot(offset[:, None], offset).astype(np.float32)
    return np.asarray(np.where(regions, np.float32(SAMPLES), distance).min(axis=(1, 2)))


def _count(parts: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(parts.reshape(-1, parts.shape[-1]).sum(axis=0, dtype=np.int64), 1))


def _grow(parts: np.ndarray, radius: int) -> np.ndarray:
    return _morph(cv2.dilate, parts, radius)


def _shrink(parts: np.ndarray, radius: int) -> np.ndarray:
    return _morph(cv2.erode, parts, radius)


def _morph(operation: Callable[..., np.ndarray], parts: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    result = operation(parts, np.ones((side, side), np.uint8))
    return result.reshape(parts.shape)  # OpenCV drops an axis of length 1

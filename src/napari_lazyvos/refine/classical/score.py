"""What tells an object from any other region: measurements, for all regions of a window at once."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from napari_lazyvos.refine.classical.window import SAMPLES, Window

__all__ = ["FEATURES", "measure"]

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


def _edge_strength(window: Window) -> np.ndarray:
    """Return (SAMPLES, SAMPLES) float32 in [0, 1]: colour gradient over its 95th percentile."""
    image = cv2.GaussianBlur(window.lab, (0, 0), 1.2)
    across = cv2.Sobel(image, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(image, cv2.CV_32F, 0, 1)
    gradient = np.sqrt((across**2 + down**2).sum(axis=-1))
    limit = max(float(np.percentile(gradient[window.inside], 95)), 1e-3)
    return np.asarray(np.minimum(gradient / limit, 1.0))


def measure(window: Window, regions: np.ndarray, frame_area: int) -> np.ndarray:
    """Return (n, len(FEATURES)) float32 for (n, SAMPLES, SAMPLES) bool regions of a window."""
    solid = np.ascontiguousarray(regions.transpose(1, 2, 0), np.uint8)  # OpenCV: regions = channels
    columns = {**_looks(window, solid), **_form(window, solid, frame_area)}
    colour = _colourfulness(window)
    columns["log_contrast"] = np.full(len(regions), np.log(window.contrast))
    columns["colour_share"] = columns["log_share"] * colour
    columns["colour_edge"] = columns["inner_edge"] * colour
    return np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)


def _looks(window: Window, solid: np.ndarray) -> dict[str, np.ndarray]:
    """Return what the pixels of each region and of its surroundings tell."""
    wide, core = _grow(solid, 1), _shrink(solid, 1)
    inside = window.inside[..., None]
    band, ring = (wide - core) * inside, (_grow(solid, RING) - wide) * inside
    far = (_grow(solid, 2 * RING) - _grow(solid, RING)) * inside
    maps = _maps(window)
    half = maps[:, ::2, ::2]  # every fourth sample is enough for means over areas
    within, around = _averages(half, solid[::2, ::2]), _averages(half, ring[::2, ::2])
    away = _averages(half[:3], far[::2, ::2])
    along, deep = (_averages(maps[6:9], part) for part in (band, _shrink(core, 1)))
    sides = (core - _shrink(core, 3), (_grow(solid, 4) - wide) * inside)
    light, shallow, beyond = (_averages(maps[:1], part)[:, 0] for part in (band, *sides))
    colour_in, colour_ring = within[:, :3], around[:, :3]
    spread_in, spread_ring = _spread(within), _spread(around)
    contrast = np.linalg.norm(colour_in - colour_ring, axis=1)
    middle = slice(SAMPLES // 2 - CLICK, SAMPLES // 2 + CLICK)
    own = window.lab[middle, middle].reshape(-1, 3).mean(axis=0)
    unlike_ring, unlike_in = (np.linalg.norm(own - c, axis=1) for c in (colour_ring, colour_in))
    return {
        "edge": along[:, 0],
        "edge_strong": along[:, 1],
        "edge_weak": along[:, 2],
        "inner_edge": deep[:, 0],
        "inner_strong": deep[:, 1],
        "ring_edge": around[:, 6],
        "contrast": contrast,
        "fisher": contrast / (0.2 + spread_in + spread_ring),
        "spread_inside": spread_in,
        "spread_ring": spread_ring,
        "histogram": np.abs(within[:, 11:] - around[:, 11:]).sum(axis=1),
        "click_likeness": unlike_ring - unlike_in,
        "off_centre": np.hypot(within[:, 9], within[:, 10]) / np.sqrt(_count(solid)),
        "ridge": light - (shallow + beyond) / 2,
        "texture": np.log((within[:, 6] + 0.05) / (around[:, 6] + 0.05)),
        "contrast_far": np.linalg.norm(colour_in - away, axis=1),
    }


def _form(window: Window, solid: np.ndarray, frame_area: int) -> dict[str, np.ndarray]:
    """Return what the outline and size of each region tell."""
    area = _count(solid)
    rim = solid - _shrink(solid, 1)
    outline = _count(rim)
    size = np.sqrt(area) * window.step
    limit = 1 - cv2.erode(np.pad(window.inside.astype(np.uint8), 1), np.ones((3, 3)))
    return {
        "roundness": np.minimum(4 * np.pi * area / (1.1 * outline) ** 2, 1.2),
        "centrality": _reach(solid) / np.sqrt(area / np.pi),
        "log_area": np.log(area / SAMPLES**2),
        "log_size": np.log(size),
        "log_share": np.log(size / np.sqrt(frame_area)),
        "touching": _count(rim * limit[1:-1, 1:-1, None]) / outline,
    }


def _colourfulness(window: Window) -> float:
    """Return the part of a window's spread that is in a and b, from 0 for grey to 1."""
    return float(np.sqrt(window.lab[window.inside][:, 1:].var(axis=0).sum()))


def _maps(window: Window) -> np.ndarray:
    """Return (11 + 24, SAMPLES, SAMPLES): what is averaged over each region and its parts."""
    image = cv2.GaussianBlur(window.lab, (0, 0), 0.8)
    edge = _edge_strength(window)
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


def _reach(solid: np.ndarray) -> np.ndarray:
    """Return the distance of the window's centre from the outside of each region."""
    offset = np.arange(SAMPLES) - (SAMPLES - 1) / 2
    distance = np.hypot(offset[:, None], offset).astype(np.float32)
    far = np.where(solid > 0, np.float32(SAMPLES), distance[..., None])
    return np.asarray(far.min(axis=(0, 1)))


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

"""Masks drawn over their video, to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from napari_lazyvos.lazy.session import Session

__all__ = ["draw_overlay", "write_overlay"]

COLOUR = np.array([255, 170, 0], np.float32)
OPACITY = 0.35
SHEET = (2, 4)  # rows and columns of the contact sheet


def draw_overlay(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Tint a mask and draw its outline.

    Parameters
    ----------
    frame : (3, H, W) float32, RGB in [0, 1]
    mask : (H, W) bool

    Returns
    -------
    (H, W, 3) uint8
    """
    picture = np.moveaxis(frame, 0, -1) * 255
    outline = mask & ~ndimage.binary_erosion(mask)
    picture[mask] += OPACITY * (COLOUR - picture[mask])
    picture[outline] = COLOUR
    return picture.round().astype(np.uint8)


def write_overlay(session: Session, folder: Path) -> None:
    """Write ``overlay.gif``, and ``overlay.png`` with frames from first to last, to a folder."""
    pictures = [
        draw_overlay(session.video.frame(t), session.store.masks.stored(t) > 0)
        for t in range(session.store.frames)
    ]
    first, *rest = (Image.fromarray(picture) for picture in pictures)
    first.save(folder / "overlay.gif", save_all=True, append_images=rest, duration=80, loop=0)
    rows, columns = SHEET
    chosen = np.linspace(0, len(pictures) - 1, rows * columns).round().astype(int)
    sheet = [
        np.concatenate([pictures[t] for t in row], axis=1) for row in chosen.reshape(rows, columns)
    ]
    Image.fromarray(np.concatenate(sheet)).save(folder / "overlay.png")

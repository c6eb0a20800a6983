"""Masks drawn over their video, to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_lazyvos.benchmark.pictures import draw_overlay
from napari_lazyvos.lazy.session import Session

__all__ = ["write_overlay"]

SHEET = (2, 4)  # rows and columns of the contact sheet


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

"""A dot in an object's colour."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPainter, QPixmap

from napari_lazyvos.gui.colours import colour_of

__all__ = ["swatch"]

PIXELS = 14


def swatch(label: int) -> QPixmap:
    """Return a dot in the colour of an object."""
    pixmap = QPixmap(PIXELS, PIXELS)
    pixmap.fill(Qt.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setBrush(QColor(colour_of(label)))
    painter.setPen(Qt.NoPen)
    painter.drawEllipse(1, 1, PIXELS - 2, PIXELS - 2)
    painter.end()
    return pixmap

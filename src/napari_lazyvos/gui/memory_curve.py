"""How diverse the tracker's memory was, frame by frame."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QWidget

from napari_lazyvos.gui.style import ACCENT
from napari_lazyvos.gui.timeline_data import envelope
from napari_lazyvos.gui.timeline_marks import faint

__all__ = ["MemoryCurve"]

HEIGHT = 92  # pixels
LEFT = 56  # pixels, of the axis
NAMES = {"left": "diversity", "bottom": "frame"}  # of the axes
LEAST_RANGE = 0.1  # of the vertical axis: what changes less is not to look like much

WHAT = (
    "How much the remembered frames differ: the logarithm of the determinant of their "
    "similarities. It falls while the memory fills. In a full memory it rises wherever a frame "
    "takes the place of one that differed less."
)


class MemoryCurve(pg.PlotWidget):
    """One curve of `Session.diversity`.

    Parameters
    ----------
    parent : QWidget
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, background=None)
        self.setFocusPolicy(Qt.NoFocus)  # napari's keys stay napari's
        self.setFixedHeight(HEIGHT)
        self.setToolTip(WHAT)
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        for name in NAMES:
            axis = self.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(maxTickLevel=0, tickLength=-4)
        self.getAxis("left").setWidth(LEFT)
        self.getViewBox().disableAutoRange()
        self._curve = pg.PlotCurveItem(pen=pg.mkPen(ACCENT, width=2), connect="finite")
        self._cursor = pg.InfiniteLine(angle=90)
        self.addItem(self._curve)
        self.addItem(self._cursor, ignoreBounds=True)
        self.set_colours(self.palette())

    def show_values(self, values: np.ndarray) -> None:
        """Draw (T,) float32, NaN where unknown; some value is known."""
        self._curve.setData(*envelope(values, 0, len(values), max(2, self.width())))
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        spare = max(0.0, LEAST_RANGE - (high - low)) / 2
        self.setXRange(-0.5, len(values) - 0.5, padding=0)
        self.setYRange(low - spare, high + spare, padding=0.08)

    def set_frame(self, t: int) -> None:
        """Put the cursor on a frame."""
        self._cursor.setValue(t)

    def set_colours(self, palette: QPalette) -> None:
        """Draw in the colours of a theme."""
        text = palette.color(QPalette.WindowText)
        for name in NAMES:
            self.getAxis(name).setPen(pg.mkPen(faint(text, 0.35)))
            self.getAxis(name).setTextPen(pg.mkPen(faint(text, 0.85)))
            self.getAxis(name).setLabel(NAMES[name], color=text.name())
        self._cursor.setPen(pg.mkPen(faint(text, 0.6)))

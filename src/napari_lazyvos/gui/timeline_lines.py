"""The lines of the timeline from which on something is done, and that can be dragged."""

from __future__ import annotations

from dataclasses import dataclass

import pyqtgraph as pg
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QColor

from napari_lazyvos.gui.timeline_data import Measure, Thresholds
from napari_lazyvos.gui.timeline_marks import faint

__all__ = ["ThresholdLines"]


@dataclass(frozen=True, slots=True)
class Line:
    """One threshold, as a person reads it."""

    name: str
    measure: Measure  # that it is of
    position: float  # of its name, as a part of the width


LINES = {  # by the field of `Thresholds`
    "user": Line("ask me", Measure.RISE, 0.005),
    "pseudo": Line("correct itself", Measure.RISE, 0.06),  # beside it: the two may be close
    "memory": Line("do not remember", Measure.SCORE, 0.005),
}


class ThresholdLines(QObject):
    """One line for each threshold that there is, with those of the shown measure in sight.

    Parameters
    ----------
    box : where the curves are
    parent : QObject
    """

    dragged = Signal(object)  # `Thresholds`

    def __init__(self, box: pg.ViewBox, parent: QObject) -> None:
        super().__init__(parent)
        self._thresholds = Thresholds()
        self._measure = Measure.RISE
        self.items = {field: self._make(line) for field, line in LINES.items()}
        for item in self.items.values():
            box.addItem(item, ignoreBounds=True)

    @property
    def moving(self) -> bool:
        """Whether one is being dragged."""
        return any(item.moving for item in self.items.values())

    @property
    def highest(self) -> float:
        """The greatest threshold in sight; 0 where there is none."""
        values = [item.value() for item in self.items.values() if item.isVisible()]
        return float(max(values, default=0.0))

    def show(self, thresholds: Thresholds, measure: Measure) -> None:
        """Put the lines; None has no line."""
        self._thresholds, self._measure = thresholds, measure
        for field, item in self.items.items():
            value = getattr(thresholds, field)
            item.setVisible(value is not None and LINES[field].measure is measure)
            if value is not None and not item.moving:
                item.setValue(value)

    def set_colours(self, text: QColor, ground: QColor) -> None:
        """Draw them in the colours of a theme."""
        for item in self.items.values():
            item.setPen(pg.mkPen(faint(text, 0.6), style=Qt.DashLine))
            item.setHoverPen(pg.mkPen(text, width=2))
            item.label.setColor(faint(text, 0.85))
            item.label.fill = pg.mkBrush(faint(ground, 0.6))

    def _make(self, line: Line) -> pg.InfiniteLine:
        options = {"position": line.position, "anchors": [(0, 1), (0, 1)]}
        item = pg.InfiniteLine(
            angle=0, movable=True, bounds=(0, 1), label=line.name, labelOpts=options
        )
        item.setZValue(10)
        item.setCursor(Qt.SizeVerCursor)
        item.setToolTip(f"{line.name}: from here on; drag to change")
        item.setVisible(False)
        item.sigPositionChangeFinished.connect(self._on_dragged)
        return item

    def _on_dragged(self) -> None:
        values = {
            field: float(item.value())
            for field, item in self.items.items()
            if getattr(self._thresholds, field) is not None
        }
        self._thresholds = Thresholds(**values)
        self.dragged.emit(self._thresholds)

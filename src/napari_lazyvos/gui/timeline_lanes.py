"""The lanes of the timeline: a bar per object that says who made its masks, and its marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QPainter, QTransform

from napari_lazyvos.gui.colours import colour_of
from napari_lazyvos.gui.timeline_data import Mark, Marks, Runs
from napari_lazyvos.gui.timeline_marks import BARS, SIGNS, bar_brushes, sign_brush, sign_pen

__all__ = ["Group", "LaneBars", "LaneMarks"]

ABOVE = 0.3  # of a lane's height, from its middle to where calls for help are


class LaneBars(pg.GraphicsObject):
    """Bars, one lane per object; lane number i lies between ``y = i - 0.5`` and ``i + 0.5``."""

    def __init__(self) -> None:
        super().__init__()
        self._bounds = QRectF()
        self._bars: list[tuple[QBrush, list[QRectF]]] = []
        self._back: list[tuple[QColor, QRectF]] = []
        self.count = 0  # rectangles

    def show_lanes(self, frames: int, lanes: Sequence[tuple[int, Runs]]) -> None:
        """Show the runs of these labels, from the top down."""
        bars = []
        for row, (label, found) in enumerate(lanes):
            colour = QColor(colour_of(label))
            for kind, bar in BARS.items():
                chosen = found.kinds == kind
                top, starts, stops = row - bar.height / 2, found.starts[chosen], found.stops[chosen]
                spans = zip((starts - 0.5).tolist(), (stops - starts).tolist(), strict=True)
                rectangles = [QRectF(left, top, width, bar.height) for left, width in spans]
                if rectangles:
                    bars += [(brush, rectangles) for brush in bar_brushes(bar, colour)]
        self._bars = bars
        self.count = sum(len(rectangles) for _, rectangles in bars)
        bounds = QRectF(-0.5, -0.5, frames, max(1, len(lanes)))
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds
        self.update()

    def show_back(self, back: list[tuple[QColor, QRectF]]) -> None:
        """Show these rectangles behind the bars: the chosen lane, and a range of frames."""
        self._back = back
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """Return the place of all frames of all lanes."""
        return self._bounds

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw what was shown last; what is narrower than a pixel is drawn one pixel wide."""
        view = painter.worldTransform()
        pixel = 1 / abs(view.m11()) if view.m11() else 1.0
        upright = QTransform.fromScale(pixel, 1 / abs(view.m22()) if view.m22() else 1.0)
        painter.setPen(Qt.NoPen)
        for colour, rectangle in self._back:
            painter.fillRect(rectangle, colour)
        for brush, rectangles in self._bars:
            if brush.style() != Qt.SolidPattern:
                brush.setTransform(upright)  # a hatch is drawn at the size of the screen
            painter.setBrush(brush)
            wide = [r if r.width() >= pixel else r.adjusted(0, 0, pixel, 0) for r in rectangles]
            painter.drawRects(wide)


IN_FRONT = (  # the last hides the others
    Mark.LOST,
    Mark.PSEUDO,
    Mark.ENDS,
    Mark.DRAWN,
    Mark.EXCLUDE,
    Mark.INCLUDE,
    Mark.FINE,
    Mark.ANSWERED,
    Mark.OPEN,
)


@dataclass(frozen=True, slots=True)
class Group:
    """What a mark that is drawn stands for."""

    name: str  # of the object
    kind: Mark
    first: int
    last: int
    count: int

    @property
    def text(self) -> str:
        """What its tooltip says."""
        if self.count == 1:
            return f"{self.name}, frame {self.first}: {SIGNS[self.kind].sentence}"
        frames = f"frames {self.first} to {self.last}"
        return f"{self.name}, {frames}: {SIGNS[self.kind].sentence} ({self.count} times)"


class LaneMarks(pg.ScatterPlotItem):
    """The marks of all lanes, each with a tooltip."""

    def __init__(self) -> None:
        super().__init__(pxMode=True, hoverable=True, tip=lambda x, y, data: data.text)
        self.groups: list[Group] = []

    def show_marks(
        self,
        lanes: Sequence[tuple[int, list[Marks]]],
        names: Mapping[int, str],
        text: QColor,
        ground: QColor,
        scale: float,
    ) -> None:
        """Show the marks of these labels, from the top down, and this many times their size."""
        spots: dict[str, list[Any]] = {"x": [], "y": [], "symbol": [], "size": []}
        spots |= {"pen": [], "brush": [], "data": []}
        for row, (label, marks) in enumerate(lanes):
            for each in sorted(marks, key=lambda one: IN_FRONT.index(one.kind)):
                sign, number = SIGNS[each.kind], len(each.first)
                spots["x"] += each.first.tolist()
                spots["y"] += [row - ABOVE if sign.above else row] * number
                spots["symbol"] += [sign.symbol] * number
                spots["size"] += [scale * sign.size] * number
                spots["pen"] += [sign_pen(sign, text, ground)] * number
                spots["brush"] += [sign_brush(sign, text, ground)] * number
                spots["data"] += _groups(names[label], each)
        self.groups = spots["data"]
        self.setData(**spots)


def _groups(name: str, marks: Marks) -> list[Group]:
    spans = zip(marks.first.tolist(), marks.last.tolist(), marks.count.tolist(), strict=True)
    return [Group(name, marks.kind, *span) for span in spans]

"""The drawing of the timeline: curves above, lanes below, one axis of frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import is_
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

from napari_lazyvos.gui.colours import colour_of
from napari_lazyvos.gui.timeline_data import (
    Mark,
    Measure,
    Provenance,
    Reach,
    Snapshot,
    Thresholds,
    Why,
    envelope,
    marks_of,
    runs,
)
from napari_lazyvos.gui.timeline_lanes import LaneBars, LaneMarks
from napari_lazyvos.gui.timeline_lines import ThresholdLines
from napari_lazyvos.gui.timeline_marks import SHADES, faint
from napari_lazyvos.store.document import PlacedClick

__all__ = ["TimelinePlot"]

LEFT_PIXELS = 76  # of both axes, so that frames stand below each other
RIGHT_PIXELS = 24  # the last number stands half beyond the axis
AXIS_PIXELS = 32  # of the axis of frames
LANE_PIXELS = (11, 20)  # height of a lane: of many, and of few
LANES_PIXELS = 160  # of all lanes together, if they need not be lower than LANE_PIXELS
AA = True
CURVES_PIXELS = 120
SMOOTH_PIXELS = 4  # between frames; narrower, smooth lines cost much and show little
BAR_PIXELS = 3  # shorter ones are shown in part only, if there are too many of them
MARK_PIXELS = 14  # marks of one kind that are nearer are drawn as one
MARKS_IN_LOW_LANES = 0.75  # of their size
MARGIN = 0.006  # of the video, on each side of it
FEWEST_FRAMES = 12  # that one can zoom in to
CEILINGS = (0.125, 0.25, 0.5, 1.05)  # of the vertical axis: it changes in few, large steps
HEADROOM = 1.15  # between the highest of what is shown and the ceiling
NAME_LETTERS = 11

AXIS_NAMES = {Measure.RISE: "rise of uncertainty", Measure.SCORE: "uncertainty"}


class TimelinePlot(pg.GraphicsView):
    """What a snapshot knows, drawn; moved with the mouse, and clicked to choose a frame.

    Parameters
    ----------
    parent : QWidget
    """

    frame_chosen = Signal(int)
    thresholds_chosen = Signal(object)  # `Thresholds`, after a line was dragged
    drawn = Signal()  # what is in sight, `marks`, `bars` and `shades`, may have changed

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, useOpenGL=False, background=None)
        self.setFocusPolicy(Qt.NoFocus)  # napari's keys stay napari's
        self.marks: tuple[Mark, ...] = ()  # kinds that are in sight
        self.bars: tuple[Provenance, ...] = ()
        self.shades: tuple[Why, ...] = ()
        self._snapshot: Snapshot | None = None
        self._clicks: Collection[PlacedClick] = ()
        self._names: Mapping[int, str] = {}
        self._measure = Measure.RISE
        self._label: int | None = None
        self._thresholds = Thresholds()
        self._reach: Sequence[Reach] = ()
        self._frames = 1
        self._frame = 0
        self._lane_pixels = LANE_PIXELS[1]
        self._drawn: object = None  # what the marks depend on, and
        self._moments: list[dict[Mark, np.ndarray]] = []  # when they are
        self._left = 0  # frame that was shown before the last click
        self._text, self._ground = QColor("#cccccc"), QColor("#262930")
        self._curves: dict[int, pg.PlotCurveItem] = {}
        self._lay_out()
        self._add_items()
        self.scene().sigMouseClicked.connect(self._on_clicked)
        self.upper.sigXRangeChanged.connect(self.draw)
        self.upper.sigResized.connect(self.draw)

    # What is shown ------------------------------------------------------------------------------

    def show_snapshot(
        self, snapshot: Snapshot, clicks: Collection[PlacedClick], names: Mapping[int, str]
    ) -> None:
        """Show what is known now."""
        is_new, grown = snapshot is not self._snapshot, snapshot.frames != self._frames
        follow = is_new or self.shows_all
        renamed = names != self._names
        self._snapshot, self._clicks, self._names = snapshot, clicks, names
        if is_new or grown:
            self._frames = snapshot.frames
            self._set_limits()
        if follow and (is_new or grown):
            self.show_all()
        if is_new or grown or renamed:
            self._set_lanes()
        self.draw()

    def set_frame(self, t: int) -> None:
        """Put the cursor on a frame; where it leaves the sight, what is shown follows."""
        first, last = self.upper.viewRange()[0]
        if first <= self._frame <= last and not first <= t <= last:
            middle = t - (last - first) / 2
            self.upper.setXRange(middle, middle + last - first, padding=0)
        self._frame = t
        for cursor in self._cursors:
            cursor.setValue(t)

    def set_label(self, label: int | None) -> None:
        """Make the curve and the lane of an object stand out."""
        self._label = label
        self._style_curves()
        self._draw_back()

    def set_measure(self, measure: Measure) -> None:
        """Choose which curve is drawn."""
        self._measure = measure
        self.upper_axis.setLabel(AXIS_NAMES[measure])
        self.lines.show(self._thresholds, self._measure)
        self.draw()

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """Put the lines where something is done; None has no line."""
        self._thresholds = thresholds
        self.lines.show(self._thresholds, self._measure)
        self._set_ceiling()

    def show_reach(self, reach: Sequence[Reach]) -> None:
        """Shade each object's frames in its lane, and among the curves what is the most certain."""
        self._reach = reach
        self.shades = tuple(shade for shade in SHADES if any(each.why is shade for each in reach))
        for item in (self._region, self._region_text):
            item.setVisible(bool(reach))
        if reach:
            chosen = [each for each in reach if each.why is self.shades[0]]
            first, stop = min(each.start for each in chosen), max(each.stop for each in chosen)
            self._region.setRegion((first - 0.5, stop - 0.5))
            self._region_text.setText(SHADES[self.shades[0]].sentence)
            self._place_region_text()
        self._draw_back()
        self.drawn.emit()

    def show_all(self) -> None:
        """Show the whole video."""
        self.upper.setXRange(*self._whole, padding=0)

    @property
    def shows_all(self) -> bool:
        """Whether the whole of what was known is in sight."""
        first, last = self.upper.viewRange()[0]
        return bool(first <= self._whole[0] + 0.5 and last >= self._whole[1] - 0.5)

    def set_colours(self, palette: QPalette) -> None:
        """Draw text and ground in the colours of a theme."""
        self._text = palette.color(QPalette.WindowText)
        self._ground = palette.color(QPalette.Window)
        self.setBackground(self._ground)
        for axis in (self.upper_axis, self.lower_axis, self.frame_axis):
            axis.setPen(pg.mkPen(faint(self._text, 0.35)))
            axis.setTextPen(pg.mkPen(faint(self._text, 0.85)))
        self.lower_axis.setPen(pg.mkPen(None))
        for cursor in self._cursors:
            cursor.setPen(pg.mkPen(self._text))
        self._region.setBrush(faint(self._text, 0.10))
        self._region_text.setColor(faint(self._text, 0.6))
        self.lines.set_colours(self._text, self._ground)
        self._draw_back()
        self.draw()

    def draw(self) -> None:
        """Draw what is in sight anew, with as many points as there are pixels."""
        snapshot, width = self._snapshot, int(self.upper.width())
        if snapshot is None or width < 2:
            return
        first, last = self.upper.viewRange()[0]
        # One frame more on each side, so that lines go on to the rim.
        start, stop = max(0, int(first) - 1), min(self._frames, int(last) + 2)
        self._draw_curves(snapshot, start, stop, width)
        found = [
            (lane.label, runs(lane.kinds, start, stop, width // BAR_PIXELS))
            for lane in snapshot.lanes
        ]
        self._bars.show_lanes(self._frames, found)
        self.bars = tuple(
            {Provenance(kind) for _, each in found for kind in set(each.kinds.tolist())}
        )
        self._draw_marks(snapshot, start, stop, width // MARK_PIXELS)
        self._set_ceiling()
        self._place_region_text()
        self.drawn.emit()

    @property
    def points(self) -> int:
        """How many points, bars and marks are drawn."""
        curves = sum(len(curve.getData()[0]) for curve in self._curves.values())
        return curves + self._bars.count + len(self._marks.groups)

    # How it is made -----------------------------------------------------------------------------

    def _lay_out(self) -> None:
        layout = pg.GraphicsLayout(border=None)
        layout.setContentsMargins(0, 4, RIGHT_PIXELS, 0)
        layout.setSpacing(2)
        self.setCentralItem(layout)
        self.upper_axis, self.lower_axis = pg.AxisItem("left"), pg.AxisItem("left")
        self.frame_axis = _FrameAxis("bottom")
        self._plots = (
            layout.addPlot(0, 0, axisItems={"left": self.upper_axis}),
            layout.addPlot(1, 0, axisItems={"left": self.lower_axis, "bottom": self.frame_axis}),
        )
        for plot in self._plots:
            plot.hideButtons()
            plot.setMenuEnabled(False)
            plot.setMouseEnabled(x=True, y=False)
            plot.vb.disableAutoRange()
        self._plots[0].hideAxis("bottom")
        self.upper, self.lower = self._plots[0].vb, self._plots[1].vb
        self.lower.setXLink(self.upper)
        self.lower.invertY(True)
        self.frame_axis.setLabel("frame")
        self.frame_axis.setHeight(AXIS_PIXELS)
        self.upper_axis.setLabel(AXIS_NAMES[self._measure])
        self.upper_axis.setStyle(maxTickLevel=0, tickLength=-4)
        self.frame_axis.setStyle(maxTickLevel=0, tickLength=-4, hideOverlappingLabels=False)
        for axis in (self.upper_axis, self.lower_axis):
            axis.setWidth(LEFT_PIXELS)
            axis.enableAutoSIPrefix(False)
        self.lower_axis.setStyle(tickLength=0)
        self._rows = layout.layout

    def _add_items(self) -> None:
        self._bars, self._marks = LaneBars(), LaneMarks()
        self.lower.addItem(self._bars, ignoreBounds=True)
        self.lower.addItem(self._marks, ignoreBounds=True)
        self._region = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self._region_text = pg.TextItem(anchor=(0, 0))
        for item in (self._region, self._region_text):
            item.setVisible(False)
            self.upper.addItem(item, ignoreBounds=True)
        self._cursors = (pg.InfiniteLine(angle=90), pg.InfiniteLine(angle=90))
        for box, cursor in zip((self.upper, self.lower), self._cursors, strict=True):
            cursor.setZValue(20)
            box.addItem(cursor, ignoreBounds=True)
        self.lines = ThresholdLines(self.upper, self)
        self.lines.dragged.connect(self._on_dragged)

    # --------------------------------------------------------------------------------------------

    @property
    def _whole(self) -> tuple[float, float]:
        """What is in sight at most: the video, and room for the marks of its first frame."""
        margin = MARGIN * self._frames
        return -0.5 - margin, self._frames - 0.5 + margin

    def _set_limits(self) -> None:
        fewest = min(FEWEST_FRAMES, self._frames)
        for box in (self.upper, self.lower):
            box.setLimits(xMin=self._whole[0], xMax=self._whole[1], minXRange=fewest)

    def _set_lanes(self) -> None:
        """Make room for the lanes, and name them."""
        assert self._snapshot is not None  # the only caller has set it
        lanes = self._snapshot.lanes
        number = max(1, len(lanes))
        self._lane_pixels = min(max(LANES_PIXELS // number, LANE_PIXELS[0]), LANE_PIXELS[1])
        height = number * self._lane_pixels + AXIS_PIXELS
        self._rows.setRowFixedHeight(1, height)
        self.setMinimumHeight(height + CURVES_PIXELS)
        self.lower.setYRange(-0.5, number - 0.5, padding=0)
        ticks = [(row, _short(self._names[lane.label])) for row, lane in enumerate(lanes)]
        self.lower_axis.setTicks([ticks])
        self._draw_back()

    def _draw_curves(self, snapshot: Snapshot, start: int, stop: int, width: int) -> None:
        labels = {lane.label for lane in snapshot.lanes}
        for label in self._curves.keys() - labels:
            self.upper.removeItem(self._curves.pop(label))
        new = labels - self._curves.keys()
        for label in sorted(new):
            self._curves[label] = pg.PlotCurveItem()
            self.upper.addItem(self._curves[label], ignoreBounds=True)
        if new:
            self._style_curves()
        for lane in snapshot.lanes:
            x, y = envelope(lane.values(self._measure), start, stop, width)
            smooth = SMOOTH_PIXELS * (stop - start) <= width
            self._curves[lane.label].setData(x, y, connect="finite", antialias=smooth)

    def _draw_marks(self, snapshot: Snapshot, start: int, stop: int, most: int) -> None:
        """Draw the marks, unless they are drawn already."""
        moments = [lane.moments(self._clicks) for lane in snapshot.lanes]
        wanted = (start, stop, most, self._names, self._text, self._lane_pixels)
        same = len(moments) == len(self._moments) and all(map(is_, moments, self._moments))
        if same and wanted == self._drawn:
            return
        self._drawn, self._moments = wanted, moments
        found = [
            (lane.label, marks_of(lane, self._clicks, start, stop, most)) for lane in snapshot.lanes
        ]
        scale = 1 if self._lane_pixels == LANE_PIXELS[1] else MARKS_IN_LOW_LANES
        self._marks.show_marks(found, self._names, self._text, self._ground, scale)
        self.marks = tuple({each.kind for _, marks in found for each in marks})

    def _style_curves(self) -> None:
        for label, curve in self._curves.items():
            chosen = label == self._label
            colour = faint(QColor(colour_of(label)), 1.0 if chosen else 0.75)
            curve.setPen(pg.mkPen(colour, width=2 if chosen else 1))
            curve.setZValue(5 if chosen else 1)

    def _place_region_text(self) -> None:
        """Put it into the upper left corner of what is in sight of the region."""
        (first, _), (_, top) = self.upper.viewRange()
        self._region_text.setPos(max(first, self._region.getRegion()[0]), top)

    def _draw_back(self) -> None:
        """Shade the lane of the chosen object, and what can change in the lane of each."""
        rows = {}
        if self._snapshot is not None:
            rows = {lane.label: row for row, lane in enumerate(self._snapshot.lanes)}
        back = []
        if self._label in rows:
            place = QRectF(-0.5, rows[self._label] - 0.5, self._frames, 1)
            back.append((faint(self._text, 0.08), place))
        for each in self._reach:
            if each.label in rows:
                place = QRectF(each.start - 0.5, rows[each.label] - 0.5, each.stop - each.start, 1)
                back.append((faint(self._text, SHADES[each.why].opacity), place))
        self._bars.show_back(back)
        self._bars.setToolTip("\n".join(map(self._say, self._reach)))

    def _say(self, each: Reach) -> str:
        """Return in words what can change."""
        name = self._names.get(each.label, f"Object {each.label}")
        frames = f"frames {each.start} to {each.stop - 1}"
        return f"{name}, {frames}: {SHADES[each.why].sentence}"

    def _set_ceiling(self) -> None:
        if self._snapshot is None or self.lines.moving:
            return
        highest = max(self._snapshot.highest(self._measure), self.lines.highest)
        top = next((each for each in CEILINGS if each >= HEADROOM * highest), CEILINGS[-1])
        floor = -top / 4 if self._measure is Measure.RISE else 0
        if self.upper.viewRange()[1] != [floor, top]:
            self.upper.setYRange(floor, top, padding=0)

    def _on_dragged(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._set_ceiling()
        self.thresholds_chosen.emit(thresholds)

    def _on_clicked(self, event: Any) -> None:
        if event.button() != Qt.LeftButton or self._snapshot is None:
            return
        place = event.scenePos()
        if not any(box.sceneBoundingRect().contains(place) for box in (self.upper, self.lower)):
            return
        if event.double():
            self.show_all()
            self.frame_chosen.emit(self._left)  # the first of the two clicks has left it
            return
        t = round(self.upper.mapSceneToView(place).x())
        self._left = self._frame
        self.frame_chosen.emit(min(max(t, 0), self._frames - 1))


class _FrameAxis(pg.AxisItem):
    """An axis of whole numbers."""

    def tickSpacing(self, minimum: float, maximum: float, size: float) -> list[Any]:  # noqa: N802
        """Return the distances of ticks, of which none is a part of a frame."""
        distances = super().tickSpacing(minimum, maximum, size)
        return [each for each in distances if each[0] >= 1] or [(1, 0)]

    def tickStrings(self, values: Any, scale: float, spacing: float) -> list[str]:  # noqa: N802
        """Return the numbers as they are, never as 1e+05."""
        return [str(round(value)) for value in values]


def _short(name: str) -> str:
    return name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1] + "…"

"""The signs of the timeline: what they look like, what they say, and their legend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyqtgraph.graphicsItems.ScatterPlotItem import drawSymbol
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lazyvos.gui.colours import EXCLUDE, INCLUDE
from napari_lazyvos.gui.timeline_data import Mark, Provenance, Why

__all__ = [
    "BARS",
    "SHADES",
    "SIGNS",
    "Bar",
    "Legend",
    "Shade",
    "Sign",
    "bar_brushes",
    "faint",
    "sign_brush",
    "sign_pen",
]

ICON_PIXELS = 10
GAP_PIXELS = 5  # between a sign and its word
SPACE_PIXELS = 14  # between two words
PALE = 0.25  # opacity of the ground under a hatch


def _tick() -> QPainterPath:
    """Return a check mark within a unit square around 0, as pyqtgraph's symbols are."""
    path = QPainterPath(QPointF(-0.45, 0.05))
    path.lineTo(QPointF(-0.12, 0.38))
    path.lineTo(QPointF(0.45, -0.35))
    path.lineTo(QPointF(-0.12, 0.38))
    path.closeSubpath()
    return path


@dataclass(frozen=True, slots=True)
class Sign:
    """How a kind of mark is drawn, and what it says."""

    word: str  # in the legend
    sentence: str  # in the tooltip
    symbol: str | QPainterPath
    size: int  # pixels
    above: bool = False  # on the upper rim of its lane, not in the middle
    colour: str | None = None  # None: that of the text
    filled: bool = True


SIGNS = {
    Mark.INCLUDE: Sign("include", "you clicked: this belongs to it", "o", 9, colour=INCLUDE),
    Mark.EXCLUDE: Sign(
        "exclude", "you clicked: this does not belong to it", "x", 11, colour=EXCLUDE
    ),
    Mark.DRAWN: Sign("your mask", "the mask is yours", "s", 7),
    Mark.PSEUDO: Sign("corrected itself", "the tracker corrected itself", "d", 7),
    Mark.OPEN: Sign("asks you", "you are asked for help", "t", 10, above=True),
    Mark.ANSWERED: Sign(
        "answered", "you were asked, and answered", "t", 9, above=True, filled=False
    ),
    Mark.FINE: Sign("fine", "you were asked, and said it is fine", _tick(), 10, above=True),
    Mark.LOST: Sign("not seen", "not seen from here", "o", 7, filled=False),
    Mark.ENDS: Sign("ends", "you said that it ends here", "|", 14),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """How frames of one provenance are drawn in a lane: in the colour of the object."""

    word: str
    height: float  # of the lane's height
    opacity: float
    pattern: Qt.BrushStyle = Qt.SolidPattern


BARS = {
    Provenance.TRACKED: Bar("tracked", 0.36, 0.5),
    Provenance.STALE: Bar("out of date", 0.36, 0.7, Qt.BDiagPattern),
    Provenance.ABSENT: Bar("not seen", 0.08, 0.6),
    Provenance.PSEUDO: Bar("corrected itself", 0.36, 0.8),
    Provenance.HUMAN: Bar("by you", 0.6, 1.0),
}


@dataclass(frozen=True, slots=True)
class Shade:
    """How frames that will be tracked again are shaded in a lane, and what that says."""

    word: str
    sentence: str  # above the curves
    opacity: float


SHADES = {
    Why.ANEW: Shade("to be tracked anew", "to be tracked anew", 0.25),
    Why.ROUND: Shade("this round", "changes with the round of this frame", 0.35),
    Why.CLICK: Shade("a click here", "would change with a click in this frame", 0.18),
}


def faint(colour: QColor, opacity: float) -> QColor:
    """Return a colour with another opacity."""
    colour = QColor(colour)
    colour.setAlphaF(opacity)
    return colour


def bar_brushes(bar: Bar, colour: QColor) -> list[QBrush]:
    """Return what a bar is painted with in a colour, one after the other."""
    brush = QBrush(faint(colour, bar.opacity), bar.pattern)
    return [brush] if bar.pattern == Qt.SolidPattern else [QBrush(faint(colour, PALE)), brush]


def sign_pen(sign: Sign, text: QColor, ground: QColor) -> QPen:
    """Return the pen of a sign: a rim in the colour of the ground, or the sign's own line."""
    is_line = not sign.filled or not isinstance(sign.symbol, str)
    pen = QPen(QColor(sign.colour or text) if is_line else ground)
    pen.setWidthF(1.6 if is_line else 1.0)
    pen.setCosmetic(True)
    return pen


def sign_brush(sign: Sign, text: QColor, ground: QColor) -> QBrush:
    """Return what a sign is filled with."""
    return QBrush(QColor(sign.colour or text) if sign.filled else ground)


class Legend(QWidget):
    """One line that explains the signs which are shown now, as many as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kinds: tuple[Mark | Provenance | Why, ...] = ()
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)

    @property
    def words(self) -> tuple[str, ...]:
        """What it explains."""
        return tuple(map(_word, self._kinds))

    def show_kinds(
        self, shades: Iterable[Why], marks: Iterable[Mark], bars: Iterable[Provenance]
    ) -> None:
        """Explain these."""
        kinds: tuple[Mark | Provenance | Why, ...] = (
            *(shade for shade in SHADES if shade in set(shades)),
            *sorted(marks),
            *(bar for bar in BARS if bar in set(bars)),
        )
        chosen = {_word(kind): kind for kind in reversed(kinds)}  # of two with one word, the first
        kinds = tuple(kind for kind in kinds if chosen[_word(kind)] is kind)
        if kinds != self._kinds:
            self._kinds = kinds
            self.setToolTip(" · ".join(self.words))
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return the height of a line of text."""
        return QSize(100, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw the signs and their words from the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        text = self.palette().color(QPalette.WindowText)
        ground = self.palette().color(QPalette.Window)
        widths = [self.fontMetrics().horizontalAdvance(word) for word in self.words]
        entry = ICON_PIXELS + GAP_PIXELS + SPACE_PIXELS
        left = float(max(0, self.width() - sum(widths) - entry * len(widths)))
        for kind, word, width in zip(self._kinds, self.words, widths, strict=True):
            if left + entry + width > self.width():
                break
            icon = QRectF(left + SPACE_PIXELS, 0, ICON_PIXELS, self.height())
            _paint_icon(painter, kind, icon, text, ground)
            painter.setPen(faint(text, 0.75))
            place = QRectF(icon.right() + GAP_PIXELS, 0, width + 1, self.height())
            painter.drawText(place, Qt.AlignVCenter | Qt.AlignLeft, word)
            left += entry + width
        painter.end()


def _word(kind: Mark | Provenance | Why) -> str:
    if isinstance(kind, Why):
        return SHADES[kind].word
    return SIGNS[kind].word if isinstance(kind, Mark) else BARS[kind].word


def _paint_icon(
    painter: QPainter, kind: Mark | Provenance | Why, place: QRectF, text: QColor, ground: QColor
) -> None:
    """Draw a sign, or a piece of a bar or a shade, in the middle of a place."""
    painter.save()
    if isinstance(kind, Why):
        middle = QRectF(0, 0, place.width(), place.width())
        middle.moveCenter(place.center())
        painter.fillRect(middle, faint(text, SHADES[kind].opacity))
    elif isinstance(kind, Mark):
        sign = SIGNS[kind]
        painter.translate(place.center())
        pen, brush = sign_pen(sign, text, ground), sign_brush(sign, text, ground)
        drawSymbol(painter, sign.symbol, sign.size, pen, brush)
    else:
        height = max(2.0, 16 * BARS[kind].height)
        piece = QRectF(place.left(), place.center().y() - height / 2, place.width(), height)
        for brush in bar_brushes(BARS[kind], text):
            painter.fillRect(piece, brush)
    painter.restore()

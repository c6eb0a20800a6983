"""The strip of small pictures in the dock widget *Memory*."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, QPoint, QPointF, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPainterPath, QPalette, QPen, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QWidget

from napari_lazyvos.gui.memory_model import PINNED, MemoryModel
from napari_lazyvos.gui.style import ACCENT
from napari_lazyvos.gui.thumbnails import FRAME_SIZE

if TYPE_CHECKING:
    from napari_lazyvos.lazy.remembering import MemoryFrame

__all__ = ["MemoryStrip"]

MARGIN = 5  # pixels around a picture
NUMBER = 16  # pixels below it
PIN = 18  # pixels


class MemoryStrip(QListView):
    """Pictures side by side, in as many rows as there is room for.

    Parameters
    ----------
    model : MemoryModel
    parent : QWidget
    """

    def __init__(self, model: MemoryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._frames = model
        self.setModel(model)
        self._painter = _Painter(self)
        self.setItemDelegate(self._painter)
        self.setViewMode(QListView.IconMode)
        self.setMovement(QListView.Static)
        self.setResizeMode(QListView.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.CustomContextMenu)
        self.setFocusPolicy(Qt.TabFocus)  # a click leaves napari's keys to napari
        self.fit(*FRAME_SIZE)

    def fit(self, width: int, height: int) -> None:
        """Make room for pictures of a size."""
        if self._painter.picture != QSize(width, height):
            self._painter.picture = QSize(width, height)
            self.setMinimumHeight(self._painter.cell.height() + 6)
            self.scheduleDelayedItemsLayout()

    @property
    def chosen(self) -> MemoryFrame | None:
        """The frame that is chosen."""
        lines = self.selectionModel().selectedIndexes()
        return self._frames.frames[lines[0].row()] if lines else None

    def choose(self, t: int | None) -> None:
        """Choose a frame; one that is not there, or None: no frame is chosen."""
        row = None if t is None else self._frames.row_of(t)
        if row is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            self.setCurrentIndex(self._frames.index(row))


class _Painter(QStyledItemDelegate):
    """Paints a picture, the number of the frame below it, and a pin on it."""

    picture = QSize()

    @property
    def cell(self) -> QSize:
        return self.picture + QSize(2 * MARGIN, 2 * MARGIN + NUMBER)

    def sizeHint(self, option: Any, index: QModelIndex) -> QSize:  # noqa: N802 (Qt's name)
        return self.cell

    def paint(self, painter: QPainter, option: Any, index: QModelIndex) -> None:
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        place: QRect = option.rect
        if option.state & QStyle.State_Selected:
            painter.setPen(Qt.NoPen)
            painter.setBrush(QColor(ACCENT))
            painter.drawRoundedRect(QRectF(place.adjusted(1, 1, -1, -1)), 3, 3)
        room = QRect(place.topLeft() + QPoint(MARGIN, MARGIN), self.picture)
        picture: QPixmap | None = index.data(Qt.DecorationRole)
        if picture is None or picture.isNull():
            painter.fillRect(room, QColor(127, 127, 127, 40))
        else:
            painter.drawPixmap(room, picture)
        painter.setPen(option.palette.color(QPalette.WindowText))
        below = QRect(place.left(), place.bottom() - NUMBER - 1, place.width(), NUMBER)
        painter.drawText(below, Qt.AlignCenter, str(index.data()))
        if index.data(PINNED):
            _draw_pin(painter, QPointF(room.right() - PIN / 2, room.top() + PIN / 2))
        painter.restore()


def _draw_pin(painter: QPainter, centre: QPointF) -> None:
    """Draw a drawing pin on a dark disc, that is seen on any picture."""
    painter.translate(centre)
    painter.setPen(Qt.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawEllipse(QPointF(0, 0), PIN / 2, PIN / 2)
    painter.rotate(35)
    painter.setPen(QPen(QColor("white"), 1.4))
    painter.drawLine(QPointF(0, 1), QPointF(0, 7))
    head = QPainterPath(QPointF(-2.5, -6))
    for x, y in ((2.5, -6), (2, -2), (4.5, 1), (-4.5, 1), (-2, -2)):
        head.lineTo(x, y)
    head.closeSubpath()
    painter.setPen(Qt.NoPen)
    painter.setBrush(QColor("white"))
    painter.drawPath(head)

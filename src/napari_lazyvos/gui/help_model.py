"""The open calls for help as a table, for a view that asks only for the lines that it shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QPixmap

from napari_lazyvos.gui.question import Overview
from napari_lazyvos.gui.swatch import swatch

if TYPE_CHECKING:
    from napari_lazyvos.lazy.calls import OpenCall

__all__ = ["COLUMNS", "FRAME", "OBJECT", "PICTURE", "RISE", "SCORE", "CallsModel"]

PICTURE, OBJECT, FRAME, SCORE, RISE = range(5)
COLUMNS = ("", "Object", "Frame", "Score", "Rise")
WHAT = {
    PICTURE: "The object, and what is around it",
    SCORE: "How unsure the tracker is of the object: 0 is sure, 1 is a guess",
    RISE: "By how much that rose from the frame before",
}


class CallsModel(QAbstractTableModel):
    """One line per open call.

    Parameters
    ----------
    picture : callable
        Returns the picture of a call, or None where it is not made yet. Asked for what is seen
        only.
    parent : QObject
    """

    def __init__(self, picture: Callable[[OpenCall], QPixmap | None], parent: QObject) -> None:
        super().__init__(parent)
        self.calls: list[OpenCall] = []  # in the order of the lines
        self._picture = picture
        self._overview = Overview()
        self._swatches: dict[int, QPixmap] = {}
        self._column, self._falling = RISE, True

    def show_overview(self, overview: Overview) -> bool:
        """List the open calls of an overview; returns whether they are others than before."""
        if (overview.calls, overview.names) == (self._overview.calls, self._overview.names):
            return False
        self._overview = overview
        self._arrange()
        return True

    def row_of(self, call: OpenCall) -> int | None:
        """Return the line of the call for the same object in the same frame."""
        for row, each in enumerate(self.calls):
            if (each.t, each.label) == (call.t, call.label):
                return row
        return None

    def show_picture(self, call: OpenCall) -> None:
        """Draw the picture of a call, which is there now."""
        row = self.row_of(call)
        if row is not None:
            index = self.index(row, PICTURE)
            self.dataChanged.emit(index, index, [Qt.DecorationRole])

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 (Qt's name)
        """Return the number of calls."""
        return 0 if parent is not None and parent.isValid() else len(self.calls)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 (Qt's name)
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802 (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole
    ) -> Any:
        """Return the name of a column, or what it says."""
        if orientation == Qt.Horizontal and role == Qt.DisplayRole:
            return COLUMNS[section]
        if orientation == Qt.Horizontal and role == Qt.ToolTipRole:
            return WHAT.get(section)
        return None

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """Return what stands in a cell."""
        call, column = self.calls[index.row()], index.column()
        if role == Qt.DisplayRole:
            return self._text(call, column)
        if role == Qt.DecorationRole and column == PICTURE:
            return self._picture(call)
        if role == Qt.DecorationRole and column == OBJECT:
            if call.label not in self._swatches:
                self._swatches[call.label] = swatch(call.label)
            return self._swatches[call.label]
        if role == Qt.TextAlignmentRole and column >= FRAME:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.AscendingOrder) -> None:
        """Sort by a column; pictures have no order."""
        if column != PICTURE:
            self._column, self._falling = column, order == Qt.DescendingOrder
            self._arrange()

    def _arrange(self) -> None:
        calls = self._overview.calls
        name = {OBJECT: "label", FRAME: "t", SCORE: "score"}.get(self._column, "rise")
        worth = np.array([getattr(call, name) for call in calls], float)
        worth = np.nan_to_num(worth, nan=-np.inf)
        frames, labels = [call.t for call in calls], [call.label for call in calls]
        order = np.lexsort((labels, frames, -worth if self._falling else worth))
        self.beginResetModel()
        self.calls = [calls[index] for index in order]
        self.endResetModel()

    def _text(self, call: OpenCall, column: int) -> str | None:
        match column:
            case 1:
                return self._overview.names.get(call.label, f"Object {call.label}")
            case 2:
                return str(call.t)
            case 3:
                return f"{call.score:.2f}"
            case 4:
                return "-" if math.isnan(call.rise) else f"{call.rise:+.2f}"
        return None

"""The frames that the tracker remembers as a list, for a view that asks for what it shows only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QPixmap

from napari_lazyvos.gui.memory_words import about

if TYPE_CHECKING:
    from napari_lazyvos.lazy.remembering import MemoryFrame

__all__ = ["PINNED", "MemoryModel"]

PINNED = Qt.UserRole
"""Role of whether a frame never leaves."""


class MemoryModel(QAbstractListModel):
    """One line per frame, in the order of time.

    Parameters
    ----------
    picture : callable
        Returns the picture of a frame, or None where it is not made yet.
    parent : QObject
    """

    def __init__(self, picture: Callable[[int], QPixmap | None], parent: QObject) -> None:
        super().__init__(parent)
        self.frames: list[MemoryFrame] = []  # in the order of the lines
        self._picture = picture

    def show_frames(self, frames: Sequence[MemoryFrame]) -> None:
        """List other frames; what stays, stays where it is, and so does what is in sight."""
        if list(frames) == self.frames:
            return
        there = {frame.t for frame in frames}
        for row in reversed(range(len(self.frames))):
            if self.frames[row].t not in there:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self.frames[row]
                self.endRemoveRows()
        for row, frame in enumerate(frames):
            if row == len(self.frames) or self.frames[row].t != frame.t:
                self.beginInsertRows(QModelIndex(), row, row)
                self.frames.insert(row, frame)
                self.endInsertRows()
            elif self.frames[row] != frame:
                self.frames[row] = frame
                self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, t: int) -> int | None:
        """Return the line of a frame."""
        times = [frame.t for frame in self.frames]
        return times.index(t) if t in times else None

    def show_picture(self, t: int) -> None:
        """Draw the picture of a frame, which is there now."""
        row = self.row_of(t)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row), [Qt.DecorationRole])

    def show_pictures(self) -> None:
        """Draw all pictures again."""
        if self.frames:
            first, last = self.index(0), self.index(len(self.frames) - 1)
            self.dataChanged.emit(first, last, [Qt.DecorationRole])

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 (Qt's name)
        """Return the number of frames."""
        return 0 if parent is not None and parent.isValid() else len(self.frames)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        """Return the number, the picture, the words or the pin of a frame."""
        frame = self.frames[index.row()]
        match role:
            case Qt.DisplayRole:
                return str(frame.t)
            case Qt.DecorationRole:
                return self._picture(frame.t)
            case Qt.ToolTipRole | Qt.AccessibleTextRole:
                return about(frame)
            case _ if role == PINNED:
                return frame.permanent
        return None

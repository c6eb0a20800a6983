"""The dock widget *Help list*: all that the tracker asked about, the most pressing first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.viewer import Viewer
from qtpy.QtCore import QModelIndex, QSize, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
)

from napari_lazyvos.gui.companion import Companion
from napari_lazyvos.gui.help_model import COLUMNS, OBJECT, PICTURE, RISE, CallsModel
from napari_lazyvos.gui.question import Overview
from napari_lazyvos.gui.style import SHEET
from napari_lazyvos.gui.thumbnails import SIDE, Thumbnails

if TYPE_CHECKING:
    from napari_lazyvos.gui.asking import Asking
    from napari_lazyvos.gui.widget import LazyWidget
    from napari_lazyvos.lazy.calls import OpenCall

__all__ = ["HelpList"]

NO_WIDGET = "Open Plugins ▸ Lazy VOS ▸ Lazy segmentation, and start a session there."
LINES_SHOWN = 4  # at least
EMPTY = "No call for help is open."


class HelpList(Companion):
    """Lists the open calls of the session that the viewer's *Lazy segmentation* shows.

    Parameters
    ----------
    napari_viewer : napari viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.thumbnails = Thumbnails(self._peek, self)
        self.model = CallsModel(self.thumbnails.get, self)
        self.table = _make_table(self.model)
        self.count = QLabel(wordWrap=True)
        self.there = QPushButton("Go there", objectName="primary")
        self.there.setToolTip("Show the call as if it were made now  (double-click, or Enter)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.table, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self.count, 1)
        bottom.addWidget(self.there)
        layout.addLayout(bottom)
        self.setStyleSheet(SHEET)
        self.table.activated.connect(self._on_activated)
        self.there.clicked.connect(lambda: self._on_activated(self.table.currentIndex()))
        self.table.selectionModel().currentChanged.connect(self._refresh)
        self.thumbnails.made.connect(self.model.show_picture)
        self.find()
        self._refresh()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Ask for the room of a few calls."""
        return QSize(300, 7 * (SIDE + 6))

    @property
    def _asking(self) -> Asking | None:
        return self.owner.asking if self.owner is not None else None

    def _take(self, owner: LazyWidget) -> None:
        owner.asking.counted.connect(self._show)
        self.thumbnails.clear()
        self._show(owner.asking.overview)

    def _let_go(self, owner: LazyWidget) -> None:
        owner.asking.counted.disconnect(self._show)

    def _show_nothing(self) -> None:
        self._show(Overview())

    def _show(self, overview: Overview) -> None:
        chosen = self._chosen(self.table.currentIndex())
        if not overview.names:  # no session
            self.thumbnails.clear()
        if self.model.show_overview(overview) and chosen is not None:
            row = self.model.row_of(chosen)
            if row is not None:
                self.table.selectRow(row)
        self._refresh()

    def _refresh(self, *_: object) -> None:
        """Set texts and buttons."""
        self.there.setEnabled(self._chosen(self.table.currentIndex()) is not None)
        if self._asking is None:
            self.count.setText(NO_WIDGET)
            return
        overview = self._asking.overview
        answered = f"{overview.answered} answered" if overview.answered else ""
        calls = f"{len(overview.calls)} open" if overview.calls else EMPTY
        self.count.setText(" · ".join(part for part in (calls, answered) if part))

    def _on_activated(self, index: QModelIndex) -> None:
        call = self._chosen(index)
        if call is not None and self._asking is not None:
            self._asking.show(call)

    def _chosen(self, index: QModelIndex) -> OpenCall | None:
        return self.model.calls[index.row()] if index.isValid() else None

    def _peek(self, text: str, work: Any, then: Any) -> None:
        if self._asking is not None:
            self._asking.peek(text, work, then)


def _make_table(model: CallsModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setIconSize(QSize(SIDE, SIDE))
    table.setSelectionBehavior(QAbstractItemView.SelectRows)
    table.setSelectionMode(QAbstractItemView.SingleSelection)
    table.setEditTriggers(QAbstractItemView.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
    table.setTabKeyNavigation(False)
    lines, header = table.verticalHeader(), table.horizontalHeader()
    lines.hide()
    lines.setSectionResizeMode(QHeaderView.Fixed)  # all alike: thousands cost nothing
    lines.setDefaultSectionSize(SIDE + 6)
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.Interactive)
    header.setSectionResizeMode(PICTURE, QHeaderView.Fixed)
    header.setSectionResizeMode(OBJECT, QHeaderView.Stretch)
    header.resizeSection(PICTURE, SIDE + 6)
    letters = table.fontMetrics()
    for column in range(OBJECT + 1, RISE + 1):
        # Narrow, so that a name has room in a dock of usual width; the arrow is of the header.
        header.resizeSection(column, letters.horizontalAdvance(COLUMNS[column]) + 18)
    table.setMinimumHeight(LINES_SHOWN * (SIDE + 6))
    table.setSortingEnabled(True)
    table.sortByColumn(RISE, Qt.DescendingOrder)
    return table

"""The list of published models, by method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QFont
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from napari_lazyvos.gui import models_words
from napari_lazyvos.gui.colours import INCLUDE
from napari_lazyvos.models.catalogue import Entry

__all__ = ["ModelsList"]

NAME, SIZE, STATE = range(3)  # the columns
INDENT = 12  # pixels
SPACE = 6  # pixels around a text
LINES_SHOWN = 14  # of more, the list is scrolled
LONGEST = "downloading…"  # of the states

DIM = "#8a8d93"  # readable on light and on dark
COLOURS = {"installed": INCLUDE, "not installed": DIM}  # of a state; any other is plain


class ModelsList(QTreeWidget):
    """One line per model under its method; the first of each method is its default."""

    chosen = Signal()

    def __init__(self, entries: Sequence[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = {entry.name: entry for entry in entries}
        self._items: dict[str, QTreeWidgetItem] = {}
        self.setHeaderLabels(["Model", "Size", "State"])
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setIndentation(INDENT)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        for _, files in groupby(entries, lambda each: each.method):
            self._add_method(list(files))
        self.expandAll()
        header = self.header()
        header.setSectionsMovable(False)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.Stretch)
        header.setSectionResizeMode(SIZE, QHeaderView.ResizeToContents)
        header.setSectionResizeMode(STATE, QHeaderView.ResizeToContents)
        self._fit()
        self.setCurrentItem(next(iter(self._items.values()), None))
        self.currentItemChanged.connect(self.chosen)

    @property
    def entry(self) -> Entry | None:
        """The model that is chosen."""
        item = self.currentItem()
        return self._entries.get(item.data(NAME, Qt.UserRole)) if item is not None else None

    def choose(self, name: str) -> None:
        """Choose a model, as a person would."""
        self.setCurrentItem(self._items[name])

    def show_states(self, states: Mapping[str, str]) -> None:
        """Say of each model, by its name, whether it is here."""
        for name, text in states.items():
            item = self._items[name]
            if item.text(STATE) != text:
                item.setText(STATE, text)
                colour = COLOURS.get(text)
                item.setForeground(STATE, QBrush(QColor(colour)) if colour else QBrush())

    def state_of(self, name: str) -> str:
        """Return what is said of a model."""
        return str(self._items[name].text(STATE))

    def _add_method(self, files: list[Entry]) -> None:
        default = files[0]
        method = QTreeWidgetItem([f"{default.kind.capitalize()} {default.method}"])
        method.setFlags(Qt.ItemIsEnabled)
        bold = QFont(self.font())
        bold.setBold(True)
        method.setFont(NAME, bold)
        self.addTopLevelItem(method)
        method.setFirstColumnSpanned(True)
        licences = QTreeWidgetItem(method, [models_words.licences(default)])
        licences.setFlags(Qt.ItemIsEnabled)
        licences.setFirstColumnSpanned(True)
        licences.setForeground(NAME, QBrush(QColor(DIM)))
        for entry in files:
            name = f"{entry.name} (default)" if entry is default else entry.name
            item = QTreeWidgetItem(method, [name, models_words.size(entry)])
            item.setData(NAME, Qt.UserRole, entry.name)
            item.setToolTip(NAME, entry.title)
            item.setToolTip(SIZE, entry.how_large)
            item.setTextAlignment(SIZE, Qt.AlignRight | Qt.AlignVCenter)
            self._items[entry.name] = item

    def _fit(self) -> None:
        """Show every name and line; no more, since the rest of a dock is for other things."""
        letters = self.fontMetrics()
        texts = [[item.text(NAME), item.text(SIZE), LONGEST] for item in self._items.values()]
        columns = zip(*texts, strict=True)
        widths = [max(map(letters.horizontalAdvance, column)) + SPACE for column in columns]
        self.setMinimumWidth(sum(widths) + INDENT + SPACE)
        line = letters.height() + 4
        items = list(self._lines())
        for item in items:
            item.setSizeHint(NAME, QSize(0, line))
        self._height = (min(len(items), LINES_SHOWN) + 1) * line + 12
        self.setMinimumHeight(5 * line)
        self.setMaximumHeight(self._height)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Ask for the height of all lines; where a dock has no room for them, they are scrolled."""
        return QSize(self.minimumWidth(), self._height)

    def _lines(self) -> Iterator[QTreeWidgetItem]:
        for row in range(self.topLevelItemCount()):
            method = self.topLevelItem(row)
            yield method
            yield from map(method.child, range(method.childCount()))

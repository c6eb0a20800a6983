"""The objects of a session, and what the next click says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lazyvos.gui.swatch import swatch

__all__ = ["ObjectRow", "ObjectsBox"]

ROWS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One line of the list."""

    label: int
    name: str
    state: str  # on the frame that is shown, in words


class ObjectsBox(QGroupBox):
    """A list of objects, with what can be done to the chosen one."""

    chosen = Signal(int)  # label
    renamed = Signal(int, str)  # label, new name
    new_pressed = Signal()
    end_pressed = Signal()
    remove_pressed = Signal()
    show_layers_pressed = Signal()
    polarity_chosen = Signal(bool)  # True: include

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Objects", parent)
        self._rows: tuple[ObjectRow, ...] = ()
        self.list = _make_list()
        self.new = QPushButton("New object", toolTip="Click on one more object  (M)")
        self.end = QPushButton("Ends here", toolTip="The object is not there from this frame on")
        self.remove = QPushButton("Remove", toolTip="Remove the object from every frame")
        self.include = QPushButton("●  Include", checkable=True, objectName="include")
        self.exclude = QPushButton("✕  Exclude", checkable=True, objectName="exclude")
        self.show_layers = QPushButton("Show layers", objectName="primary")
        self.include.setToolTip(
            "The left button says: this belongs to the object  (T)\n"
            "Shift+click, or the right button, says the other"
        )
        self.exclude.setToolTip(
            "The left button says: this does not belong to it  (T)\n"
            "Shift+click, or the right button, says the other"
        )
        self._lay_out()
        self.list.currentItemChanged.connect(self._on_current)
        self.list.itemDoubleClicked.connect(lambda item, _: self.list.editItem(item, 0))
        self.list.itemChanged.connect(self._on_edited)
        self.new.clicked.connect(self.new_pressed)
        self.end.clicked.connect(self.end_pressed)
        self.remove.clicked.connect(self.remove_pressed)
        self.show_layers.clicked.connect(self.show_layers_pressed)
        self.include.clicked.connect(lambda: self.polarity_chosen.emit(True))
        self.exclude.clicked.connect(lambda: self.polarity_chosen.emit(False))

    def show_objects(self, rows: Sequence[ObjectRow], label: int) -> None:
        """List the objects, with `label` as the chosen one."""
        self.list.blockSignals(True)
        if [row.label for row in rows] != [row.label for row in self._rows]:
            self.list.clear()
            self.list.addTopLevelItems([_item(row) for row in rows])
            self._rows = ()
        for index, row in enumerate(rows):
            item = self.list.topLevelItem(index)
            if not self._rows or self._rows[index] != row:
                item.setText(0, row.name)
                item.setText(1, row.state)
            if row.label == label and item is not self.list.currentItem():
                self.list.setCurrentItem(item)
        self._rows = tuple(rows)
        self.list.blockSignals(False)

    def show_polarity(self, positive: bool) -> None:
        """Press the button of the current polarity."""
        (self.include if positive else self.exclude).setChecked(True)

    def _lay_out(self) -> None:
        group = QButtonGroup(self)
        group.addButton(self.include)
        group.addButton(self.exclude)
        layout = QVBoxLayout(self)
        for widgets in (
            (self.include, self.exclude),
            (self.list,),
            (self.new, self.end, self.remove),
            (self.show_layers,),
        ):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget)
            layout.addLayout(row)

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(int(item.data(0, Qt.UserRole)))

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self.renamed.emit(int(item.data(0, Qt.UserRole)), item.text(0))


def _make_list() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setHeaderLabels(["Object", "In this frame"])
    tree.setRootIsDecorated(False)
    tree.setEditTriggers(QAbstractItemView.NoEditTriggers)
    tree.setToolTip("Double-click a name to change it")
    tree.setSelectionMode(QAbstractItemView.SingleSelection)
    tree.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
    tree.header().setSectionResizeMode(0, QHeaderView.Stretch)
    tree.header().setSectionResizeMode(1, QHeaderView.ResizeToContents)
    line = tree.fontMetrics().height() + 8
    tree.setFixedHeight((ROWS_SHOWN + 1) * line + 8)
    return tree


def _item(row: ObjectRow) -> QTreeWidgetItem:
    item = QTreeWidgetItem([row.name, row.state])
    item.setData(0, Qt.UserRole, row.label)
    item.setFlags(item.flags() | Qt.ItemIsEditable)
    item.setIcon(0, QIcon(swatch(row.label)))
    return item

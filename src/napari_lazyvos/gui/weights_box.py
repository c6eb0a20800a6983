"""Which of the files that are published for a method."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QWidget

from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import Entry, entries

__all__ = ["WeightsBox"]


class WeightsBox(QComboBox):
    """The files of one method; hidden where there is no choice.

    Until a person chooses one, it is what the method takes by itself: its default, or if only
    others are installed, the first of those. It looks whether files are there, and never into them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip("Which of its published weights; get them with Models…")
        # A dock may be narrow: long names are cut, and whole in the list that opens.
        self.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self._entries = entries()
        self._files: tuple[Entry, ...] = ()
        self._chosen: dict[str, str] = {}  # by a person, by method
        self._method = ""
        self.activated.connect(self._on_activated)

    @property
    def weights(self) -> str | None:
        """The name in the catalogue; None where there is no choice."""
        return str(self.currentData()) if self.count() else None

    def show_method(self, method: str) -> None:
        """Offer the files of a method."""
        self._method = method
        files = tuple(entry for entry in self._entries if entry.method == method)
        self._files = files if len(files) > 1 else ()
        self.clear()
        for entry in self._files:
            self.addItem(entry.name, entry.name)
            self.setItemData(self.count() - 1, entry.title, Qt.ToolTipRole)
        self.setVisible(bool(self._files))
        self.look()

    def look(self) -> None:
        """Say again which files are installed: *Models* or the command line may have changed it."""
        here = [cache.is_installed(entry) for entry in self._files]
        for row, (entry, installed) in enumerate(zip(self._files, here, strict=True)):
            self.setItemText(row, entry.name if installed else f"{entry.name} (not installed)")
        if self._files:
            row = self.findData(self._chosen.get(self._method))
            self.setCurrentIndex(row if row >= 0 else here.index(True) if any(here) else 0)

    def showPopup(self) -> None:  # noqa: N802 (Qt's name)
        """Look again before the list opens."""
        self.look()
        super().showPopup()

    def _on_activated(self) -> None:
        self._chosen[self._method] = str(self.currentData())

"""How the masks of a round meet those that were there before, and what a round remembers."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_lazyvos.lazy.fusion import FUSIONS
from napari_lazyvos.lazy.round import MEMORIES
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import entries

__all__ = ["FusionBox"]

LEARNT = "mivos"  # the fusion that has a network
WEIGHTS = "mivos-fusion"  # of that network, in the catalogue
ATTENDING = ("xmem", "stcn", "mivos", "qdmn")  # can tell it where a place of another frame is now


class FusionBox(QWidget):
    """Two choices of a round; a fusion that cannot work is grey, and says why."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fusion, self.memory = _choice(FUSIONS), _choice(MEMORIES)
        self.fusion.setToolTip("How new masks of a round meet those that were there before")
        self.memory.setToolTip("What the tracker remembers when a round begins")
        self._tracker = ""
        form = QFormLayout(self)
        form.setContentsMargins(12, 0, 0, 4)
        form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        form.addRow("Fusion of rounds", self.fusion)
        form.addRow("Memory of rounds", self.memory)

    def show_tracker(self, tracker: str) -> None:
        """Offer what goes with a tracker."""
        if tracker != self._tracker:
            self._tracker = tracker
            self.look()

    def look(self) -> None:
        """Say again which fusions can be chosen: weights may have been installed meanwhile."""
        row, why = self.fusion.findData(LEARNT), self._why_not()
        self.fusion.model().item(row).setEnabled(not why)
        self.fusion.setItemText(row, f"{LEARNT} ({why[0]})" if why else LEARNT)
        self.fusion.setItemData(row, why[1] if why else FUSIONS[LEARNT], Qt.ToolTipRole)
        if why and self.fusion.currentIndex() == row:
            self.fusion.setCurrentIndex(0)

    def _why_not(self) -> tuple[str, str] | None:
        """Return why MiVOS' fusion cannot be chosen, in few words and in a sentence."""
        if self._tracker not in ATTENDING:
            return (
                f"not with {self._tracker}",
                f"The tracker {self._tracker} cannot tell where in a frame is what was corrected "
                f"in another: {', '.join(ATTENDING)} can",
            )
        files = [each for each in entries() if WEIGHTS in (each.name, each.method)]
        if not any(map(cache.is_installed, files)):
            return "not installed", f"The weights {WEIGHTS} are not installed: see Models…"
        return None


def _choice(words: Mapping[str, str]) -> QComboBox:
    """Return a choice of names, each with its words as a tooltip."""
    box = QComboBox()
    # A dock may be narrow: a long reason is cut, and whole in the list that opens.
    box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    for row, (name, what) in enumerate(words.items()):
        box.addItem(name, name)
        box.setItemData(row, what[0].upper() + what[1:], Qt.ToolTipRole)
    return box

"""Which frames a tracker remembers, where there is a choice."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QWidget

from napari_lazyvos.trackers import MEMORIES

__all__ = ["MemoryBox"]

WHAT = {
    "all": "Every frame that is offered stays, and a frame costs the more, the longer the video is",
    "fifo": "The latest frames stay, and those that you annotated",
    "readmem": "The frames that differ most stay, and those that you annotated (READMem)",
    "quality": "The frames with the best masks stay, and those that you annotated (QDMN)",
    "mca": "The first frame stays, and one that takes in all that follow (MAVOS)",
    "deaot": "Every tenth frame stays, and a frame costs the more, the longer the video is (DeAOT)",
    "xmem": "A few frames stay, and prototypes of all before (XMem)",
}
SIZELESS = ("all", "xmem", "mca", "deaot")
USUAL, LARGEST = 0, 999  # frames; `USUAL` leaves the number to the tracker


class MemoryBox(QWidget):
    """The memories that a tracker offers, its usual one first, and how many frames they hold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        self.size = QSpinBox(minimum=USUAL, maximum=LARGEST)
        self.size.setSpecialValueText("usual size")
        self.size.setSuffix(" frames")
        self._tracker = ""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.kind, 1)
        layout.addWidget(self.size, 1)
        self.kind.currentTextChanged.connect(self._on_kind)

    @property
    def options(self) -> dict[str, Any]:
        """What is not as usual, as options of the tracker."""
        options: dict[str, Any] = {}
        if self.kind.currentIndex() > 0:
            options["memory"] = self.kind.currentText()
        if self.size.isEnabled() and self.size.value() != USUAL:
            options["memory_size"] = self.size.value()
        return options

    def show_method(self, tracker: str) -> None:
        """Offer the memories of a tracker."""
        self._tracker = tracker
        offered = MEMORIES.get(tracker, ())
        self.kind.clear()
        self.kind.addItems(offered)
        for row, name in enumerate(offered):
            self.kind.setItemData(row, WHAT[name], Qt.ToolTipRole)
        self.kind.setEnabled(bool(offered))
        self._on_kind(self.kind.currentText())

    def _on_kind(self, kind: str) -> None:
        """Say what a memory is, and whether it has a size."""
        none = f"The tracker {self._tracker} leaves no choice of what it remembers"
        self.kind.setToolTip(WHAT[kind] if kind else none)
        self.size.setEnabled(bool(kind) and kind not in SIZELESS)
        if not kind:
            self.size.setToolTip(none)
        elif kind in SIZELESS:
            self.size.setToolTip(f"The memory {kind} has no number of frames to be chosen")
        else:
            self.size.setToolTip("How many frames are remembered")

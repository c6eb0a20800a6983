"""How to be asked for help."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lazyvos.gui.help_mode import HelpMode

__all__ = ["HelpBox"]

MODES = {
    HelpMode.STOP: ("Stop and ask", "Tracking waits where the tracker is unsure, for your answer"),
    HelpMode.COLLECT: ("Collect for later", "Tracking goes on; calls for help wait in the list"),
    HelpMode.NEVER: ("Never ask", "Tracking goes on, and nobody is asked"),
}


class HelpBox(QWidget):
    """Which way to be asked, and the ways to what shows more of the session."""

    mode_chosen = Signal(object)  # `HelpMode`
    list_pressed = Signal()
    timeline_pressed = Signal()
    memory_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.modes = QComboBox()
        for index, (mode, (name, what)) in enumerate(MODES.items()):
            self.modes.addItem(name, mode)
            self.modes.setItemData(index, what, 3)  # Qt.ToolTipRole
        self.modes.setToolTip("\n".join(f"{name}: {what}" for name, what in MODES.values()))
        self.sound = QCheckBox("Sound", toolTip="Beep when tracking waits for you")
        self.list = QPushButton("Help list", toolTip="All that the tracker asked about")
        self.timeline = QPushButton("Timeline", toolTip="How sure the tracker was, frame by frame")
        self.memory = QPushButton("Memory", toolTip="Which frames the tracker remembers")
        above, below = QHBoxLayout(), QHBoxLayout()
        self._unsure = QLabel("When unsure")
        above.addWidget(self._unsure)
        above.addWidget(self.modes, 1)
        above.addWidget(self.sound)
        for button in (self.list, self.timeline, self.memory):
            below.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(above)
        layout.addLayout(below)
        self.modes.currentIndexChanged.connect(lambda _: self.mode_chosen.emit(self.mode))
        self.list.clicked.connect(self.list_pressed)
        self.timeline.clicked.connect(self.timeline_pressed)
        self.memory.clicked.connect(self.memory_pressed)

    @property
    def mode(self) -> HelpMode:
        """Which way is chosen."""
        return HelpMode(self.modes.currentData())

    def show_how(self, shown: bool) -> None:
        """Show how to be asked, or not: in rounds nobody is."""
        for widget in (self._unsure, self.modes, self.sound):
            widget.setVisible(shown)

    def show_mode(self, mode: HelpMode) -> None:
        """Show which way a session is in."""
        self.modes.blockSignals(True)
        self.modes.setCurrentIndex(list(MODES).index(mode))
        self.modes.blockSignals(False)

    def show_count(self, calls: int, *, there: bool) -> None:
        """Show how many calls are open, and whether there is a session."""
        self.list.setText(f"Help list ({calls})" if calls else "Help list")
        self.list.setEnabled(there)
        self.timeline.setEnabled(there)
        self.memory.setEnabled(there)

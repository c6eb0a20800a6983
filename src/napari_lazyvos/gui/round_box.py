"""What a round is about, and which frame is worth the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QWidget
from superqt import QElidingLabel

if TYPE_CHECKING:
    from napari_lazyvos.lazy.next_frame import Suggestion

__all__ = ["RoundBox"]

NOT_KNOWN = "Known as soon as something was tracked"


class RoundBox(QWidget):
    """The part of the track box that only rounds need."""

    everyone_chosen = Signal()
    go_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.everyone = QCheckBox("All objects of this frame")
        self.everyone.setToolTip(
            "Spread every object that has a mask in this frame, not only those that you clicked on "
            "or drew here:\nthe others are right here as they are"
        )
        self.next = QLabel()
        self.why = QElidingLabel(objectName="dim")
        self.why.setWordWrap(True)
        self.why.setFixedHeight(2 * self.why.fontMetrics().lineSpacing() + 2)
        self.go = QPushButton("Go there", toolTip="Show that frame and its object  (Shift+J)")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.everyone, 0, 0, 1, 2)
        layout.addWidget(self.next, 1, 0)
        layout.addWidget(self.go, 1, 1)
        layout.addWidget(self.why, 2, 0, 1, 2)
        layout.setColumnStretch(0, 1)
        self.everyone.toggled.connect(self.everyone_chosen)
        self.go.clicked.connect(self.go_pressed)
        self.show_next(None)

    def show_next(self, suggestion: Suggestion | None) -> None:
        """Say which frame is worth a round most; None: nothing is known of any."""
        # Always as high: nothing jumps under the mouse when a run has ended.
        self.next.setText("Next frame" if suggestion is None else f"Next: frame {suggestion.t}")
        why = NOT_KNOWN if suggestion is None else suggestion.why
        self.why.setText(why[0].upper() + why[1:])
        self.why.setToolTip(self.why.text())
        self.go.setEnabled(suggestion is not None)

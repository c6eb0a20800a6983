"""Tracking: which way, how far it is, and how to stop it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_lazyvos.gui.pace import Pace
from napari_lazyvos.lazy.events import FrameResult, RunState, Status

__all__ = ["TrackBox"]

DIRECTIONS = {"Forward  ▸": "forward", "◂  Backward": "backward", "◂  Both ways  ▸": "both"}


class TrackBox(QGroupBox):
    """The controls of a run."""

    track_pressed = Signal()
    step_pressed = Signal()
    pause_pressed = Signal()
    cancel_pressed = Signal()
    follow_chosen = Signal(bool)
    options_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Track", parent)
        self.ready = False  # there is something to track, and nothing is being tracked
        self._pace = Pace()
        self.direction = QComboBox(toolTip="From the frames that you clicked in, which way to go")
        self.direction.addItems(list(DIRECTIONS))
        self.only = QCheckBox("Only frames")
        self.only.setToolTip("Track these frames anew, the last one included")
        self.first, self.last = QSpinBox(), QSpinBox()
        self.track = QPushButton("Track", objectName="primary")
        self.track.setToolTip("Track all that is missing or out of date  (Shift+G)")
        self.step = QPushButton("Step", toolTip="Track one frame  (Shift+N)")
        self.pause = QPushButton("Pause", toolTip="Stop after this frame; Track goes on  (Shift+G)")
        self.cancel = QPushButton("Cancel", toolTip="Give up this run; what is tracked stays")
        self.bar = QProgressBar()
        self.follow = QCheckBox("Follow the tracker", checked=True)
        self.follow.setToolTip("Show each frame when it is tracked")
        self._lay_out()
        self.track.clicked.connect(self.track_pressed)
        self.step.clicked.connect(self.step_pressed)
        self.pause.clicked.connect(self.pause_pressed)
        self.cancel.clicked.connect(self.cancel_pressed)
        self.follow.toggled.connect(self.follow_chosen)
        self.only.toggled.connect(self.options_chosen)
        self.direction.currentIndexChanged.connect(self.options_chosen)

    @property
    def options(self) -> dict[str, Any]:
        """What the controls say, as `Session.run` takes it."""
        options: dict[str, Any] = {"direction": DIRECTIONS[self.direction.currentText()]}
        if self.only.isChecked():
            first, last = sorted((self.first.value(), self.last.value()))
            options |= {"start": first, "stop": last + 1}
        return options

    def set_frames(self, frames: int) -> None:
        """Say how many frames the video has; the range becomes all of them."""
        for box, value in ((self.first, 0), (self.last, frames - 1)):
            box.setRange(0, frames - 1)
            box.setValue(value)

    def set_status(self, status: Status | None, *, running: bool) -> None:
        """Enable what can be done now."""
        running = running or (status is not None and status.state is RunState.RUNNING)
        # What is to do backwards is known only when one tries.
        forward = DIRECTIONS[self.direction.currentText()] == "forward"
        there = status is not None and bool(status.labels)
        to_do = self.only.isChecked() or not forward or bool(status and status.todo)
        self.ready = there and to_do and not running
        self.track.setEnabled(self.ready)
        self.step.setEnabled(self.ready)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(running)
        for box in (self.first, self.last):
            box.setEnabled(self.only.isChecked() and not running)
        self.direction.setEnabled(not running)
        self.only.setEnabled(not running)
        if not running:
            self._show_overall(status)

    def begin(self) -> None:
        """Show that a run begins, of which nothing is known yet."""
        self._pace.start()
        self.bar.setRange(0, 0)
        self.bar.setFormat("")

    def show_result(self, result: FrameResult) -> None:
        """Show how far the run is."""
        self._pace.see(result)
        self.bar.setRange(0, result.total or 0)
        self.bar.setValue(result.done)
        self.bar.setFormat(self._pace.describe(result))

    def _show_overall(self, status: Status | None) -> None:
        """Show how much is left to do, forwards."""
        if status is None or not status.frames or status.todo is None or not status.labels:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)
            self.bar.setFormat("")
            return
        self.bar.setRange(0, status.frames)
        self.bar.setValue(status.frames - status.todo)
        left = f"{status.todo} of {status.frames} frames to do" if status.todo else "Up to date"
        self.bar.setFormat(left)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        between = QHBoxLayout()
        between.addWidget(self.first, 1)
        between.addWidget(self.last, 1)
        grid.addWidget(self.track, 0, 0, 1, 2)
        grid.addWidget(self.direction, 0, 2, 1, 2)
        stops = QHBoxLayout()
        for button in (self.step, self.pause, self.cancel):
            stops.addWidget(button, 1)
        grid.addLayout(stops, 1, 0, 1, 4)
        grid.addWidget(self.bar, 2, 0, 1, 4)
        grid.addWidget(self.only, 3, 0, 1, 2)
        grid.addLayout(between, 3, 2, 1, 2)
        grid.addWidget(self.follow, 4, 0, 1, 4)

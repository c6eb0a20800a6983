"""Tracking: in one pass or in rounds, how far it is, and how to stop it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_lazyvos.gui.pace import Counted, Pace
from napari_lazyvos.gui.round_ahead import RoundAhead
from napari_lazyvos.gui.round_box import RoundBox
from napari_lazyvos.lazy.events import FrameResult, RunState, Status

__all__ = ["TrackBox"]

DIRECTIONS = {"Forward  ▸": "forward", "◂  Backward": "backward", "◂  Both ways  ▸": "both"}
TRACK_TIP = "Track all that is missing or out of date"


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
        self.why_not = "no session is open"  # why nothing can be tracked now; empty if it can
        self.progress = ""  # of the run, in words
        self._pace = Pace()
        self._ahead: RoundAhead | None = None  # the round that is run
        self.lazy = QPushButton("Lazy pass", checkable=True, checked=True, objectName="mode")
        self.lazy.setToolTip(
            "From your clicks on through the video; you are asked where the tracker is unsure"
            "  (Shift+R)"
        )
        self.rounds = QPushButton("Rounds", checkable=True, objectName="mode")
        self.rounds.setToolTip(
            "Correct one frame, and spread that to both sides, up to the nearest frames that you "
            "annotated before  (Shift+R)"
        )
        self.direction = QComboBox(toolTip="From the frames that you clicked in, which way to go")
        self.direction.addItems(list(DIRECTIONS))
        self.only = QCheckBox("Only frames")
        self.only.setToolTip("Track these frames anew, the last one included")
        self.first, self.last = QSpinBox(), QSpinBox()
        self.round = RoundBox()
        self.track = QPushButton("Track", objectName="primary")
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
        self.rounds.toggled.connect(self._on_mode)
        self.round.everyone_chosen.connect(self.options_chosen)
        self._on_mode()

    @property
    def in_rounds(self) -> bool:
        """Whether rounds are wanted, and not the lazy pass."""
        return bool(self.rounds.isChecked())

    @property
    def options(self) -> dict[str, Any]:
        """What the controls say, as `Session.run` takes it."""
        options: dict[str, Any] = {"direction": DIRECTIONS[self.direction.currentText()]}
        if self.only.isChecked():
            first, last = sorted((self.first.value(), self.last.value()))
            options |= {"start": first, "stop": last + 1}
        return options

    def switch_mode(self) -> None:
        """Choose the other mode, unless a run is on."""
        other = self.lazy if self.in_rounds else self.rounds
        if other.isEnabled():
            other.setChecked(True)

    def set_frames(self, frames: int) -> None:
        """Say how many frames the video has; the range becomes all of them."""
        for box, value in ((self.first, 0), (self.last, frames - 1)):
            box.setRange(0, frames - 1)
            box.setValue(value)

    def set_status(
        self, status: Status | None, *, running: bool, ahead: RoundAhead | None = None
    ) -> None:
        """Enable what can be done now; with rounds, also from what one would do."""
        running = running or (status is not None and status.state is RunState.RUNNING)
        self.why_not = self._why_not(status, ahead, running=running)
        self.track.setEnabled(not self.why_not)
        self.step.setEnabled(not self.why_not)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(running)
        for box in (self.first, self.last):
            box.setEnabled(self.only.isChecked() and not running)
        choices = (self.lazy, self.rounds, self.direction, self.only, self.round)
        for choice in choices:
            choice.setEnabled(not running)
        if running:
            return
        self._ahead = None
        if self.in_rounds:
            self._show_ahead(ahead)
        else:
            self._show_overall(status)

    def begin(self, ahead: RoundAhead | None = None) -> None:
        """Show that a run begins, of which nothing is known yet; or a round, which is known."""
        self._ahead = ahead
        self._pace.start(0 if ahead is None else ahead.progress.done)
        self.progress = "" if ahead is None else ahead.progress.text
        self.bar.setRange(0, 0)
        self.bar.setFormat("")

    def show_result(self, result: FrameResult) -> None:
        """Show how far the run is."""
        counted: Counted = result
        if self._ahead is None:
            self.progress = f"frame {result.t}: {result.done} of {result.total or '?'}"
        else:
            counted = progress = self._ahead.progress_at(result)
            self.progress = progress.text
        self._pace.see(counted)
        self.bar.setRange(0, counted.total or 0)
        self.bar.setValue(counted.done)
        self.bar.setFormat(self._pace.describe(counted))

    def _why_not(self, status: Status | None, ahead: RoundAhead | None, *, running: bool) -> str:
        """Return why nothing can be tracked now; empty if it can."""
        if status is None:
            return "no session is open"
        if running:
            return "a run is on"
        if self.in_rounds:
            return "no layer shows a frame" if ahead is None else ahead.why_not
        # What is to do backwards is known only when one tries.
        forward = DIRECTIONS[self.direction.currentText()] == "forward"
        to_do = self.only.isChecked() or not forward or status.todo
        return "" if status.labels and to_do else "nothing is to be tracked"

    def _show_ahead(self, ahead: RoundAhead | None) -> None:
        """Show what the round of the frame would do, and how much of it is left."""
        if ahead is None or not ahead.labels:
            self._show_overall(None)
        else:
            whole = ahead.progress.total
            self.bar.setRange(0, whole or 1)
            self.bar.setValue(whole - ahead.left)
            self.bar.setFormat(f"{ahead.left} of {whole} frames to do" if ahead.left else "Done")
        why = self.why_not
        self.track.setText("Run round" if ahead is None else f"Run round of frame {ahead.t}")
        what = "" if ahead is None else f"Spread what you said in this frame: {ahead.consequence}"
        self.track.setToolTip(why[0].upper() + why[1:] if why else f"{what}  (Shift+G)")

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

    def _on_mode(self) -> None:
        """Show the controls of one mode, and none of the other."""
        for widget in (self.direction, self.step, self._range):
            widget.setVisible(not self.in_rounds)
        self.round.setVisible(self.in_rounds)
        self.track.setText("Run round" if self.in_rounds else "Track")
        self.track.setToolTip(f"{TRACK_TIP}  (Shift+G)")
        self.options_chosen.emit()

    def _lay_out(self) -> None:
        modes = QButtonGroup(self)
        modes.addButton(self.lazy)
        modes.addButton(self.rounds)
        self._range = QWidget()
        between = QGridLayout(self._range)
        between.setContentsMargins(0, 0, 0, 0)
        between.addWidget(self.only, 0, 0, 1, 2)
        between.addWidget(self.first, 0, 2)
        between.addWidget(self.last, 0, 3)
        layout = QVBoxLayout(self)
        for widgets in (
            (self.lazy, self.rounds),
            (self.track, self.direction),
            (self.step, self.pause, self.cancel),
            (self.bar,),
            (self._range, self.round),
            (self.follow,),
        ):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget, 1)
            layout.addLayout(row)

"""The timeline: what is known of each object in each frame, on one line of time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_lazyvos.gui.style import ACCENT
from napari_lazyvos.gui.timeline_data import Measure, Reach, Snapshot, Thresholds

if TYPE_CHECKING:
    from napari_lazyvos.gui.timeline_marks import Legend
    from napari_lazyvos.gui.timeline_plot import TimelinePlot
    from napari_lazyvos.lazy.session import Session

__all__ = ["Timeline"]

SHEET = f"""
QToolButton {{ border: none; border-bottom: 2px solid transparent; padding: 1px 6px; }}
QToolButton:checked {{ border-bottom-color: {ACCENT}; }}
QToolButton:hover {{ background: rgba(127, 127, 127, 40); }}
"""
NOTHING_YET = "Objects appear here as soon as you have clicked on one."


class Timeline(QWidget):
    """How unsure the tracker was, who made the masks, and where help was asked.

    All methods belong to the main thread. Nothing is read or drawn while the widget is hidden;
    what was missed is made up for when it is shown. The drawing library is loaded when there is
    first something to draw.

    Parameters
    ----------
    parent : QWidget, optional
    """

    frame_chosen = Signal(int)
    thresholds_chosen = Signal(object)  # `Thresholds`, after a line was dragged

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot: TimelinePlot | None = None  # once there was something to draw
        self.legend: Legend | None = None
        self._session: Session | None = None
        self._snapshot: Snapshot | None = None
        self._extras: tuple[object, object] = ((), {})  # clicks and objects that are shown
        self._missed = False  # something changed while nobody looked
        self._frame = 0
        self._label: int | None = None
        self._thresholds = Thresholds()
        self._reach: tuple[Reach, ...] = ()
        self._measure = Measure.RISE
        self._empty = QLabel(NOTHING_YET, alignment=Qt.AlignCenter)
        self._header = QWidget()
        self._lay_out()

    def show_session(self, session: Session | None) -> None:
        """Show a session from now on; None shows nothing."""
        self._session, self._snapshot = session, None
        self._reach = ()
        self.refresh()

    def refresh(self, written: Collection[int] | None = None) -> None:
        """Show what has changed since the last look.

        Parameters
        ----------
        written : frames that were tracked since then; None: anything may have changed
        """
        if not self.isVisible():
            self._missed = True
            return
        session = self._session
        if session is None:
            self._show_plot(False)
            return
        if self._missed:
            written, self._missed = None, False
        extras = (session.clicks, session.store.document.objects)
        changed = self._snapshot is None or any(
            new is not old for new, old in zip(extras, self._extras, strict=True)
        )
        if self._snapshot is None:
            self._snapshot = Snapshot(session.store.ledger)
        else:
            changed |= self._snapshot.update(written)
        if changed:
            self._extras = extras
            self._draw(session, self._snapshot)

    def set_frame(self, t: int) -> None:
        """Put the cursor on a frame."""
        self._frame = t
        if self.plot is not None:
            self.plot.set_frame(t)

    def set_label(self, label: int | None) -> None:
        """Make one object stand out."""
        self._label = label
        if self.plot is not None:
            self.plot.set_label(label)

    def set_thresholds(
        self, user: float | None, pseudo: float | None, memory: float | None
    ) -> None:
        """Put the lines where something is done about an uncertain object; None has no line.

        Parameters
        ----------
        user, pseudo : rise from which a person is asked, or the tracker corrects itself
        memory : score from which a frame is not remembered
        """
        self._thresholds = Thresholds(user, pseudo, memory)
        if self.plot is not None:
            self.plot.set_thresholds(self._thresholds)

    def show_reach(self, reach: Sequence[Reach] = ()) -> None:
        """Shade the frames that what is done in the frame shown can change."""
        self._reach = tuple(reach)
        if self.plot is not None:
            self.plot.show_reach(self._reach)

    def set_measure(self, measure: Measure) -> None:
        """Choose which curve is drawn."""
        self._measure = measure
        self._buttons[measure].setChecked(True)
        if self.plot is not None:
            self.plot.set_measure(measure)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Make up for what happened meanwhile."""
        super().showEvent(event)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Take over the colours of another theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.PaletteChange, QEvent.StyleChange) and self.plot is not None:
            self.plot.set_colours(self.palette())

    # --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._buttons = {
            Measure.RISE: _button("Rise", "By how much the uncertainty rose; help is asked by it"),
            Measure.SCORE: _button("Score", "How uncertain the tracker was of the object"),
        }
        group = QButtonGroup(self)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(8, 2, 8, 0)
        row.setSpacing(0)
        for measure, button in self._buttons.items():
            group.addButton(button)
            row.addWidget(button)
            button.clicked.connect(lambda _=False, chosen=measure: self.set_measure(chosen))
        self._buttons[self._measure].setChecked(True)
        self.setStyleSheet(SHEET)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self._empty, 1)
        self._header.hide()

    def _draw(self, session: Session, snapshot: Snapshot) -> None:
        if not snapshot.lanes:
            self._show_plot(False)
            return
        if self.plot is None:
            self._make_plot()
        assert self.plot is not None
        objects: Any = session.store.document.objects
        named = {label: info.name for label, info in objects.items()}
        names = {
            each.label: named.get(each.label) or f"Object {each.label}" for each in snapshot.lanes
        }
        self._show_plot(True)
        self.plot.show_snapshot(snapshot, session.clicks, names)

    def _make_plot(self) -> None:
        # Loads pyqtgraph, which takes as long as the whole plugin.
        from napari_lazyvos.gui.timeline_marks import Legend
        from napari_lazyvos.gui.timeline_plot import TimelinePlot

        self.plot, self.legend = TimelinePlot(self), Legend()
        self._header.layout().addWidget(self.legend, 1)
        self.layout().addWidget(self.plot, 1)
        self.plot.drawn.connect(self._explain)
        self.plot.frame_chosen.connect(self.frame_chosen)
        self.plot.thresholds_chosen.connect(self._on_thresholds_chosen)
        self.plot.set_colours(self.palette())
        self.plot.set_measure(self._measure)
        self.plot.set_thresholds(self._thresholds)
        self.plot.set_label(self._label)
        self.plot.set_frame(self._frame)
        self.plot.show_reach(self._reach)

    def _show_plot(self, shown: bool) -> None:
        self._empty.setVisible(not shown)
        self._header.setVisible(shown)
        if self.plot is not None:
            self.plot.setVisible(shown)

    def _explain(self) -> None:
        assert self.plot is not None  # which made the call
        assert self.legend is not None
        self.legend.show_kinds(self.plot.shades, self.plot.marks, self.plot.bars)

    def _on_thresholds_chosen(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self.thresholds_chosen.emit(thresholds)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton(text=text, toolTip=tip, checkable=True, autoRaise=True)
    button.setFocusPolicy(Qt.NoFocus)  # napari's keys stay napari's
    return button

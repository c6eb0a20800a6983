"""Asks a person for help: shows one question at a time, and goes on when it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.viewer import Viewer
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication, QDoubleSpinBox

from napari_lazyvos.gui.attention import Attention
from napari_lazyvos.gui.binding import Binding
from napari_lazyvos.gui.commands import Commands
from napari_lazyvos.gui.counting import Counting
from napari_lazyvos.gui.help_bar import HelpBar
from napari_lazyvos.gui.help_box import HelpBox
from napari_lazyvos.gui.help_mode import HelpMode, in_mode, mode_of
from napari_lazyvos.gui.question import Overview, Question, ask
from napari_lazyvos.lazy.events import Finished, HelpRequest

if TYPE_CHECKING:
    from napari_lazyvos.lazy.calls import OpenCall
    from napari_lazyvos.lazy.session import Session

__all__ = ["Asking"]

GO_ON_MS = 700  # in which the person sees what the answer led to, and may click again


class Asking(QObject):
    """Leads through the calls for help of the open session.

    What is answered is read from the session, so it does not matter who answers, or how: a click,
    a stroke, a button, the console; and when an answer is undone, the question is back.

    Parameters
    ----------
    viewer : napari viewer
    bar : HelpBar
        Asks.
    box : HelpBox
        Says how.
    commands : Commands
    rise : QDoubleSpinBox
        From which to ask.
    parent : QObject
    """

    changed = Signal()  # what is asked, or how many calls there are

    def __init__(
        self,
        viewer: Viewer,
        bar: HelpBar,
        box: HelpBox,
        commands: Commands,
        rise: QDoubleSpinBox,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.question: Question | None = None  # that is shown
        self._viewer = viewer
        self._bar = bar
        self._box = box
        self._commands = commands
        self._rise = rise
        self._tau = rise.value()  # the threshold; a session made elsewhere may have its own
        self._binding: Binding | None = None
        self._attention = Attention(viewer, self)
        self._answered = False  # the question that is shown
        self._pressed = False  # one of the bar's buttons, to answer it
        self._patient = False  # the person has asked to wait
        self._clicks = 0  # that were on the object when it was asked about
        self._stopped = False  # tracking waits for the answers
        self._in_run = False  # the question was asked for while a run goes on
        self._queue: list[OpenCall] = []  # to be asked about before tracking goes on
        self._going_on = QTimer(self, singleShot=True, interval=GO_ON_MS)
        self._going_on.timeout.connect(self.go_on)
        self._calls = Counting(self)
        self.counted = self._calls.counted
        self.counted.connect(self.changed)
        for signal, act in (
            (bar.fine_pressed, self.fine),
            (bar.absent_pressed, self.absent),
            (bar.end_pressed, self.end),
            (bar.later_pressed, self.later),
            (bar.back_pressed, self._turn_camera_back),
            (bar.there_pressed, self._go_there),
            (bar.go_on_pressed, self.go_on),
            (bar.stay_pressed, self._stay),
            (box.mode_chosen, self._apply),
            (rise.valueChanged, self._on_rise),
        ):
            signal.connect(act)

    @property
    def keys(self) -> Mapping[str, Callable[[], None]]:
        """What each key does; see `napari_lazyvos.gui.keys.KEYS`."""
        return {
            "fine": self.fine,
            "absent": self.absent,
            "ends": self.end,
            "later": self.later,
            "call": self.next_call,
        }

    @property
    def open(self) -> bool:
        """Whether a question is shown that is not answered."""
        return self.question is not None and not self._answered

    @property
    def overview(self) -> Overview:
        """All calls, as they were counted last."""
        return self._calls.overview

    def bind(self, binding: Binding) -> None:
        """Ask about the session of a binding from now on."""
        self._binding = binding
        binding.opened.connect(self._on_opened)
        binding.help_wanted.connect(self._on_help_wanted)
        binding.finished.connect(self._on_finished)
        binding.changed.connect(self._check)
        binding.stepped.connect(self._show_place)
        self._calls.bind(binding)

    def release(self) -> None:
        """Ask nothing more."""
        self._binding = None
        self._going_on.stop()
        self._attention.stop()
        self._queue.clear()
        self.question, self._stopped = None, False
        self._bar.hide()
        self._calls.release()

    # Ways to ask --------------------------------------------------------------------------------

    def _apply(self, *_: Any) -> None:
        """Have the session ask as the controls say."""
        if (session := self._session) is not None and self._binding is not None:
            session.policy = in_mode(session.policy, self._box.mode, self._tau)
            self._binding.engine.stops_to_ask = self._box.mode is HelpMode.STOP

    def _on_rise(self, rise: float) -> None:
        self._tau = rise
        self._apply()

    def _on_opened(self) -> None:
        session, binding = self._session, self._binding
        if session is None or binding is None:
            return
        if session.policy.tau_user is not None:
            self._tau = session.policy.tau_user
        self._rise.blockSignals(True)
        self._rise.setValue(self._tau)
        self._rise.blockSignals(False)
        self._box.show_mode(mode_of(session.policy, self._box.mode))
        binding.engine.stops_to_ask = self._box.mode is HelpMode.STOP

    # Questions ----------------------------------------------------------------------------------

    def show(self, call: OpenCall) -> None:
        """Ask about a call as if it were made now."""
        self._stopped = False
        self._queue.clear()
        self._gather(call)

    def next_call(self) -> None:
        """Ask about the next call of the list, the greatest rise first."""
        calls = self.overview.calls
        places = [(call.t, call.label) for call in calls]
        here = (self.question.t, self.question.label) if self.question is not None else None
        if calls:
            self.show(calls[(places.index(here) + 1) % len(calls) if here in places else 0])

    def _on_help_wanted(self, request: HelpRequest) -> None:
        from napari_lazyvos.lazy.calls import OpenCall

        if self._box.mode is HelpMode.STOP:
            self._queue.append(OpenCall(request.t, request.label, request.score, request.rise))

    def _on_finished(self, _: Finished) -> None:
        self._in_run = False
        if self._queue:
            self._stopped = True
            if self._box.sound.isChecked():
                QApplication.beep()
            self._gather(self._queue.pop(0))

    def _gather(self, call: OpenCall) -> None:
        if (binding := self._binding) is not None:
            binding.peek("look up the call", partial(ask, call=call), self._on_question)

    def _on_question(self, question: Question | None) -> None:
        binding, session = self._binding, self._session
        if binding is None or session is None or binding.layers is None:
            return
        if self._stopped and binding.running:  # the person has pressed Track meanwhile
            self._queue.clear()
            return
        if question is None or not _is_open(session, question):
            self._next_or_track(track=self._bar.go_on_after.isChecked())
            return
        self._going_on.stop()
        self.question, self._answered, self._pressed, self._patient = question, False, False, False
        self._clicks = self._positive_clicks(session, question)
        self._in_run, binding.hold = binding.running, True
        binding.layers.show_frame(question.t)
        binding.choose(label=question.label, positive=True)
        if not _is_drawing(self._viewer, binding):
            binding.click_next()
        self._show_question(question)
        self._attention.turn_to(binding.layers, question)
        self._show_place()
        self.changed.emit()

    def _show_question(self, question: Question) -> None:
        fresh = question.stop - question.start == 1 and self._stopped
        consequence = "Tracking goes on from here." if fresh else question.consequence
        self._bar.show_question(question, more=len(self._queue), consequence=consequence)

    def _show_place(self) -> None:
        binding, question = self._binding, self.question
        if binding is not None and binding.layers is not None and question is not None:
            elsewhere = binding.layers.shown_frame() != question.t
            self._bar.show_place(moved=self._attention.moved, elsewhere=elsewhere)

    def _go_there(self) -> None:
        if self._binding is not None and self._binding.layers is not None and self.question:
            self._binding.layers.show_frame(self.question.t)

    def _turn_camera_back(self) -> None:
        self._attention.turn_camera_back()
        self._show_place()

    # Answers ------------------------------------------------------------------------------------

    def fine(self) -> None:
        """Answer that the mask is fine."""
        self._answer("confirm the mask", lambda session, label, t: session.confirm(label, t))

    def absent(self) -> None:
        """Answer that the object is out of view."""
        self._answer("note that", lambda session, label, t: session.mark_absent(label, t))

    def end(self) -> None:
        """Answer that the object has left for good."""
        self._answer("end the object", lambda session, label, t: session.end_object(label, t))

    def later(self) -> None:
        """Leave the question open, and go on."""
        if self.open:
            self._close(track=self._bar.go_on_after.isChecked())

    def go_on(self) -> None:
        """Go on after the answer."""
        if self.question is not None:
            self._close(track=True)

    def _answer(self, text: str, say: Callable[[Session, int, int], None]) -> None:
        if not self.open or self._binding is None or self.question is None:
            return
        label, t = self.question.label, self.question.t
        self._pressed = True
        self._binding.do(text, lambda session: say(session, label, t))

    def _stay(self) -> None:
        self._patient = True
        self._going_on.stop()
        self._bar.show_answered("Take your time.", waiting=True)

    def _check(self) -> None:
        """See what has become of the question that is shown."""
        binding, session, question = self._binding, self._session, self.question
        if binding is None or session is None or question is None:
            return
        if binding.running and not self._in_run:  # the person has pressed Track
            self._stopped = False
            self._queue.clear()
            self._close(track=False)
        elif _is_open(session, question):
            if self._answered:  # and undone
                self._answered = self._pressed = False
                self._going_on.stop()
                self._show_question(question)
                self.changed.emit()
        elif _is_answered(session, question):
            self._on_answered(session, question)
        else:  # taken back along with what it was about
            self._close(track=False)

    def _on_answered(self, session: Session, question: Question) -> None:
        clicks = self._positive_clicks(session, question)
        clicked = clicks > self._clicks
        if self._answered and not clicked:
            return
        self._answered, self._clicks = True, clicks
        by_itself = (self._pressed or clicked) and self._bar.go_on_after.isChecked()
        if by_itself and not self._patient:
            self._going_on.start()  # anew with each click
            self._bar.show_answered("Thank you. Going on…", waiting=False)
        else:
            self._bar.show_answered("Thank you. Press Go on when you are done.", waiting=True)
        self.changed.emit()

    def _close(self, *, track: bool) -> None:
        """Take the question away, and go on with the next one, or with tracking."""
        question, answered, self.question = self.question, self._answered, None
        self._going_on.stop()
        self._bar.hide()
        self._attention.turn_back()
        self._answered = self._pressed = False
        if self._binding is not None:
            self._binding.hold = False
        self._next_or_track(question if answered else None, track=track)
        self.changed.emit()

    def _next_or_track(self, question: Question | None = None, *, track: bool) -> None:
        if self._queue:
            self._gather(self._queue.pop(0))
            return
        stopped, self._stopped = self._stopped, False
        if not track or self._binding is None or self._binding.running:
            return
        if stopped:
            self._commands.go_on()
        elif question is not None and _has_stale(self._session, question):
            self._commands.track_again(question.label, question.t, question.start, question.stop)

    def peek(self, text: str, work: Callable[[Session], Any], then: Callable[[Any], None]) -> None:
        """Look something up in the engine's thread, if a session is open; see `Binding.peek`."""
        if self._session is not None and self._binding is not None:
            self._binding.peek(text, work, then)

    @property
    def _session(self) -> Session | None:
        return self._binding.session if self._binding is not None else None

    @staticmethod
    def _positive_clicks(session: Session, question: Question) -> int:
        clicks = session.store.document.clicks_at(question.t, question.label)
        return sum(click.positive for click in clicks)


def _is_open(session: Session, question: Question) -> bool:
    from napari_lazyvos.store.ledger import Call

    row = session.store.ledger.row(question.label, question.t)
    return row.call == Call.OPEN and not row.stale


def _is_answered(session: Session, question: Question) -> bool:
    from napari_lazyvos.store.ledger import Call

    return session.store.ledger.row(question.label, question.t).call > Call.OPEN


def _has_stale(session: Session | None, question: Question) -> bool:
    if session is None:
        return False
    stale = session.store.ledger.stale(question.label)
    return bool(stale[question.start : question.stop].any())


def _is_drawing(viewer: Viewer, binding: Binding) -> bool:
    """Tell whether the person has the brush, or one of its kin, in hand."""
    masks = binding.layers.masks if binding.layers is not None else None
    active = viewer.layers.selection.active
    return masks is not None and active == masks and masks.mode not in ("pan_zoom", "transform")

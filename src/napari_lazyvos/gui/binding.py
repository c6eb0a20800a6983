"""One session in one viewer: its engine, its layers, and all that goes to and fro between them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.viewer import Viewer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_lazyvos.gui import keys
from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.clicks import Clicks
from napari_lazyvos.gui.engine import Done, Engine, Job, Opened, Wrong
from napari_lazyvos.gui.inbox import Mail
from napari_lazyvos.gui.layers import SessionLayers
from napari_lazyvos.gui.strokes import Strokes
from napari_lazyvos.lazy.events import (
    Corrected,
    Event,
    Failed,
    Finished,
    HelpRequest,
    RunState,
    Status,
    WelcomeBack,
)

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["Binding"]

BUSY_MS = 33  # between two looks at what the engine did: 30 times a second is as fast as one sees
IDLE_MS = 100  # while the engine rests; what the console does to the session is noticed so fast


class Binding(QObject):
    """Shows a session in a viewer and hands what the person does to its engine.

    All methods belong to the main thread, and none waits.

    Parameters
    ----------
    viewer : napari viewer
    engine : Engine
    axes, like : see `SessionLayers`
    actions : dict
        What the keys of our layers do; see `keys.KEYS`.
    parent : QObject
        Takes the binding with it when it is destroyed.
    """

    changed = Signal()  # the session, or which layers there are: set every button anew
    stepped = Signal()  # another frame is shown
    tracked = Signal(object)  # the latest `FrameResult`
    written = Signal(object)  # set of all frames that were tracked since the last time
    finished = Signal(object)  # `Finished`
    help_wanted = Signal(object)  # `HelpRequest`
    told = Signal(object)  # `Corrected` or `WelcomeBack`
    opened = Signal()
    lost = Signal(str)  # the session could not be opened, and why
    failed = Signal(str)  # something else went wrong, in a sentence
    asked = Signal()  # the person asked for something new

    def __init__(
        self,
        viewer: Viewer,
        engine: Engine,
        axes: Axes,
        like: dict[str, Any],
        actions: Mapping[str, Callable[[], None]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.engine = engine
        self.layers: SessionLayers | None = None
        self.clicks: Clicks | None = None
        self.strokes: Strokes | None = None
        self.status: Status | None = None
        self.running = False  # a run was handed to the engine and has not ended
        self.follow = True
        self.hold = False  # the person looks at another frame than the tracker
        self.label = 1  # the object that is being edited
        self.positive = True
        self._viewer = viewer
        self._axes = axes
        self._like = like
        self._actions = actions
        self._uncertainty_shown = False
        self._asked_for_help = False  # in the run that is under way
        self._home: int | None = None  # frame of the round that is under way
        self._jobs = 0  # handed to the engine, and not done
        self._peeks = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(BUSY_MS)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.dims.events.current_step.connect(self._on_step)

    @property
    def session(self) -> Session | None:
        """The session, once it is open."""
        return self.engine.session if self.layers is not None else None

    def close(self) -> None:
        """Take the layers away and stop the engine after the frame in flight; needs no Qt."""
        if self.engine.closed:
            return
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._viewer.dims.events.current_step.disconnect(self._on_step)
        self._unbind_clicks()
        self._unbind_strokes()
        self.engine.close()
        if self.layers is not None:
            self.layers.remove()

    @property
    def busy(self) -> bool:
        """Whether something was handed to the engine that is not done and shown."""
        drawing = self.strokes is not None and self.strokes.busy
        return self.running or bool(self._jobs) or drawing

    @property
    def tracking(self) -> bool:
        """Whether frames are being tracked, for this viewer or by the console."""
        status = self.status
        return self.running or (status is not None and status.state is RunState.RUNNING)

    def do(
        self,
        text: str,
        work: Callable[[Session], Any],
        then: Callable[[Any], None] | None = None,
    ) -> None:
        """Have the engine do something; see `Job`."""
        self._hand_in(Job(text, work, then))

    def peek(self, text: str, work: Callable[[Session], Any], then: Callable[[Any], None]) -> None:
        """Have the engine look something up, for which nothing waits; None if that fails."""
        self._peeks += 1
        self._timer.setInterval(BUSY_MS)
        self.engine.do(Job(text, work, then, peek=True))

    def track(self, **options: Any) -> None:
        """Track, with the options of `Session.run`."""
        self._run(lambda session: session.run(**options))

    def run_round(self, t: int, **options: Any) -> None:
        """Run a round, with the options of `Session.rounds.run`; its frame is shown at the end."""
        if not self.running:
            self._home = t
            self._run(lambda session: session.rounds.run(t, **options))

    def _run(self, begin: Callable[[Session], Generator[Event, None, None]]) -> None:
        if self.running:
            return
        self.running, self._asked_for_help = True, False
        self.asked.emit()
        self._set_editable()
        self.engine.run(begin)
        self._timer.setInterval(BUSY_MS)
        self.changed.emit()

    def show_layers(self) -> None:
        """Make the layers that are missing, and bind them."""
        if self.layers is None:
            return
        self.layers.make()
        self._bind()
        self._sync()
        self.changed.emit()

    def click_next(self) -> None:
        """Make the viewer ready for a click on the current object."""
        self.show_layers()
        if self.clicks is not None:
            self._viewer.layers.selection.active = self.clicks.layer
            self.clicks.layer.mode = "add"

    def choose(self, *, label: int | None = None, positive: bool | None = None) -> None:
        """Set which object the next click or stroke is about, and what a click says."""
        self.label = self.label if label is None else label
        self.positive = self.positive if positive is None else positive
        if self.clicks is not None:
            self.clicks.choose(label=self.label, positive=self.positive)
        self._show_label()
        self.changed.emit()

    def _show_label(self) -> None:
        """Let the brush draw the current object, if the masks are wide enough for its label."""
        masks = self.strokes.layer if self.strokes is not None else None
        if masks is not None and masks.selected_label != self.label <= np.iinfo(masks.dtype).max:
            masks.selected_label = self.label

    def next_label(self) -> int:
        """Return the label of a new object: one more than any that is in use."""
        used = set(self.status.labels) if self.status is not None else set()
        if self.clicks is not None:
            used |= {int(label) for label in self.clicks.layer.features["label"]}
        return max(used, default=0) + 1

    def _hand_in(self, job: Job) -> None:
        self._jobs += 1
        self._timer.setInterval(BUSY_MS)
        self.asked.emit()
        self.engine.do(job)

    def look(self) -> None:
        """Take what the engine did since the last look; the one gate to the main thread."""
        if self.engine.closed:
            self._timer.stop()
            return
        mail = self.engine.inbox.take()
        for message in mail.messages:
            self._receive(message)
        if self.session is None:
            return
        if self.strokes is not None:
            self.strokes.send()
        self._show_progress(mail)
        self._come_home()
        before, status = self.status, self.session.status
        self.status = status
        done = any(map(_changes_much, mail.messages))
        if done or before is None or status.generation != before.generation:
            self._sync()
            self._set_editable()
            self.changed.emit()
        elif _without_counts(status) != _without_counts(before):
            self.changed.emit()
        busy = self._jobs or self._peeks or self.tracking
        self._timer.setInterval(BUSY_MS if busy else IDLE_MS)

    def _receive(self, message: Any) -> None:
        match message:
            case Opened():
                self._on_opened()
            case Done(job=job, result=result):
                if job.peek:
                    self._peeks -= 1
                else:
                    self._jobs -= 1
                if job.then is not None:
                    job.then(result)
            case Wrong(fatal=True):
                self._timer.stop()
                self.lost.emit(message.message)
            case Wrong():
                self._on_wrong(message)
            case Failed():
                self.failed.emit(message.message)
            case HelpRequest():
                self._asked_for_help = self.engine.stops_to_ask
                self.help_wanted.emit(message)
            case Corrected() | WelcomeBack():
                self.told.emit(message)
            case Finished():
                self._on_finished(message)

    def _on_opened(self) -> None:
        session = self.engine.session
        assert session is not None  # the engine says `Opened` after setting it
        self.layers = SessionLayers(self._viewer, session, self._axes, self._like)
        self.status = session.status
        self.label = max(self.status.labels, default=0) or 1
        self._viewer.update_console({"session": session})
        self.show_layers()
        self.opened.emit()

    def _on_finished(self, message: Finished) -> None:
        self.running = False
        if message.tracked and self.layers is not None and not self._uncertainty_shown:
            # There is something to see now; later the person decides. Whoever is asked for help
            # is shown it for that time.
            if not self._asked_for_help:
                self.layers.show_uncertainty()
            self._uncertainty_shown = True
        self.finished.emit(message)

    def _on_wrong(self, wrong: Wrong) -> None:
        if wrong.job is None:
            self.running = False
        else:
            self._jobs -= 1
        self.failed.emit(wrong.message)

    def _show_progress(self, mail: Mail) -> None:
        latest, layers = mail.latest, self.layers
        if latest is None or layers is None or self.session is None:
            return
        if self.follow and not self.hold and layers.shown_frame() != latest.t:
            layers.show_frame(latest.t)  # which draws it
        else:
            layers.refresh(mail.written)
        self.written.emit(mail.written)
        if latest.generation == self.session.status.generation:
            self.tracked.emit(latest)

    def _come_home(self) -> None:
        """Show the frame of a round again when it has ended: the tracker has led away from it."""
        if self._home is not None and not self.running and self.layers is not None:
            if self.follow and not self.hold:
                self.layers.show_frame(self._home)
            self._home = None

    def _sync(self) -> None:
        """Show what the session holds, unless the person or the engine is about to change it."""
        if self.layers is None or self.session is None:
            return
        if not self._jobs and self.clicks is not None and not self.clicks.busy:
            self.clicks.show(self.session.clicks)
        self.layers.refresh()
        self._show_label()
        if self.strokes is not None and self.strokes.drawn and not self.strokes.busy:
            self.layers.forget_strokes()
            self.strokes.drawn = False

    def _set_editable(self) -> None:
        """Let nobody draw while the engine tracks: the strokes would be overwritten."""
        masks = self.layers.masks if self.layers is not None else None
        if masks is not None:
            masks.editable = not self.running

    def _bind(self) -> None:
        assert self.layers is not None  # the only caller has looked
        assert self.session is not None
        points, masks, store = self.layers.clicks, self.layers.masks, self.session.store
        if self.clicks is None and points is not None:
            self.clicks = Clicks(points, self._axes, self._hand_in)
            keys.bind_layer(points, "clicks", self._actions)
        if self.strokes is None and masks is not None:
            self.strokes = Strokes(masks, store.masks, self._hand_in)
            masks.events.selected_label.connect(self._on_selected_label)
            keys.bind_layer(masks, "masks", self._actions)
        self.choose()

    def _unbind_clicks(self) -> None:
        if self.clicks is not None:
            self.clicks.close()
            self.clicks = None

    def _unbind_strokes(self) -> None:
        if self.strokes is not None:
            self.strokes.layer.events.selected_label.disconnect(self._on_selected_label)
            self.strokes.close()
            self.strokes = None

    def _on_removed(self, event: Any) -> None:
        if self.clicks is not None and event.value == self.clicks.layer:
            self._unbind_clicks()
        if self.strokes is not None and event.value == self.strokes.layer:
            self._unbind_strokes()
        self.changed.emit()

    def _on_selected_label(self, event: Any) -> None:
        chosen = self.strokes.layer.selected_label if self.strokes is not None else 0
        if chosen and chosen != self.label:
            self.choose(label=int(chosen))

    def _on_step(self, event: Any) -> None:
        self.stepped.emit()


def _without_counts(status: Status) -> Status:
    """Leave out what changes with every frame: buttons do not depend on it during a run."""
    if status.state is not RunState.RUNNING:
        return status
    return replace(status, todo=None, can_undo=None)


def _changes_much(message: Any) -> bool:
    """Tell whether all that is shown may have changed; not so in the middle of a run."""
    if isinstance(message, Done):
        return not message.job.peek
    return not isinstance(message, (HelpRequest, Corrected, WelcomeBack))

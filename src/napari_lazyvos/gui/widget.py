"""The dock widget *Lazy segmentation*."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from napari.viewer import Viewer
from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lazyvos.gui import keys, opening, reasons
from napari_lazyvos.gui.advanced_box import AdvancedBox
from napari_lazyvos.gui.asking import Asking
from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.binding import Binding
from napari_lazyvos.gui.commands import Commands
from napari_lazyvos.gui.engine import Engine
from napari_lazyvos.gui.exporting import ExportMenu
from napari_lazyvos.gui.help_bar import HelpBar
from napari_lazyvos.gui.help_box import HelpBox
from napari_lazyvos.gui.help_mode import in_mode
from napari_lazyvos.gui.hint import Situation, next_step
from napari_lazyvos.gui.layers import placement
from napari_lazyvos.gui.news import News
from napari_lazyvos.gui.objects_box import ObjectsBox
from napari_lazyvos.gui.round_ahead import RoundAhead
from napari_lazyvos.gui.rounds import Rounds
from napari_lazyvos.gui.states import name_of, object_rows
from napari_lazyvos.gui.style import SHEET
from napari_lazyvos.gui.track_box import TrackBox
from napari_lazyvos.gui.video_box import VideoBox
from napari_lazyvos.lazy.events import Corrected, FrameResult, WelcomeBack

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["LazyWidget"]


class LazyWidget(QWidget):
    """Click an object, have it tracked, correct it where that is wrong.

    What is done lives in a session, which a `Binding` ties to the viewer; both go when the widget
    is destroyed, and the results stay in their folder.

    Parameters
    ----------
    napari_viewer : napari viewer
    """

    bound = Signal(object)  # `Binding` of a session that is being opened, or None

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.binding: Binding | None = None  # of the session that is open or being opened
        self._bindings: list[Binding] = []  # the latest; shared with what cleans up
        self._layer: Any = None  # the layer that the session is about
        self._said = ""  # stands in place of the next step until something is done
        self._is_error = False  # what is said is of something that failed
        self._progress = ""
        self.hint = QLabel(wordWrap=True, objectName="hint", textFormat=Qt.PlainText)
        self.bar = HelpBar()
        self.video = VideoBox(napari_viewer)
        self.objects = ObjectsBox()
        self.track = TrackBox()
        self.help = HelpBox()
        self.advanced = AdvancedBox()
        self.undo, self.redo = QPushButton("Undo"), QPushButton("Redo")
        self.export = QPushButton("Export")
        self.keys = QPushButton("Keys…", toolTip="All keys and mouse buttons")
        self._menu = ExportMenu(self)
        self._ahead: RoundAhead | None = None  # what a round would do in the frame that is shown
        self.rounds = Rounds(self.track, self.advanced.fusion, self)
        self.commands = Commands(lambda: self.binding, self.track, self.rounds)
        self.asking = Asking(
            napari_viewer, self.bar, self.help, self.commands, self.advanced.rise, self
        )
        self._actions = {**self.commands.keys, **self.asking.keys, **self.rounds.keys}
        self._news = News(self._name_of)
        self._lay_out()
        self._connect()
        self._refresh()

    @property
    def session(self) -> Session | None:
        """The open session."""
        return self.binding.session if self.binding is not None else None

    def start(self) -> None:
        """Open a session on the chosen video; results that are there already are resumed."""
        layer, axes, folder = self.video.layer, self.video.axes, self.video.folder
        if layer is None or axes is None or folder is None:
            return
        options = self.advanced.options
        options["policy"] = in_mode(options["policy"], self.help.mode, self.advanced.rise.value())
        open_session = partial(
            opening.open_session,
            layer,
            time=axes.time,
            others=self.video.others,
            folder=folder,
            **options,
        )
        self._bind(partial(Engine, open_session), axes)

    def adopt(self, session: Session) -> None:
        """Show a session that was made elsewhere; closing the widget does not close it."""
        layer = opening.layer_of(self._viewer, session)
        axes = opening.axes_of(session, layer)
        self.video.choose(layer)
        self.video.choose_time(axes.time)
        self.video.set_folder(session.store.path)
        self._bind(partial(Engine, lambda: session, owned=False), axes)

    def stop(self) -> None:
        """Close the session and take its layers away; the results stay in their folder."""
        binding, self.binding, self._layer = self.binding, None, None
        if binding is None:
            return
        self.asking.release()
        self.rounds.release()
        self._news.end()
        self._news.forget()
        self.bound.emit(None)
        binding.close()
        binding.deleteLater()
        self._say("")

    def _bind(self, make_engine: Any, axes: Axes) -> None:
        self.stop()
        self._layer = self.video.layer
        engine = make_engine(after=self._bindings[-1].engine if self._bindings else None)
        like = placement(self.video.layer)
        binding = Binding(self._viewer, engine, axes, like, self._actions, self)
        self._bindings[:] = [binding]
        binding.opened.connect(self._on_opened)
        binding.changed.connect(self._refresh)
        binding.stepped.connect(self._on_stepped)
        # In a turn of the event loop of its own: a progress bar draws at once when it is set, and
        # with it all that moving the slider has changed.
        binding.tracked.connect(self._on_tracked, Qt.QueuedConnection)
        binding.finished.connect(self._on_finished)
        binding.asked.connect(self._on_asked)
        binding.told.connect(self._on_told)
        binding.failed.connect(self._on_failed)
        binding.lost.connect(self._on_lost)
        binding.follow = self.track.follow.isChecked()
        self.binding = binding
        self.asking.bind(binding)
        self.rounds.bind(binding)
        self.bound.emit(binding)
        self._say("")

    # What the session does ----------------------------------------------------------------------

    def _on_opened(self) -> None:
        session = self.session
        if session is None or self.binding is None:
            return
        self.track.set_frames(session.store.frames)
        self._menu.folder = session.store.path.parent
        self._menu.name = session.video.name
        if session.labels:
            objects = "1 object" if len(session.labels) == 1 else f"{len(session.labels)} objects"
            show_info(f"{session.store.path.name} holds {objects}.")
        self.binding.click_next()

    def _on_asked(self) -> None:
        self._said, self._is_error, self._progress = "", False, ""
        self._news.forget()

    def _on_tracked(self, result: FrameResult) -> None:
        if self.binding is None or not self.binding.tracking:
            return  # the end of the run has overtaken it
        self.track.show_result(result)
        self._progress = self.track.progress
        self._show_hint()

    def _on_stepped(self) -> None:
        self._show_objects()
        if self._ahead is not None:  # which is about the frame that was shown before
            self._show_track()
            self._show_hint()

    def _on_finished(self) -> None:
        self._news.end()
        self._refresh()

    def _on_told(self, event: Corrected | WelcomeBack) -> None:
        self._news.hear(event)
        self._show_hint()

    def _name_of(self, label: int) -> str:
        return name_of(self.session, label) if self.session is not None else f"Object {label}"

    def _on_failed(self, message: str) -> None:
        show_error(message)
        self._say(message, is_error=True)

    def _on_lost(self, message: str) -> None:
        self.stop()
        self._on_failed(message)

    # What is shown ------------------------------------------------------------------------------

    def _say(self, sentence: str, *, is_error: bool = False) -> None:
        """Show a sentence in place of the next step, or the next step again if it is empty."""
        self._said, self._is_error = sentence, is_error
        self._refresh()

    def _refresh(self) -> None:
        """Set every button and text from the state of things; the only place that does."""
        binding, session = self.binding, self.session
        status = binding.status if binding is not None else None
        running = binding is not None and binding.running
        label = binding.label if binding is not None else 0
        known = status is not None and label in status.labels
        self.video.set_open(is_open=binding is not None)
        self.advanced.set_open(binding is not None)
        self._show_track()
        self.objects.setEnabled(session is not None)
        self.objects.end.setEnabled(known)
        self.objects.remove.setEnabled(known)
        self.objects.show_layers.setVisible(self._layers_missing())
        for button, verb, text, key in (
            (self.undo, "Undo", status and status.can_undo, "Ctrl+Z"),
            (self.redo, "Redo", status and status.can_redo, "Ctrl+Shift+Z"),
        ):
            button.setText(f"{verb} round" if text and text.startswith("round ") else verb)
            button.setEnabled(bool(text) and not running)
            button.setToolTip(f"{verb}: {text}  ({key})" if text else key)
        self.help.show_how(not self.track.in_rounds)
        self.help.show_count(len(self.asking.overview.calls), there=session is not None)
        self.export.setEnabled(bool(status and status.labels) and not running)
        if binding is not None:
            self.objects.show_polarity(binding.positive)
        self._show_objects()
        self._show_hint()

    def _show_track(self) -> None:
        binding, self._ahead = self.binding, self.rounds.ahead()
        status = binding.status if binding is not None else None
        running = binding is not None and binding.running
        self.track.set_status(status, running=running, ahead=self._ahead)

    def _show_objects(self) -> None:
        binding, session = self.binding, self.session
        if binding is not None and binding.layers is not None and session is not None:
            rows = object_rows(session, binding.layers.shown_frame(), binding.label)
            self.objects.show_objects(rows, binding.label)
        else:
            self.objects.show_objects((), 0)

    def _show_hint(self) -> None:
        binding, layer = self.binding, self.video.layer
        text = self._said or next_step(
            Situation(
                video=layer.name if layer is not None else None,
                folder=self.video.folder.name if self.video.folder is not None else "",
                resumable=self.video.resumable,
                opening=binding is not None and binding.layers is None,
                status=binding.status if binding is not None else None,
                running=binding is not None and binding.running,
                progress=self._progress,
                label=binding.label if binding is not None else 1,
                layers_missing=self._layers_missing(),
                calls=len(self.asking.overview.calls),
                news=self._news.text,
                ahead=self._ahead,
            )
        )
        self.hint.setVisible(self.asking.question is None or self._is_error)
        # The question takes its place, so that nothing below it jumps.
        self.video.setVisible(self.asking.question is None)
        if text != self.hint.text():
            self.hint.setText(text)
        tone = "error" if self._is_error else "plain"
        if tone != self.hint.property("tone"):
            self.hint.setProperty("tone", tone)
            self.hint.style().polish(self.hint)  # Qt looks at properties only then

    def _layers_missing(self) -> bool:
        layers = self.binding.layers if self.binding is not None else None
        return layers is not None and bool(layers.missing)

    # How it is put together ---------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setStyleSheet(SHEET)
        self.export.setMenu(self._menu)
        bottom = QHBoxLayout()
        for button in (self.undo, self.redo, self.export, self.keys):
            bottom.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        for widget in (self.hint, self.bar, self.video, self.objects, self.track, self.help):
            layout.addWidget(widget)
        layout.addLayout(bottom)
        layout.addWidget(self.advanced)
        layout.addStretch(1)

    def _connect(self) -> None:
        commands, objects, track = self.commands, self.objects, self.track
        for signal, act in (
            (self.video.chosen, self._on_video_chosen),
            (self.video.start_pressed, self.start),
            (self.video.close_pressed, self.stop),
            (objects.new_pressed, commands.new_object),
            (objects.end_pressed, commands.end_object),
            (objects.remove_pressed, commands.remove_object),
            (objects.renamed, commands.rename),
            (objects.chosen, commands.choose_object),
            (objects.polarity_chosen, commands.choose_polarity),
            (objects.show_layers_pressed, commands.show_layers),
            (track.track_pressed, commands.track),
            (track.step_pressed, commands.step),
            (track.pause_pressed, commands.pause),
            (track.cancel_pressed, commands.cancel),
            (track.follow_chosen, commands.follow),
            (self.rounds.changed, self._refresh),
            (self.undo.clicked, commands.undo),
            (self.redo.clicked, commands.redo),
            (self.keys.clicked, self._show_keys),
            (self.asking.changed, self._refresh),
            (self.help.list_pressed, self.show_help_list),
            (self.help.timeline_pressed, self.show_timeline),
            (self.help.memory_pressed, self.show_memory),
            (self.advanced.models_pressed, self._show_models),
            (self._menu.wanted, commands.export),
        ):
            signal.connect(act)
        keys.bind_viewer(self._viewer, self._actions)
        # For a window that is closed as a whole; a bound method would be gone by then.
        self.destroyed.connect(partial(_let_go, self._viewer, self._bindings, self.video))

    def event(self, event: QEvent) -> bool:
        """Let go of everything when the dock is closed: napari takes the parent away then.

        It sends no closeEvent, and `destroyed` comes only when no reference is left.
        """
        if event.type() == QEvent.ParentChange and self.parentWidget() is None:
            self.stop()
            _let_go(self._viewer, self._bindings, self.video)
            # Or Python's garbage collector would do it, perhaps in the engine's thread.
            self.deleteLater()
        return bool(super().event(event))

    def _on_video_chosen(self) -> None:
        """Close the session when another video is chosen; its results stay."""
        chosen = self.video.layer
        if self.binding is not None and chosen is not None and chosen != self._layer:
            self.stop()
        self._refresh()

    def _show_keys(self) -> None:
        why = reasons.inactive(self.binding, self.asking, self.track, self.rounds)
        keys.KeysDialog(self, why).exec()

    def show_help_list(self) -> None:
        """Show the list of open calls for help."""
        # To the left, where there is room: this widget needs the right side for itself.
        self._show_dock("Help list", area=Qt.LeftDockWidgetArea).attach(self)

    def show_timeline(self) -> None:
        """Show how unsure the tracker was in every frame."""
        self._show_dock("Timeline", area=Qt.BottomDockWidgetArea).attach(self)

    def show_memory(self) -> None:
        """Show which frames the tracker remembers."""
        self._show_dock("Memory", area=Qt.BottomDockWidgetArea).attach(self)

    def _show_models(self) -> None:
        self._show_dock("Models", tabify=True)

    def _show_dock(self, name: str, *, tabify: bool = False, area: Any = None) -> Any:
        known = set(self._viewer.window.dock_widgets)
        dock, widget = self._viewer.window.add_plugin_dock_widget(
            "napari-lazyvos", name, tabify=tabify
        )
        if area is not None and dock.name not in known:
            dock.parentWidget().addDockWidget(area, dock)
        dock.show()  # it may be there, and hidden
        dock.raise_()
        return widget


def _let_go(viewer: Viewer, bindings: list[Binding], video: VideoBox, *_: Any) -> None:
    """Leave nothing behind in the viewer; safe to call twice, and without Qt."""
    keys.unbind_viewer(viewer)
    video.disconnect_viewer()
    for binding in bindings:
        binding.close()

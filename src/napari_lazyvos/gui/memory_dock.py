"""The dock widget *Memory*: which frames the tracker compares others with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.viewer import Viewer
from qtpy.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout

from napari_lazyvos.gui.companion import Companion
from napari_lazyvos.gui.memory_model import MemoryModel
from napari_lazyvos.gui.memory_strip import MemoryStrip
from napari_lazyvos.gui.memory_words import NO_SESSION, sentence, why_not_forget, why_not_keep
from napari_lazyvos.gui.style import SHEET
from napari_lazyvos.gui.thumbnails import Thumbnails, frame_size, frame_thumbnail

if TYPE_CHECKING:
    from napari_lazyvos.gui.binding import Binding
    from napari_lazyvos.gui.memory_curve import MemoryCurve
    from napari_lazyvos.gui.widget import LazyWidget
    from napari_lazyvos.lazy.session import Session

__all__ = ["MemoryDock"]

LOOK_MS = 300  # between two looks at the memory, at least
FORGET, KEEP = "Forget this frame", "Never forget this frame"


class MemoryDock(Companion):
    """Shows what the tracker remembers, and has it forget a frame or keep it for good.

    Parameters
    ----------
    napari_viewer : napari viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self._binding: Binding | None = None
        self._generation = 0  # of the session, when pictures were looked at last
        self._untold = ""  # why there are no frames to choose, if the tracker tells of none
        self.thumbnails = Thumbnails(self._peek, self, frame_thumbnail)
        self.model = MemoryModel(self.thumbnails.get, self)
        self.strip = MemoryStrip(self.model, self)
        self.curve: MemoryCurve | None = None  # once there was something to draw
        self.words = QLabel(NO_SESSION, wordWrap=True, textFormat=Qt.PlainText)
        self.forget, self.keep = QPushButton(FORGET), QPushButton(KEEP)
        self._timer = QTimer(self, singleShot=True, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._lay_out()
        self.thumbnails.made.connect(self.model.show_picture)
        self.strip.clicked.connect(self._on_clicked)
        self.strip.activated.connect(self._on_clicked)
        self.strip.selectionModel().selectionChanged.connect(self._set_buttons)
        self.strip.customContextMenuRequested.connect(self._show_menu)
        self.forget.clicked.connect(self.forget_chosen)
        self.keep.clicked.connect(self.keep_chosen)
        self._set_buttons()
        self.find()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Ask for the room of a row of pictures, and of the curve."""
        return QSize(600, 230)

    def forget_chosen(self) -> None:
        """Have the tracker forget the chosen frame."""
        chosen = self.strip.chosen
        if chosen is not None and self._binding is not None and not why_not_forget(chosen):
            t = chosen.t
            self.strip.choose(None)  # else its neighbour would be chosen next
            self._binding.do("forget the frame", lambda session: session.forget_frame(t))

    def keep_chosen(self) -> None:
        """Have the tracker never forget the chosen frame."""
        chosen = self.strip.chosen
        if chosen is not None and self._binding is not None and not why_not_keep(chosen):
            t = chosen.t
            self._binding.do("keep the frame", lambda session: session.keep_frame(t))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Make up for what happened meanwhile."""
        super().showEvent(event)
        self._look()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Take over the colours of another theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.PaletteChange, QEvent.StyleChange) and self.curve is not None:
            self.curve.set_colours(self.palette())

    # --------------------------------------------------------------------------------------------

    def _take(self, owner: LazyWidget) -> None:
        owner.bound.connect(self._bind)
        self._bind(owner.binding)

    def _let_go(self, owner: LazyWidget) -> None:
        owner.bound.disconnect(self._bind)

    def _show_nothing(self) -> None:
        self._bind(None)

    def _bind(self, binding: Binding | None) -> None:
        self._binding = binding
        self.thumbnails.clear()
        self._look()
        if binding is not None:
            binding.opened.connect(self._look_soon)
            binding.written.connect(self._on_written)
            binding.changed.connect(self._look_soon)
            binding.stepped.connect(self._show_place)

    def _on_written(self, frames: set[int]) -> None:
        self.thumbnails.outdate(frames)
        self._look_soon()

    def _look_soon(self, *_: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _look(self) -> None:
        """Show what the tracker remembers now; nothing is read while nobody looks."""
        session = self._binding.session if self._binding is not None else None
        if session is None:
            self._show_empty()
        elif self.isVisible():
            self._show_session(session)

    def _show_empty(self) -> None:
        self._untold = ""
        self.words.setText(NO_SESSION)
        self.model.show_frames(())
        if self.curve is not None:
            self.curve.hide()
        self._set_buttons()

    def _show_session(self, session: Session) -> None:
        view, generation = session.memory, session.status.generation
        chosen = self.strip.chosen
        self.words.setText(sentence(view, session.tracker_name))
        self._untold = "" if view.is_told else self.words.text()
        self.strip.fit(*frame_size(session.video.height, session.video.width))
        self.model.show_frames(view.frames)
        self.strip.choose(chosen.t if chosen is not None else None)
        if generation != self._generation:  # a person may have changed any mask
            self._generation = generation
            self.thumbnails.outdate()
        self.model.show_pictures()
        self._show_curve(session.diversity)
        self._set_buttons()

    def _show_curve(self, values: np.ndarray) -> None:
        known = bool(np.isfinite(values).any())
        if known and self.curve is None:
            # Loads pyqtgraph, which takes as long as the whole plugin.
            from napari_lazyvos.gui.memory_curve import MemoryCurve

            self.curve = MemoryCurve(self)
            self.curve.set_colours(self.palette())
            self.layout().addWidget(self.curve)
        if self.curve is not None:
            self.curve.setVisible(known)
            if known:
                self.curve.show_values(values)
                self._show_place()

    def _show_place(self) -> None:
        layers = self._binding.layers if self._binding is not None else None
        if self.curve is not None and layers is not None:
            self.curve.set_frame(layers.shown_frame())

    def _set_buttons(self, *_: object) -> None:
        chosen = self.strip.chosen
        for button, why, what in (
            (self.forget, why_not_forget(chosen), "It is not remembered again; no mask changes"),
            (self.keep, why_not_keep(chosen), "It stays, whatever comes; no mask changes"),
        ):
            button.setEnabled(not why)
            button.setToolTip(self._untold or why or what)

    def _show_menu(self, place: QPoint) -> None:
        """Offer the same as the buttons, of the frame below the mouse."""
        index = self.strip.indexAt(place)
        if not index.isValid():
            return
        self.strip.setCurrentIndex(index)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for button, act in ((self.forget, self.forget_chosen), (self.keep, self.keep_chosen)):
            action = menu.addAction(button.text())
            action.setEnabled(button.isEnabled())
            action.setToolTip(button.toolTip())
            action.triggered.connect(act)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.strip.viewport().mapToGlobal(place))

    def _on_clicked(self, index: QModelIndex) -> None:
        if self._binding is not None and self._binding.layers is not None:
            self._binding.layers.show_frame(self.model.frames[index.row()].t)

    def _peek(self, text: str, work: Any, then: Any) -> None:
        if self._binding is not None:
            self._binding.peek(text, work, then)

    def _lay_out(self) -> None:
        self.setStyleSheet(SHEET)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.forget)
        top.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 0)
        layout.addLayout(top)
        layout.addWidget(self.strip, 1)

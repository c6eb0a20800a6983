"""The dock widget *Timeline*: the timeline of the session that *Lazy segmentation* shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari.viewer import Viewer
from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QVBoxLayout

from napari_lazyvos.gui.companion import Companion
from napari_lazyvos.gui.timeline import Timeline
from napari_lazyvos.gui.timeline_data import Reach, Thresholds

if TYPE_CHECKING:
    from napari_lazyvos.gui.binding import Binding
    from napari_lazyvos.gui.widget import LazyWidget
    from napari_lazyvos.lazy.session import Session

__all__ = ["TimelineDock"]

DRAW_MS = 150  # between two looks at what was tracked, at least


class TimelineDock(Companion):
    """Keeps a `Timeline` up to date, and does what is pointed at in it.

    Parameters
    ----------
    napari_viewer : napari viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self._binding: Binding | None = None
        self._written: set[int] | None = set()  # tracked, not drawn; None: all may have changed
        self.timeline = Timeline(self)
        self._timer = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._timer.timeout.connect(self._draw)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.timeline)
        self.timeline.frame_chosen.connect(self._go_to)
        self.timeline.thresholds_chosen.connect(self._on_thresholds)
        self.find()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Ask for the room of a few objects."""
        return QSize(600, 200)

    def _take(self, owner: LazyWidget) -> None:
        owner.bound.connect(self._bind)
        owner.rounds.changed.connect(self._show_place)
        self._bind(owner.binding)

    def _let_go(self, owner: LazyWidget) -> None:
        owner.bound.disconnect(self._bind)
        owner.rounds.changed.disconnect(self._show_place)

    def _show_nothing(self) -> None:
        self._bind(None)

    def _bind(self, binding: Binding | None) -> None:
        self._binding = binding
        self.timeline.show_session(None)
        if binding is None:
            return
        binding.opened.connect(self._on_opened)
        binding.written.connect(self._on_written)
        binding.changed.connect(self._on_changed)
        binding.stepped.connect(self._show_place)
        if binding.session is not None:
            self._on_opened()

    def _on_opened(self) -> None:
        if self._binding is not None:
            self.timeline.show_session(self._binding.session)
            self._on_changed()

    def _on_written(self, frames: set[int]) -> None:
        if self._written is not None:
            self._written |= frames
        self._draw_soon()

    def _on_changed(self) -> None:
        self._written = None
        self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        written, self._written = self._written, set()
        binding = self._binding
        if binding is None or binding.session is None:
            return
        policy = binding.session.policy
        self.timeline.set_thresholds(policy.tau_user, policy.tau_pseudo, policy.tau_memory)
        self.timeline.set_label(binding.label)
        self.timeline.refresh(written)
        self._show_place()

    def _show_place(self) -> None:
        """Put the cursor on the shown frame, and shade what a correction there would change."""
        binding, owner = self._binding, self.owner
        if binding is None or binding.layers is None or binding.session is None or owner is None:
            return
        self.timeline.set_frame(binding.layers.shown_frame())
        if not owner.track.in_rounds:
            self.timeline.show_reach(self._reach(binding, binding.session))
        elif not binding.tracking:  # what a round under way changes stays in sight
            self.timeline.show_reach(owner.rounds.reach())

    def _reach(self, binding: Binding, session: Session) -> tuple[Reach, ...]:
        """Return what the lazy pass would track anew after a correction."""
        assert binding.layers is not None  # the only caller has looked
        t, label = binding.layers.shown_frame(), binding.label
        if not self.isVisible() or binding.tracking or not session.store.ledger.row(label, t).state:
            return ()
        start, stop = session.reach(label, t)
        return (Reach(label, start, stop),) if stop - start > 1 else ()

    def _go_to(self, t: int) -> None:
        if self._binding is not None and self._binding.layers is not None:
            self._binding.layers.show_frame(t)

    def _on_thresholds(self, chosen: Thresholds) -> None:
        if self._binding is None or self._binding.session is None or self.owner is None:
            return
        session, user, pseudo = self._binding.session, chosen.user, chosen.pseudo
        if user is not None and pseudo is not None:
            pseudo = min(pseudo, user)
        session.policy = replace(
            session.policy, tau_user=user, tau_pseudo=pseudo, tau_memory=chosen.memory
        )
        if user is not None:
            self.owner.advanced.rise.setValue(user)
        self._draw_soon()

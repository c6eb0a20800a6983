"""Which calls for help are open, counted in the engine's thread and no oftener than needed."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_lazyvos.gui.binding import Binding
from napari_lazyvos.gui.question import Overview, look_over

__all__ = ["Counting"]

LOOK_MS = 300  # between two counts, at least
REST = 20  # times as long as a count takes, the engine does other things


class Counting(QObject):
    """Keeps an `Overview` of the calls of a session up to date."""

    counted = Signal(object)  # `Overview`

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.overview = Overview()
        self._binding: Binding | None = None
        self._changed = False  # since the last count
        self._under_way = False
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._count)

    def bind(self, binding: Binding) -> None:
        """Count the calls of the session of a binding from now on."""
        self._binding = binding
        for signal in (binding.opened, binding.changed, binding.help_wanted, binding.finished):
            signal.connect(self._on_changed)
        self._timer.start()

    def release(self) -> None:
        """Count nothing more."""
        self._timer.stop()
        self._binding, self._changed, self._under_way = None, False, False
        self._show(Overview())

    def _on_changed(self, *_: Any) -> None:
        self._changed = True

    def _count(self) -> None:
        binding = self._binding
        if binding is None or binding.session is None or not self._changed or self._under_way:
            return
        self._changed, self._under_way = False, True
        binding.peek("look up the calls", look_over, self._on_counted)

    def _on_counted(self, overview: Overview | None) -> None:
        self._under_way = False
        if overview is not None and self._binding is not None:
            self._timer.setInterval(max(LOOK_MS, round(1000 * REST * overview.seconds)))
            self._show(overview)

    def _show(self, overview: Overview) -> None:
        self.overview = overview
        self.counted.emit(overview)

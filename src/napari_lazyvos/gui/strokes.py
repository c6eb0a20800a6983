"""What a person draws on the masks becomes a correction.

Brush, eraser and fill write into the store's frame stack, where they wait as strokes. When one
ends, the engine makes it permanent through the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_lazyvos.gui.engine import Job

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.store.stack import FrameStack

__all__ = ["Strokes"]


class Strokes:
    """Binds a Labels layer to the corrections of a session.

    Parameters
    ----------
    layer : Labels
        Its data is `stack`, or shows it with more axes.
    stack : callable
        Returns the stack that the layer shows.
    do : callable
        Takes a `Job` for the engine.
    """

    def __init__(
        self, layer: Labels, stack: Callable[[], FrameStack], do: Callable[[Job], None]
    ) -> None:
        self.layer = layer
        self.busy = False  # a stroke is being drawn just now
        self.drawn = False  # napari's undo history holds strokes
        self._stack = stack
        self._do = do
        self._sent: dict[int, np.ndarray] = {}
        layer.mouse_drag_callbacks.insert(0, self._on_press)
        layer.events.paint.connect(self._on_paint)

    def close(self) -> None:
        """Let go of the layer."""
        self.layer.mouse_drag_callbacks.remove(self._on_press)
        self.layer.events.paint.disconnect(self._on_paint)

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:
        self.busy = True
        yield
        while event.type == "mouse_move":
            yield
        self.busy = False

    def _on_paint(self, event: Any) -> None:
        """Send what was drawn; napari tells when a stroke has ended, not where it was."""
        self.drawn = True
        waiting = self._stack().strokes()
        for t, plane in waiting.items():
            if self._sent.get(t) is not plane:
                self._do(Job("keep what was drawn", partial(_paint, t=t, label_map=plane)))
        self._sent = waiting


def _paint(session: Session, *, t: int, label_map: np.ndarray) -> tuple[int, ...]:
    return session.paint(t, label_map)

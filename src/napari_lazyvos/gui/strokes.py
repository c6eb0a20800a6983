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

    Whatever writes into the layer's data counts: brush, eraser, fill, polygon, or the console.
    napari tells of some of these before they are done, so it is the stack that tells, and `send`
    comes after.

    Parameters
    ----------
    layer : Labels
    stack : FrameStack
        What the layer shows, perhaps with more axes.
    do : callable
        Takes a `Job` for the engine.
    """

    def __init__(self, layer: Labels, stack: FrameStack, do: Callable[[Job], None]) -> None:
        self.layer = layer
        self.drawn = False  # napari's undo history holds strokes
        self._stack = stack
        self._do = do
        self._waiting = False  # something was drawn and not sent
        self._pressed = False  # the mouse is down
        self._sent: dict[int, np.ndarray] = {}
        layer.mouse_drag_callbacks.insert(0, self._on_press)
        stack.on_stroke = self._on_stroke

    @property
    def busy(self) -> bool:
        """Whether a stroke is being drawn, or waits to be sent."""
        return self._pressed or self._waiting

    def close(self) -> None:
        """Let go of the layer."""
        self.layer.mouse_drag_callbacks.remove(self._on_press)
        self._stack.on_stroke = None

    def send(self) -> None:
        """Hand what was drawn to the engine, if the stroke has ended."""
        if self._pressed or not self._waiting:
            return
        self._waiting = False
        strokes = self._stack.strokes()
        for t, plane in strokes.items():
            if self._sent.get(t) is not plane:
                self._do(Job("keep what was drawn", partial(_paint, t=t, label_map=plane)))
        self._sent = strokes

    def _on_stroke(self, t: int) -> None:
        self._waiting = self.drawn = True

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:
        self._pressed = True
        yield
        while event.type == "mouse_move":
            yield
        self._pressed = False


def _paint(session: Session, *, t: int, label_map: np.ndarray) -> None:
    try:
        session.paint(t, label_map)
    finally:
        # Kept or refused, what the session holds is what is shown; unless the person drew on.
        session.store.masks.drop_stroke(t, label_map)

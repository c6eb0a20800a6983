"""Leads a person's eyes to an object, gently, and back again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.viewer import Viewer
from qtpy.QtCore import QEasingCurve, QObject, QVariantAnimation

from napari_lazyvos.gui.framing import Look, frame_object
from napari_lazyvos.gui.layers import SessionLayers
from napari_lazyvos.gui.question import Question

__all__ = ["Attention"]

MOVE_MS = 300
BLINK_MS = 450
BRIGHTEST = 0.95  # opacity of the masks at the height of the blink


class Attention(QObject):
    """Moves the camera, lets the object blink once, and shows the uncertainty, until turned back.

    The camera moves only if the object is small or out of view. What the person changes in
    between stays as the person has it.

    Parameters
    ----------
    viewer : napari viewer
    parent : QObject
    """

    def __init__(self, viewer: Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers: SessionLayers | None = None
        self._former: Look | None = None  # where the camera was; None: it was not moved
        self._latest: Look | None = None  # where it was put last
        self._uncertainty_was: bool | None = None  # visible; None: it was not changed
        self._undo_blink: Callable[[], None] | None = None
        self._opacity = 1.0  # of the masks, but for the blink
        self._move = self._animation(MOVE_MS, self._on_move)
        self._move.setEasingCurve(QEasingCurve.InOutCubic)
        self._blink = self._animation(BLINK_MS, self._on_blink)
        self._blink.finished.connect(self._end_blink)
        self._from = self._to = Look((0.0, 0.0), 1.0)

    @property
    def moved(self) -> bool:
        """Whether the camera is where it was put, and not where it was."""
        return self._former is not None and self._latest is not None and self._is_ours()

    def turn_to(self, layers: SessionLayers, question: Question) -> None:
        """Show the object that a question is about."""
        self._layers = layers
        self._show_uncertainty(layers)
        self._frame(layers, question)
        self._start_blink(layers, question.label)

    def turn_camera_back(self) -> None:
        """Move the camera back to where it was, unless the person has moved it since."""
        former, self._former = self._former, None
        if former is not None and self._is_ours():
            self._go(former)

    def turn_back(self) -> None:
        """Make all as it was before."""
        self._blink.stop()
        self._end_blink()
        self.turn_camera_back()
        layer = self._layers.uncertainty if self._layers is not None else None
        if layer is not None and self._uncertainty_was is False and layer.visible:
            layer.visible = False
        self._uncertainty_was = self._layers = None

    def stop(self) -> None:
        """Let go of everything as it is."""
        self._move.stop()
        self._blink.stop()
        self._undo_blink = self._layers = self._former = self._uncertainty_was = None

    # The camera ---------------------------------------------------------------------------------

    @property
    def _camera(self) -> Any:
        # Where napari has it since 0.9.
        return getattr(self._viewer, "scene", self._viewer).camera

    @property
    def _look(self) -> Look:
        centre = self._camera.center
        return Look((float(centre[-2]), float(centre[-1])), float(self._camera.zoom))

    def _is_ours(self) -> bool:
        return self._latest is not None and self._latest.near(self._look)

    def _frame(self, layers: SessionLayers, question: Question) -> None:
        canvas, layer = getattr(self._viewer, "canvas", None), layers.masks
        displayed = tuple(self._viewer.dims.displayed)
        flat = tuple(range(self._viewer.dims.ndim))[-2:]
        if layer is None or canvas is None or canvas.grid.enabled or displayed != flat:
            return  # in a grid, in three dimensions, or from the side, the frame has to do

        def in_world(y: float, x: float) -> np.ndarray:
            return np.asarray(layer.data_to_world(layers.axes.point(question.t, y, x)))[-2:]

        top, left, bottom, right = question.box
        height, width = layers.axes.shape[-2:]
        frame = np.array([in_world(-0.5, -0.5), in_world(height - 0.5, width - 0.5)])
        look = self._to if self._move.state() == QVariantAnimation.Running else self._look
        place = in_world(question.y, question.x)
        corners = np.array([in_world(top - 0.5, left - 0.5), in_world(bottom + 0.5, right + 0.5)])
        size = float(canvas.size[0]), float(canvas.size[1])
        wanted = frame_object(look, size, tuple(place), corners, frame)
        if wanted.near(look):
            return
        if self._former is None or not self._is_ours():
            self._former = self._look
        self._go(wanted)

    def _go(self, look: Look) -> None:
        self._move.stop()
        self._from, self._to = self._look, look
        self._latest = self._from
        self._move.start()

    def _on_move(self, share: float) -> None:
        if not self._is_ours():  # the person has taken the camera
            self._move.stop()
            self._former = None
            return
        look = self._from.towards(self._to, share)
        self._camera.center = (*tuple(self._camera.center)[:-2], *look.centre)
        self._camera.zoom = look.zoom
        self._latest = self._look

    # The layers ---------------------------------------------------------------------------------

    def _show_uncertainty(self, layers: SessionLayers) -> None:
        layer = layers.uncertainty
        if layer is None:
            return
        if self._uncertainty_was is None:
            self._uncertainty_was = bool(layer.visible)
        layer.visible = True

    def _start_blink(self, layers: SessionLayers, label: int) -> None:
        self._blink.stop()
        self._end_blink()
        masks = layers.masks
        if masks is None:
            return
        opacity, alone = float(masks.opacity), bool(masks.show_selected_label)

        def undo() -> None:
            masks.opacity, masks.show_selected_label = opacity, alone

        self._undo_blink, self._opacity = undo, opacity
        masks.show_selected_label = masks.selected_label == label
        self._blink.start()

    def _on_blink(self, share: float) -> None:
        masks = self._layers.masks if self._layers is not None else None
        if masks is not None and self._undo_blink is not None:
            rise = BRIGHTEST - self._opacity
            masks.opacity = self._opacity + rise * math.sin(math.pi * share)

    def _end_blink(self) -> None:
        undo, self._undo_blink = self._undo_blink, None
        if undo is not None:
            undo()

    def _animation(self, milliseconds: int, step: Callable[[float], None]) -> QVariantAnimation:
        animation = QVariantAnimation(self)
        animation.setStartValue(0.0)
        animation.setEndValue(1.0)
        animation.setDuration(milliseconds)
        animation.valueChanged.connect(step)
        return animation

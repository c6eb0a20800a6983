"""Small pictures of calls for help, made in the engine's thread when they are looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_lazyvos.gui.colours import colour_of

if TYPE_CHECKING:
    from napari_lazyvos.lazy.calls import OpenCall
    from napari_lazyvos.lazy.session import Session

__all__ = ["SIDE", "Thumbnails", "thumbnail"]

SIDE = 48  # pixels
AROUND = 1.8  # times the object's longer side is shown
SMALLEST = 24  # pixels of the video
DARKEST = 0.2  # what counts as white in a picture of something dark
SCATTERED = 3.5  # times as long as the root of its area: not seen well as a whole
KEPT = 400  # pictures; more than any screen shows at once
WAITING = 40  # that are wanted and not made; older ones have been scrolled away


class Thumbnails(QObject):
    """Pictures by call, made one at a time, those that were wanted last first.

    Parameters
    ----------
    peek : callable
        Has something looked up in the engine's thread; see `Binding.peek`.
    parent : QObject
    """

    made = Signal(object)  # `OpenCall`

    def __init__(self, peek: Callable[[str, Any, Any], None], parent: QObject) -> None:
        super().__init__(parent)
        self._peek = peek
        self._kept: OrderedDict[Any, QPixmap] = OrderedDict()
        self._wanted: OrderedDict[Any, OpenCall] = OrderedDict()
        self._making: object | None = None

    def get(self, call: OpenCall) -> QPixmap | None:
        """Return the picture of a call; if there is none yet, it will be made."""
        key = _key(call)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._wanted[key] = call
        self._wanted.move_to_end(key)
        while len(self._wanted) > WAITING:
            self._wanted.popitem(last=False)
        self._make_next()
        return None

    def clear(self) -> None:
        """Forget all pictures: they are of another session."""
        self._kept.clear()
        self._wanted.clear()
        self._making = None

    def _make_next(self) -> None:
        if self._making is not None or not self._wanted:
            return
        _, call = self._wanted.popitem()
        self._making = ticket = object()
        self._peek(
            "make a picture", partial(thumbnail, call=call), partial(self._on_made, call, ticket)
        )

    def _on_made(self, call: OpenCall, ticket: object, picture: np.ndarray | None) -> None:
        if ticket is not self._making:
            return  # made for a session that was closed
        self._making = None
        self._kept[_key(call)] = _pixmap(picture) if picture is not None else QPixmap()
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.made.emit(call)
        self._make_next()


def thumbnail(session: Session, call: OpenCall) -> np.ndarray:
    """Return a picture of an object and what is around it, with its outline.

    Returns
    -------
    (SIDE, SIDE, 3) uint8, RGB
    """
    mask = session.store.masks.stored(call.t) == call.label
    request = session.request(call)
    top, left, side = _crop(mask, request.y, request.x)
    frame = np.moveaxis(session.video.frame(call.t), 0, -1)
    light = _cut(frame, top, left, side)
    cut = (light * (255 / max(DARKEST, float(light.max())))).astype(np.uint8)
    shape = _cut(mask.astype(np.uint8), top, left, side)
    way = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    picture = np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=way))
    outline = cv2.resize(shape, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    colour = tuple(int(colour_of(call.label)[i : i + 2], 16) for i in (1, 3, 5))
    cv2.drawContours(picture, outlines, -1, colour, 1)
    return picture


def _crop(mask: np.ndarray, y: int, x: int) -> tuple[int, int, int]:
    """Return top, left and side of the square to show; it may reach beyond the frame."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        side = max(SMALLEST, min(mask.shape) // 3)
        return y - side // 2, x - side // 2, side
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    root = float(np.sqrt(mask.sum()))
    if max(height, width) > SCATTERED * root:
        side = max(SMALLEST, round(AROUND * SCATTERED / 2 * root))
        return y - side // 2, x - side // 2, side
    side = max(SMALLEST, round(AROUND * max(height, width)))
    middle = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    return int(middle[0]) - side // 2, int(middle[1]) - side // 2, side


def _cut(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Return a square of an image; what lies beyond it is 0."""
    square = np.zeros((side, side, *image.shape[2:]), image.dtype)
    height, width = image.shape[:2]
    first_row, last_row = max(top, 0), min(top + side, height)
    first, last = max(left, 0), min(left + side, width)
    square[first_row - top : last_row - top, first - left : last - left] = image[
        first_row:last_row, first:last
    ]
    return square


def _pixmap(picture: np.ndarray) -> QPixmap:
    height, width, _ = picture.shape
    image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format_RGB888)
    return QPixmap.fromImage(image)  # copies


def _key(call: OpenCall) -> tuple[int, int, float]:
    """Return what tells two pictures apart: an object that was tracked anew has another score."""
    return call.t, call.label, call.score

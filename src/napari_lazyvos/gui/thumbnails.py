"""Small pictures of objects and of frames, made in the engine's thread when they are looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
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

__all__ = ["FRAME_SIZE", "SIDE", "Thumbnails", "frame_size", "frame_thumbnail", "thumbnail"]

SIDE = 48  # pixels, of a call's picture
FRAME_SIZE = (96, 72)  # width and height that a frame's picture has at most
AROUND = 1.8  # times the object's longer side is shown
SMALLEST = 24  # pixels of the video
DARKEST = 0.2  # what counts as white in a picture of something dark
SCATTERED = 3.5  # times as long as the root of its area: not seen well as a whole
KEPT = 400  # pictures; more than any screen shows at once
WAITING = 40  # that are wanted and not made; older ones have been scrolled away


class Thumbnails(QObject):
    """Pictures by what they show, made one at a time, those that were wanted last first.

    Parameters
    ----------
    peek : callable
        Has something looked up in the engine's thread; see `Binding.peek`.
    parent : QObject
    make : callable
        Makes the picture of a thing that can be a key of a dict, in the engine's thread: (H, W, 3)
        uint8, RGB.
    """

    made = Signal(object)  # the thing

    def __init__(
        self,
        peek: Callable[[str, Any, Any], None],
        parent: QObject,
        make: Callable[[Session, Any], np.ndarray] | None = None,
    ) -> None:
        super().__init__(parent)
        self._peek = peek
        self._make = make or thumbnail
        self._kept: OrderedDict[Any, QPixmap] = OrderedDict()
        self._outdated: set[Any] = set()  # of those that are kept
        self._wanted: OrderedDict[Any, Any] = OrderedDict()
        self._making: object | None = None

    def get(self, thing: Any) -> QPixmap | None:
        """Return the picture of a thing; if there is none yet, or an old one, it will be made."""
        key = _key(thing)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
        if known is None or key in self._outdated:
            self._wanted[key] = thing
            self._wanted.move_to_end(key)
            while len(self._wanted) > WAITING:
                self._wanted.popitem(last=False)
            self._make_next()
        return known

    def outdate(self, things: Iterable[Any] | None = None) -> None:
        """Make pictures of things anew when they are looked at; until then the old ones serve.

        Parameters
        ----------
        things : None: all of which there is a picture
        """
        keys = self._kept.keys() if things is None else map(_key, things)
        self._outdated |= self._kept.keys() & set(keys)

    def clear(self) -> None:
        """Forget all pictures: they are of another session."""
        self._kept.clear()
        self._outdated.clear()
        self._wanted.clear()
        self._making = None

    def _make_next(self) -> None:
        if self._making is not None or not self._wanted:
            return
        key, thing = self._wanted.popitem()
        self._outdated.discard(key)
        self._making = ticket = object()
        make = self._make
        self._peek(
            "make a picture",
            lambda session: make(session, thing),
            partial(self._on_made, thing, ticket),
        )

    def _on_made(self, thing: Any, ticket: object, picture: np.ndarray | None) -> None:
        if ticket is not self._making:
            return  # made for a session that was closed
        self._making = None
        self._kept[_key(thing)] = _pixmap(picture) if picture is not None else QPixmap()
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.made.emit(thing)
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
    picture = _shrunk(_cut(frame, top, left, side), (SIDE, SIDE))
    shape = _cut(mask.astype(np.uint8), top, left, side)
    _draw_outline(picture, shape, call.label)
    return picture


def frame_thumbnail(session: Session, t: int) -> np.ndarray:
    """Return a picture of a whole frame, with the outlines of all objects.

    Returns
    -------
    (h, w, 3) uint8, RGB, of `frame_size`
    """
    masks = session.store.masks.stored(t)
    picture = _shrunk(np.moveaxis(session.video.frame(t), 0, -1), frame_size(*masks.shape))
    for label in session.labels:
        _draw_outline(picture, (masks == label).astype(np.uint8), label)
    return picture


def frame_size(height: int, width: int) -> tuple[int, int]:
    """Return width and height of the picture of a frame, no larger than `FRAME_SIZE`."""
    scale = min(FRAME_SIZE[0] / width, FRAME_SIZE[1] / height)
    return max(1, round(scale * width)), max(1, round(scale * height))


def _shrunk(light: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image, (H, W, 3) float32 in [0, 1], as uint8 of a width and height."""
    bright = (light * (255 / max(DARKEST, float(light.max())))).astype(np.uint8)
    way = cv2.INTER_AREA if light.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(bright, size, interpolation=way))


def _draw_outline(picture: np.ndarray, shape: np.ndarray, label: int) -> None:
    """Draw the outline of an object's mask, uint8 of any size, in the object's colour."""
    height, width, _ = picture.shape
    small = cv2.resize(shape, (width, height), interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    colour = tuple(int(colour_of(label)[i : i + 2], 16) for i in (1, 3, 5))
    cv2.drawContours(picture, outlines, -1, colour, 1)


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


def _key(thing: Any) -> Any:
    """Return what tells two pictures apart."""
    # An object that was tracked anew has another score.
    return thing if isinstance(thing, int) else (thing.t, thing.label, thing.score)

"""The keys of this plugin, in one table.

Keys of a layer work while that layer is selected, keys of the viewer always. None of napari's own
keys is taken, but two mean on our masks what they mean in the session: undo, so that there is one
history, and M, which is a new object instead of a new label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

__all__ = ["KEYS", "Key", "KeysDialog", "bind_layer", "bind_viewer", "unbind_viewer"]

Where: TypeAlias = Literal["clicks", "masks", "viewer"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key and what it does."""

    key: str  # as napari writes it
    action: str  # name of the action that `bind_layer` and `bind_viewer` are given
    what: str  # in words
    where: tuple[Where, ...]


KEYS = (
    Key("T", "toggle", "Include or exclude with the left button", ("clicks",)),
    Key("Shift-T", "flip", "Turn the selected clicks into their opposite", ("clicks",)),
    Key("M", "new", "New object", ("clicks", "masks")),  # napari's own would read all masks
    Key("=", "up", "Next object in the list", ("clicks",)),
    Key("-", "down", "Previous object in the list", ("clicks",)),
    Key("Control-Z", "undo", "Undo", ("clicks", "masks")),
    Key("Control-Shift-Z", "redo", "Redo", ("clicks", "masks")),
    Key("Shift-G", "go", "Track or run a round, or pause", ("viewer",)),
    Key("Shift-N", "step", "Track one frame", ("viewer",)),
    Key("Shift-R", "mode", "Lazy pass, or rounds", ("viewer",)),
    Key("Shift-J", "next", "Go to the frame that is worth a round most", ("viewer",)),
    Key("Shift-H", "call", "Next call for help", ("viewer",)),
    Key("Shift-F", "fine", "Answer: it is fine", ("viewer",)),
    Key("Shift-X", "absent", "Answer: it is not here", ("viewer",)),
    Key("Shift-E", "ends", "Answer: it ends here", ("viewer",)),
    Key("Shift-S", "later", "Leave the question for later", ("viewer",)),
    Key("Shift-C", "correction", "Next frame that you corrected", ("viewer",)),
)

NOT_NOW = "not now"

# What napari brings, and people look for in the same place.
OF_NAPARI = (
    ("Left click", "Place a click, on the clicks layer"),
    ("Shift+click, right click", "Place a click of the other kind"),
    ("2, 3, 4", "Clicks layer: add, select and drag, move the camera"),
    ("2, 4, 1", "Masks layer: brush, fill, eraser"),
    ("[, ]", "Masks layer: smaller and larger brush"),
    ("Left, Right", "Previous and next frame"),
    ("Delete", "Remove the selected clicks"),
)


def bind_layer(layer: Layer, where: Where, actions: Mapping[str, Callable[[], None]]) -> None:
    """Bind the keys of one of our layers; they go with the layer."""
    for key in KEYS:
        if where in key.where:
            layer.bind_key(key.key, _pressed(actions[key.action]), overwrite=True)


def bind_viewer(viewer: Viewer, actions: Mapping[str, Callable[[], None]]) -> None:
    """Bind the keys that always work."""
    for key in _of_viewer():
        viewer.bind_key(key.key, _pressed(actions[key.action]), overwrite=True)


def unbind_viewer(viewer: Viewer) -> None:
    """Take the keys away again: they would outlive the widget."""
    for key in _of_viewer():
        viewer.bind_key(key.key, None)


class KeysDialog(QDialog):
    """Lists all keys.

    Parameters
    ----------
    reasons : mapping
        Why an action of `KEYS` does nothing now, in words: "no open call".
    """

    def __init__(
        self, parent: QWidget | None = None, reasons: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys of Lazy segmentation")
        layout = QVBoxLayout(self)
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        why = reasons or {}
        ours = [(_readable(k.key), k.what, _place(k, why.get(k.action))) for k in KEYS]
        napari = [(keys, what, "") for keys, what in OF_NAPARI]
        for row, texts in enumerate([*ours, *napari]):
            for column, text in enumerate(texts):
                label = QLabel(f"<b>{text}</b>" if column == 0 else text)
                label.setDisabled(text.startswith(NOT_NOW))
                grid.addWidget(label, row, column)
        layout.addLayout(grid)
        buttons = QDialogButtonBox(QDialogButtonBox.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)


def _of_viewer() -> list[Key]:
    return [key for key in KEYS if "viewer" in key.where]


def _pressed(action: Callable[[], None]) -> Callable[[Any], None]:
    def on_press(_: Any) -> None:
        action()

    return on_press


def _readable(key: str) -> str:
    return "-" if key == "-" else key.replace("Control", "Ctrl").replace("-", "+")


def _place(key: Key, reason: str | None) -> str:
    if reason:
        return f"{NOT_NOW}: {reason}"
    if key.where == ("viewer",):
        return "always"
    return f"with the {' or '.join(key.where)} layer selected"

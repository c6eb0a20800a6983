"""Choosing the video: its layer, its time axis, and where results go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QWidget,
)
from superqt import QElidingLabel

from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.folder import results_folder
from napari_lazyvos.gui.layers import is_ours

__all__ = ["VideoBox"]

MAXIMUM = "maximum"
HEADER = "session.json"  # what makes a folder a store


class VideoBox(QGroupBox):
    """The choice of a video; it changes nothing but itself."""

    chosen = Signal()  # another layer, axis or folder
    start_pressed = Signal()
    close_pressed = Signal()

    def __init__(self, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__("Video", parent)
        self._viewer = viewer
        self._layers: list[Image] = []
        self._folder: Path | None = None
        self._resumable = False  # looked up when it may have changed: a disk may be slow
        self._is_open = False
        self._others: dict[int, QComboBox] = {}
        self._image = QComboBox(toolTip="The movie: an image layer with a time axis")
        self._time = QComboBox(toolTip="Which axis is time; for a volume it may be a spatial axis")
        self._path = QElidingLabel()
        self._browse = QPushButton("…", toolTip="Choose another folder for the results")
        self._browse.setFixedWidth(32)
        self.start = QPushButton("Start", objectName="primary")
        self.end = QPushButton("Close", toolTip="Close the session; all results stay in the folder")
        self._form = self._lay_out()
        self._image.currentIndexChanged.connect(self._on_image)
        self._time.currentIndexChanged.connect(self._on_time)
        self._browse.clicked.connect(self._on_browse)
        self.start.clicked.connect(self.start_pressed)
        self.end.clicked.connect(self.close_pressed)
        viewer.layers.events.inserted.connect(self.list_layers)
        viewer.layers.events.removed.connect(self.list_layers)
        self.list_layers()

    def disconnect_viewer(self) -> None:
        """Let go of the viewer."""
        self._viewer.layers.events.inserted.disconnect(self.list_layers)
        self._viewer.layers.events.removed.disconnect(self.list_layers)

    @property
    def layer(self) -> Image | None:
        """The chosen layer."""
        index = self._image.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    @property
    def folder(self) -> Path | None:
        """Where results go."""
        return self._folder

    @property
    def axes(self) -> Axes | None:
        """The axes of the chosen layer."""
        layer = self.layer
        if layer is None:
            return None
        shape = _shape(layer)
        # While a layer is being added, the viewer may not have its axes yet.
        steps = (0,) * len(shape) + tuple(self._viewer.dims.current_step)
        at = [
            min(int(step), length - 1)
            for step, length in zip(steps[-len(shape) :], shape, strict=True)
        ]
        return Axes(shape, max(self._time.currentIndex(), 0), tuple(at))

    @property
    def others(self) -> dict[str | int, Any]:
        """What is read of each other axis: an index, or "max"."""
        return {
            axis: "max" if combo.currentText() == MAXIMUM else combo.currentIndex()
            for axis, combo in self._others.items()
        }

    def choose(self, layer: Image) -> None:
        """Choose a layer, as a person would."""
        self._image.setCurrentIndex(self._layers.index(layer))

    def choose_time(self, axis: int) -> None:
        """Choose the axis that is time, as a person would."""
        self._time.setCurrentIndex(axis)

    def set_folder(self, folder: Path) -> None:
        """Choose where results go."""
        self._folder = folder
        self._look_for_results()
        self._path.setText(_short(folder))
        self._path.setToolTip(str(folder))
        self.chosen.emit()

    @property
    def resumable(self) -> bool:
        """Whether the folder for the results holds some already."""
        return self._resumable

    def set_open(self, *, is_open: bool) -> None:
        """Show whether a session is open, and whether starting one resumes."""
        if is_open != self._is_open:
            self._is_open = is_open
            self._look_for_results()
        self.start.setText("Resume" if self._resumable else "Start")
        self.start.setEnabled(self.layer is not None)
        self.start.setVisible(not is_open)
        self.end.setVisible(is_open)
        for widget in (self._time, self._browse, *self._others.values()):
            widget.setEnabled(not is_open)

    def list_layers(self, event: Any = None) -> None:
        """Offer the image layers that may be videos."""
        before = self.layer
        layers = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Image) and layer.ndim >= 3 and not is_ours(layer)
        ]
        if layers == self._layers:
            return
        self._layers = layers
        self._image.blockSignals(True)
        self._image.clear()
        self._image.addItems([layer.name for layer in layers])
        if before in layers:
            self._image.setCurrentIndex(layers.index(before))
        self._image.blockSignals(False)
        if self.layer != before:
            self._on_image()

    def _lay_out(self) -> QFormLayout:
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        self._image.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self._image.setMinimumContentsLength(8)
        results = QHBoxLayout()
        results.addWidget(self._path, 1)
        results.addWidget(self._browse)
        form.addRow("Image", self._image)
        form.addRow("Time", self._time)
        form.addRow("Results", results)
        form.addRow(self.start)
        form.addRow(self.end)
        return form

    def _on_image(self) -> None:
        layer = self.layer
        self._time.blockSignals(True)
        self._time.clear()
        if layer is not None:
            shape = _shape(layer)
            for axis in range(len(shape) - 2):
                self._time.addItem(f"{_axis_name(layer, axis)}  ({shape[axis]} frames)")
            self._time.setCurrentIndex(_likely_time(layer))
        self._time.blockSignals(False)
        self._on_time()
        if layer is not None:
            self.set_folder(results_folder(layer))
        else:
            self._folder = None
            self._path.setText("")
            self.chosen.emit()

    def _on_time(self) -> None:
        for combo in self._others.values():
            self._form.removeRow(combo)
        self._others = {}
        layer, axes = self.layer, self.axes
        if layer is None or axes is None:
            return
        for axis in axes.others:
            combo = QComboBox(toolTip="What the tracker sees of this axis: one index, or all")
            combo.addItems([str(index) for index in range(axes.shape[axis])] + [MAXIMUM])
            combo.setCurrentIndex(axes.at[axis])
            self._form.insertRow(2 + len(self._others), _axis_name(layer, axis), combo)
            self._others[axis] = combo
        self.chosen.emit()

    def _look_for_results(self) -> None:
        self._resumable = self._folder is not None and (self._folder / HEADER).exists()

    def _on_browse(self) -> None:
        start = str(self._folder.parent) if self._folder is not None else ""
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the results", start)
        if chosen and self._folder is not None:
            folder = Path(chosen)
            # A folder of results is taken as it is; in any other one, a new one is made.
            is_results = folder.suffix == self._folder.suffix
            self.set_folder(folder if is_results else folder / self._folder.name)


def _shape(layer: Image) -> tuple[int, ...]:
    """Return the lengths of a layer's axes; red, green and blue are none."""
    data = layer.data[0] if layer.multiscale else layer.data
    return tuple(int(length) for length in data.shape[: layer.ndim])


def _axis_name(layer: Image, axis: int) -> str:
    """Return an axis's name, or its number if it has none (napari calls it by a negative one)."""
    name = str(layer.axis_labels[axis])
    return f"axis {axis}" if name.lstrip("-").isdigit() else name


def _likely_time(layer: Image) -> int:
    names = [str(name).lower() for name in layer.axis_labels[: layer.ndim - 2]]
    for name in ("t", "time", "frame"):
        if name in names:
            return names.index(name)
    return 0


def _short(folder: Path) -> str:
    try:
        return f"~/{folder.relative_to(Path.home())}"
    except ValueError:
        return str(folder)

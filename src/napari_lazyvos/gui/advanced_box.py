"""Settings that most people leave as they are."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_lazyvos import refine, trackers
from napari_lazyvos.gui.fusion_box import FusionBox
from napari_lazyvos.gui.memory_box import MemoryBox
from napari_lazyvos.gui.weights_box import WeightsBox
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.models.thresholds import DEFAULT, thresholds_of

__all__ = ["AdvancedBox"]

DEVICES = ("auto", "cpu", "cuda", "mps")
SIZE, SMALLEST, LARGEST = 480, 64, 4320  # pixels
NATIVE = SMALLEST - 1  # what the spin box holds when frames stay as they are


class AdvancedBox(QCollapsible):
    """Which tracker and refiner, on which device, and when to ask for help; closed at first."""

    models_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Advanced", parent, expandedIcon="▾", collapsedIcon="▸")
        self.setDuration(0)
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.tracker, self.refiner, self.device = QComboBox(), QComboBox(), QComboBox()
        self.tracker.addItems(trackers.names())
        self.refiner.addItems(refine.names())
        self.tracker_weights, self.refiner_weights = WeightsBox(), WeightsBox()
        self.device.addItems(DEVICES)
        self.tracker.setToolTip("How masks are carried from frame to frame")
        self.refiner.setToolTip("How clicks become a mask")
        self.device.setToolTip("Where to compute; auto takes a graphics card if there is one")
        self.memory = MemoryBox()
        self.tracker.currentTextChanged.connect(self.memory.show_method)
        self.memory.show_method(self.tracker.currentText())
        self.size = QSpinBox(minimum=NATIVE, maximum=LARGEST, singleStep=16, value=SIZE)
        self.size.setSpecialValueText("as they are")
        self.size.setSuffix(" px")
        self.size.setToolTip("Length to which the tracker brings the short side of larger frames")
        self.rise = QDoubleSpinBox(minimum=0.001, maximum=1.0, singleStep=0.01, decimals=3)
        self.rise.setToolTip("By how much the uncertainty of an object rises before you are asked")
        self.tracker.currentTextChanged.connect(self._suggest_rise)
        self._suggest_rise(self.tracker.currentText())
        for method, weights in self._with_weights():
            method.currentTextChanged.connect(weights.show_method)
        self._settings = QWidget()
        form = QFormLayout(self._settings)
        form.setContentsMargins(12, 4, 0, 4)
        form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        pairs = zip(("Tracker", "Refiner"), self._with_weights(), strict=True)
        for name, (method, weights) in pairs:
            both = QVBoxLayout()
            both.addWidget(method)
            both.addWidget(weights)
            form.addRow(name, both)
            weights.show_method(method.currentText())
        form.addRow("Device", self.device)
        form.addRow("Short side", self.size)
        form.addRow("Memory", self.memory)
        self.addWidget(self._settings)
        # Not among the settings either: it can be changed at any time.
        asking = QWidget()
        row = QHBoxLayout(asking)
        row.setContentsMargins(12, 0, 0, 4)
        row.addWidget(QLabel("Ask for help at a rise of"), 1)
        row.addWidget(self.rise)
        self.addWidget(asking)
        self.fusion = FusionBox()
        self.tracker.currentTextChanged.connect(self.fusion.show_tracker)
        self.addWidget(self.fusion)
        # Not among the settings: a session that is open may be the one that lacks a model.
        self.models = QPushButton("Models…")
        self.models.setToolTip("See which trackers and refiners need a download, and get them")
        self.models.clicked.connect(self.models_pressed)
        self.addWidget(self.models)

    @property
    def options(self) -> dict[str, Any]:
        """The settings, as `Session` takes them."""
        size = -1 if self.size.value() == NATIVE else self.size.value()
        tracker_options = {"size": size} | self.memory.options | _chosen(self.tracker_weights)
        return {
            "tracker": self.tracker.currentText(),
            "refiner": self.refiner.currentText(),
            "device": self.device.currentText(),
            "tracker_options": tracker_options,
            "refiner_options": _chosen(self.refiner_weights),
            "policy": self.policy,
        }

    @property
    def policy(self) -> Policy:
        """When to ask for help."""
        return Policy.for_tracker(self.tracker.currentText(), tau_user=self.rise.value())

    def enterEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Look again at what is installed: it may have been downloaded meanwhile."""
        super().enterEvent(event)
        for _, weights in self._with_weights():
            weights.look()
        self.fusion.look()

    def _with_weights(self) -> tuple[tuple[QComboBox, WeightsBox], ...]:
        """Return the choice of methods, each with that of its weights."""
        return (self.tracker, self.tracker_weights), (self.refiner, self.refiner_weights)

    def _suggest_rise(self, tracker: str) -> None:
        """Each tracker is unsure in its own way."""
        self.rise.setValue(thresholds_of(tracker).tau_user or DEFAULT.tau_user)

    def set_open(self, is_open: bool) -> None:
        """Lock the settings while a session has them."""
        self._settings.setEnabled(not is_open)
        if not is_open:
            self.fusion.show_tracker(self.tracker.currentText())
        self._settings.setToolTip("Close the session to change these" if is_open else "")


def _chosen(box: WeightsBox) -> dict[str, str]:
    """Return the option that says which weights, where there is a choice."""
    box.look()
    return {} if box.weights is None else {"weights": box.weights}

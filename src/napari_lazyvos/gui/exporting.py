"""The menu that writes the masks in other formats."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QWidget

__all__ = ["ExportMenu"]

# format -> (what it is, the ending of its file; "" for a folder)
FORMATS = {
    "png": ("PNG folder (DAVIS palette)", ""),
    "tif": ("TIFF stack", ".tif"),
    "ome-zarr": ("OME-Zarr labels", ".ome.zarr"),
    "coco": ("COCO json (RLE)", ".json"),
    "ctc": ("Cell Tracking Challenge folder", ""),
    "csv": ("Table of measurements (CSV)", ".csv"),
}


class ExportMenu(QMenu):
    """Asks for a format and a place; the question whether to overwrite is the dialog's."""

    wanted = Signal(str, object, bool)  # format, Path, overwrite

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.folder = Path()  # where the dialog begins
        self.name = "masks"  # what it proposes, without an ending
        for name, (text, ending) in FORMATS.items():
            action = self.addAction(f"{text}…")
            action.triggered.connect(
                lambda _=False, name=name, ending=ending: self._ask(name, ending)
            )

    def _ask(self, name: str, ending: str) -> None:
        proposed = self.folder / f"{self.name}-{name}{ending}"
        text, _ = QFileDialog.getSaveFileName(self.parentWidget(), "Export", str(proposed))
        if text:
            path = Path(text)
            # The dialog has asked whether to replace what exists.
            self.wanted.emit(name, path, path.exists())

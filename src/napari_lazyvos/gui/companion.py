"""What the docks have in common that show more of the session of *Lazy segmentation*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.viewer import Viewer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari_lazyvos.gui.widget import LazyWidget

__all__ = ["Companion"]


class Companion(QWidget):
    """Belongs to the *Lazy segmentation* of a viewer, whichever of the two is opened first.

    Parameters
    ----------
    napari_viewer : napari viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.owner: LazyWidget | None = None

    def find(self) -> None:
        """Attach to the *Lazy segmentation* that is docked in the same viewer, if any."""
        from napari_lazyvos.gui.widget import LazyWidget

        for widget in self._viewer.window.dock_widgets.values():
            if isinstance(widget, LazyWidget):
                self.attach(widget)
                break

    def attach(self, owner: LazyWidget) -> None:
        """Show the sessions of a *Lazy segmentation*, now and later."""
        if owner is self.owner:
            return
        if self.owner is not None:
            self.owner.destroyed.disconnect(self._on_gone)
            self._let_go(self.owner)
        self.owner = owner
        owner.destroyed.connect(self._on_gone)
        self._take(owner)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Look for the widget again: it may have been opened since."""
        super().showEvent(event)
        if self.owner is None:
            self.find()

    def _take(self, owner: LazyWidget) -> None:
        """Listen to the owner."""
        raise NotImplementedError

    def _let_go(self, owner: LazyWidget) -> None:
        """Listen to the owner no more; it is there still."""
        raise NotImplementedError

    def _show_nothing(self) -> None:
        """Show that there is no owner."""
        raise NotImplementedError

    def _on_gone(self, *_: object) -> None:
        self.owner = None
        self._show_nothing()

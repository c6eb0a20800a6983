"""A session that was made in Python, shown in napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

if TYPE_CHECKING:
    from napari_lazyvos.gui.widget import LazyWidget
    from napari_lazyvos.lazy.session import Session

__all__ = ["show"]


def show(session: Session, viewer: napari.Viewer | None = None) -> LazyWidget:
    """Show a session in a viewer, with the dock widget to go on by hand.

    Parameters
    ----------
    session : Session
        It stays yours: closing the viewer does not close it.
    viewer : napari.Viewer, optional
        Without it the current one is taken, or a new one made. A layer that shows the video is
        found by its name; without one, the video is added.

    Returns
    -------
    LazyWidget
    """
    from napari_lazyvos.gui.widget import LazyWidget

    viewer = viewer or napari.current_viewer() or napari.Viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Lazy segmentation")
    assert isinstance(widget, LazyWidget)  # as the manifest says
    widget.adopt(session)
    return widget

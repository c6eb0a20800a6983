"""``lazyvos demo --gui``: the heart in napari, clicked once, and being tracked."""

from __future__ import annotations

import napari

from napari_lazyvos.cli.demo import VENTRICLE
from napari_lazyvos.gui.help_mode import HelpMode
from napari_lazyvos.gui.show import show
from napari_lazyvos.gui.widget import LazyWidget
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.video import samples

__all__ = ["main", "open_demo"]


def open_demo(session: Session, viewer: napari.Viewer) -> LazyWidget:
    """Show a session on the heart in a viewer, place the click, and begin to track.

    What the tracker is unsure of waits in the help list.

    Parameters
    ----------
    session : Session
        On the bundled clip; it stays yours.
    viewer : napari.Viewer

    Returns
    -------
    LazyWidget
    """
    session.click(*VENTRICLE)
    widget = show(session, viewer)
    assert widget.binding is not None  # `show` made it
    widget.help.show_mode(HelpMode.COLLECT)  # it shall run to the end by itself
    widget.binding.opened.connect(widget.commands.track)
    return widget


def main() -> None:
    """Open napari, and stay until it is closed; results live no longer than that."""
    with Session(samples.echocardiogram()) as session:
        open_demo(session, napari.Viewer())
        napari.run()


if __name__ == "__main__":
    main()

"""``lazyvos review``: a video of a batch in napari, with the list of its open calls."""

from __future__ import annotations

import sys
from pathlib import Path

import napari

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.gui.help_mode import HelpMode
from napari_lazyvos.gui.show import show
from napari_lazyvos.gui.widget import LazyWidget
from napari_lazyvos.lazy.session import Session

__all__ = ["main", "open_review"]


def open_review(session: Session, viewer: napari.Viewer) -> LazyWidget:
    """Show a session in a viewer, beside the list of its open calls.

    What the tracker is unsure of when it goes on from an answer waits in the list, too.

    Parameters
    ----------
    session : Session
        Of a video that was tracked; it stays yours.
    viewer : napari.Viewer

    Returns
    -------
    LazyWidget
    """
    widget = show(session, viewer)
    assert widget.binding is not None  # `show` made it
    widget.help.show_mode(HelpMode.COLLECT)
    widget.binding.opened.connect(widget.show_help_list)
    return widget


def main(store: str) -> None:
    """Open napari, and stay until it is closed; the answers are in the store then.

    Parameters
    ----------
    store : folder of a session
    """
    try:
        with Session.resume(store) as session:
            open_review(session, napari.Viewer(title=Path(store).stem))
            napari.run()
    except LazyVosError as error:
        print(f"lazyvos: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])

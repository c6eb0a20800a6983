"""The demo opens, clicks and tracks by itself."""

from __future__ import annotations

from napari_lazyvos.gui.demo import open_demo
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.video import samples


def test_the_demo_tracks_to_the_end(make_napari_viewer, qtbot):
    with Session(samples.echocardiogram()) as session:
        widget = open_demo(session, make_napari_viewer())
        qtbot.waitUntil(
            lambda: session.status.todo == 0 and not widget.binding.busy, timeout=120_000
        )
        assert all((session.store.masks.stored(t) == 1).any() for t in range(30))
        widget.stop()

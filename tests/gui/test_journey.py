"""From a movie in the viewer to a file on disk, as a person goes: with buttons and the mouse."""

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

import napari_lazyvos as lv
from napari_lazyvos.gui.widget import LazyWidget
from napari_lazyvos.store.ledger import State

LENGTH = 5  # frames: the real tracker takes its time


@pytest.fixture
def lazy(viewer, qtbot, movie):
    """The widget, opened as napari's Plugins menu does, beside a movie."""
    viewer.add_image(movie[:LENGTH], name="discs")
    _, widget = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Lazy segmentation")
    assert isinstance(widget, LazyWidget)
    return widget


def until(qtbot, widget, condition):
    def check():
        assert condition(), widget.hint.text()

    qtbot.waitUntil(check, timeout=60_000)


def test_the_whole_way(lazy, viewer, qtbot, movie, centre, true_mask, press, tmp_path):
    def push(button):
        qtbot.mouseClick(button, Qt.LeftButton)

    def settled():
        return lazy.session is not None and not lazy.binding.busy

    folder = tmp_path / "lazyvos" / "discs.lazyvos"
    assert lazy.hint.text() == "Press Start. Results will go into discs.lazyvos."
    assert not folder.exists()  # nothing is written before
    push(lazy.video.start)
    until(qtbot, lazy, settled)
    assert folder.exists()
    assert "Click on the object" in lazy.hint.text()

    press(lazy.binding.layers.clicks, (0, *centre(1, 0)))
    until(qtbot, lazy, settled)
    mask = lazy.session.store.masks.stored(0) == 1
    assert overlap(mask, true_mask(1, 0)) > 0.7

    push(lazy.track.track)
    until(qtbot, lazy, settled)
    assert lazy.session.status.todo == 0
    last = lazy.session.store.masks.stored(4) == 1
    assert overlap(last, true_mask(1, 4)) > 0.6

    lazy._menu.wanted.emit("tif", tmp_path / "discs.tif", False)
    until(qtbot, lazy, settled)
    exported = tifffile.imread(tmp_path / "discs.tif")
    np.testing.assert_array_equal(exported[4] == 1, last)

    push(lazy.video.end)
    assert lazy.session is None
    until(qtbot, lazy, lambda: lazy.video.start.text() == "Resume")
    push(lazy.video.start)
    until(qtbot, lazy, settled)
    assert len(lazy.binding.layers.clicks.data) == 1
    np.testing.assert_array_equal(lazy.binding.layers.masks.data[4] == 1, last)
    push(lazy.video.end)


def test_a_folder_of_another_video_is_refused_with_a_sentence(lazy, viewer, qtbot, tmp_path):
    with lv.Session(np.zeros((3, 20, 20), np.uint8), store=tmp_path / "other.lazyvos"):
        pass
    lazy.video.set_folder(tmp_path / "other.lazyvos")
    lazy.start()
    until(qtbot, lazy, lambda: "holds a session on another video" in lazy.hint.text())
    assert lazy.session is None
    assert lazy.video.start.isEnabled()


def test_a_two_channel_layer_offers_its_channels(lazy, viewer, qtbot, movie):
    layer = viewer.add_image(np.stack([movie, movie], axis=1), name="two")
    lazy.video.choose(layer)
    assert lazy.video.others in ({1: 0}, {1: 1})
    lazy.video.choose_time(1)
    assert set(lazy.video.others) == {0}
    lazy.video.choose_time(0)
    lazy.start()
    until(qtbot, lazy, lambda: lazy.session is not None)
    assert lazy.session.video.frames == 12
    lazy.stop()


def test_our_own_layers_are_no_videos(lazy, qtbot):
    lazy.start()
    until(qtbot, lazy, lambda: lazy.session is not None)
    assert [layer.name for layer in lazy.video._layers] == ["discs"]
    lazy.stop()


def test_the_example_for_the_console(viewer, qtbot, movie, centre):
    viewer.add_image(movie[:LENGTH], name="movie")
    # What the documentation says:
    session = lv.Session(viewer.layers["movie"])
    session.click(0, *centre(1, 0))
    session.track()
    widget = lv.show(session, viewer)
    until(qtbot, widget, lambda: widget.session is session)
    until(qtbot, widget, lambda: len(widget.binding.layers.clicks.data) == 1)
    assert (session.state(1, 4)) == State.TRACKED
    widget.stop()
    assert session.labels == (1,)  # it stays open: it is the person's
    session.close()


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()

"""Layers deleted, windows closed, videos changed, in the middle of tracking."""

import threading

import numpy as np
import pytest

from napari_lazyvos.gui.widget import LazyWidget
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.ledger import State


def engine_threads():
    return [t for t in threading.enumerate() if t.name.startswith("lazyvos")]


@pytest.fixture
def tracking(dock, movie, centre, bright):
    """A desk whose engine is tracking, slowly."""
    desk = dock(movie, tracker=bright(seconds=0.1))
    desk.layers.clicks.add((0, *centre(1, 0)))
    desk.quiet()
    desk.widget.track.track.click()
    desk.wait(lambda: desk.session.store.ledger.row(1, 1).state == State.TRACKED)
    return desk


@pytest.mark.parametrize("kind", ["clicks", "masks", "uncertainty"])
def test_a_layer_deleted_while_tracking_comes_back(tracking, kind):
    desk = tracking
    desk.viewer.layers.remove(getattr(desk.layers, kind))
    desk.quiet()
    assert desk.session.status.todo == 0
    assert "Show layers" in desk.widget.hint.text()
    desk.widget.objects.show_layers.click()
    desk.quiet()
    np.testing.assert_array_equal(
        np.asarray(desk.layers.masks.data[11]), desk.session.store.masks.stored(11)
    )
    assert len(desk.layers.clicks.data) == 1
    assert desk.layers.missing == ()


def test_all_layers_deleted_while_tracking(tracking):
    desk = tracking
    desk.viewer.layers.clear()
    desk.quiet()
    assert desk.session.status.todo == 0
    desk.widget.objects.new.click()  # needs the layers, and makes them
    assert desk.layers.missing == ()


def test_renamed_layers_are_still_ours(tracking):
    desk = tracking
    desk.layers.masks.name = "nuclei"
    desk.quiet()
    assert desk.layers.masks.name == "nuclei"
    assert "Show layers" not in desk.widget.hint.text()


def test_the_movie_layer_deleted_while_tracking(tracking):
    desk = tracking
    desk.viewer.layers.remove(desk.image)
    desk.quiet()
    assert desk.session.status.todo == 0


def test_closing_the_session_while_tracking(tracking):
    desk = tracking
    engine = desk.widget.binding.engine
    desk.widget.video.end.click()
    desk.wait(lambda: not engine_threads())
    assert engine.closed
    assert [layer.name for layer in desk.viewer.layers] == ["discs"]
    assert desk.session.status.todo > 0  # it stopped


def test_the_widget_closed_while_tracking(tracking):
    desk = tracking
    desk.viewer.window.remove_dock_widget("all")
    desk.qtbot.waitUntil(lambda: not engine_threads())
    assert desk.session.status.todo > 0
    desk.viewer.add_image(np.zeros((3, 4, 5)))  # what is left of the widget does not mind


def test_the_viewer_closed_while_tracking(make_napari_viewer, qtbot, movie, centre, bright):
    viewer = make_napari_viewer()
    viewer.add_image(movie, name="discs")
    widget = LazyWidget(viewer)
    viewer.window.add_dock_widget(widget, name="lazy")
    with Session(movie, tracker=bright(seconds=0.1)) as session:
        session.set_mask(0, movie[0] > 200)
        widget.adopt(session)
        qtbot.waitUntil(lambda: widget.session is not None)
        qtbot.waitUntil(widget.track.track.isEnabled)
        widget.track.track.click()
        qtbot.waitUntil(lambda: session.store.ledger.row(1, 1).state == State.TRACKED)
        viewer.close()
        qtbot.waitUntil(lambda: not engine_threads())
        assert session.status.todo > 0


def test_another_video_chosen_while_tracking(tracking, movie, qtbot):
    desk = tracking
    other = desk.viewer.add_image(movie[:, ::-1], name="other")
    desk.widget.video.choose(other)
    assert desk.widget.session is None
    assert {layer.name for layer in desk.viewer.layers} == {"discs", "other"}
    desk.wait(lambda: not engine_threads())
    assert desk.widget.video.folder.name == "other.lazyvos"
    assert "Press Start" in desk.widget.hint.text()

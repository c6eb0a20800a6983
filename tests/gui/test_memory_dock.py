"""The panel of what the tracker remembers, with the bundled tracker."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QMenu

from napari_lazyvos import trackers
from napari_lazyvos.gui.memory_dock import MemoryDock
from napari_lazyvos.gui.memory_model import PINNED, MemoryModel
from napari_lazyvos.gui.memory_strip import MemoryStrip
from napari_lazyvos.gui.thumbnails import FRAME_SIZE, frame_thumbnail
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.remembering import MemoryFrame, Reason

FRAMES = 40
NEVER_ASK = Policy(tau_user=None, tau_pseudo=None, tau_memory=None)


@pytest.fixture
def long_movie():
    """(40, 32, 80) uint8: a bright square that moves over a texture."""
    ground = np.random.default_rng(0).integers(20, 70, (32, 80), dtype=np.uint8)
    frames = np.broadcast_to(ground, (FRAMES, 32, 80)).copy()
    for t in range(FRAMES):
        frames[t, 8:22, 4 + t : 18 + t] += 150
    return frames


@pytest.fixture
def desk(dock, long_movie, qtbot):
    """A desk whose object is known in frame 0, and the panel; four frames are remembered."""
    tracker = trackers.load("compact", device="cpu", memory="readmem", memory_size=1)
    desk = dock(long_movie, tracker=tracker, policy=NEVER_ASK)
    desk.panel = MemoryDock(desk.viewer)
    qtbot.addWidget(desk.panel)
    desk.panel.show()  # nothing is read while nobody looks
    desk.layers.clicks.add((0, 15, 11))
    desk.quiet()
    return desk


def track(desk, stop=FRAMES):
    """Track to a frame; the memory goes on from where it is."""
    while desk.session.status.todo > FRAMES - stop:
        desk.widget.binding.track(at_most=stop - FRAMES + desk.session.status.todo)
        desk.quiet()


def shown(desk):
    return [frame.t for frame in desk.panel.model.frames]


def remembered(desk):
    return [frame.t for frame in desk.session.memory.frames]


def agree(desk):
    desk.wait(lambda: shown(desk) == remembered(desk))
    return shown(desk)


def line(desk, t):
    return desk.panel.model.index(desk.panel.model.row_of(t))


def choose(desk, t):
    desk.panel.strip.setCurrentIndex(line(desk, t))


def test_it_shows_what_is_remembered_in_the_order_of_time(desk):
    assert "appear here" in desk.panel.words.text()
    track(desk, 17)
    times = agree(desk)
    assert times == sorted(times)
    assert len(times) > 2
    assert "compares" in desk.panel.words.text()
    desk.panel.grab()
    desk.wait(lambda: line(desk, 0).data(Qt.DecorationRole) is not None)
    picture = line(desk, 0).data(Qt.DecorationRole)
    assert (picture.width(), picture.height()) == (96, 38)
    found = frame_thumbnail(desk.session, 0)
    assert (found.shape, found.dtype) == ((38, 96, 3), np.uint8)
    assert (np.ptp(found.astype(int), axis=2) > 60).any()  # the movie is grey, the outline not
    assert line(desk, 0).data(PINNED)
    assert "you annotated it" in line(desk, 0).data(Qt.ToolTipRole)
    assert not line(desk, times[1]).data(PINNED)


def test_a_pin_is_seen(strip, qtbot):
    def picture():
        return strip.viewport().grab().toImage()

    strip.frames.show_frames(of([0]))
    qtbot.waitUntil(lambda: strip.visualRect(strip.frames.index(0)).isValid())
    with_pin = picture()
    strip.frames.show_frames((MemoryFrame(0, None),))
    assert picture() != with_pin
    strip.frames.show_frames(of([0]))
    assert picture() == with_pin


def test_a_frame_that_is_forgotten_does_not_come_back(desk):
    track(desk, 12)
    agree(desk)
    choose(desk, 5)
    desk.panel.forget.click()
    desk.quiet()
    desk.wait(lambda: 5 not in shown(desk))
    assert desk.panel.strip.chosen is None
    assert not desk.panel.forget.isEnabled()
    desk.widget.binding.do("correct", lambda session: session.end_object(1, 39))
    track(desk, 20)
    assert 5 not in agree(desk)
    desk.session.undo()


def test_a_frame_that_is_kept_stays(desk):
    track(desk, 7)
    agree(desk)
    choose(desk, 5)
    desk.panel.keep.click()
    desk.quiet()
    desk.wait(lambda: line(desk, 5).data(PINNED))
    assert "you asked for it" in line(desk, 5).data(Qt.ToolTipRole)
    assert not desk.panel.keep.isEnabled()
    assert "already" in desk.panel.keep.toolTip()
    assert desk.panel.forget.isEnabled()
    track(desk)
    assert 5 in agree(desk)
    desk.widget.undo.click()
    desk.quiet()


def test_a_click_goes_there_and_what_cannot_be_done_says_why(desk, qtbot):
    track(desk, 7)
    agree(desk)
    assert "Choose a frame" in desk.panel.forget.toolTip()
    strip = desk.panel.strip
    place = strip.visualRect(line(desk, 5)).center()
    qtbot.mouseClick(strip.viewport(), Qt.LeftButton, pos=place)
    assert desk.layers.shown_frame() == strip.chosen.t == 5
    assert desk.panel.forget.isEnabled()
    choose(desk, 0)
    assert not desk.panel.forget.isEnabled()
    assert "annotated" in desk.panel.forget.toolTip()
    assert not desk.panel.keep.isEnabled()
    strip.customContextMenuRequested.emit(place)
    (menu,) = desk.panel.findChildren(QMenu)
    forget, keep = menu.actions()
    assert forget.isEnabled()
    assert keep.isEnabled()
    forget.trigger()
    menu.close()
    desk.quiet()
    desk.wait(lambda: 5 not in shown(desk))


def test_the_curve_is_there_where_the_rule_has_one(desk):
    assert desk.panel.curve is None
    track(desk, 12)
    desk.wait(lambda: desk.panel.curve is not None)
    curve = desk.panel.curve
    assert curve.isVisible()
    assert [curve.getAxis(side).labelText for side in ("left", "bottom")] == ["diversity", "frame"]
    desk.layers.show_frame(9)
    assert curve._cursor.value() == 9
    desk.wait(lambda: np.isfinite(curve._curve.getData()[1]).sum() == 11)
    x, y = curve._curve.getData()
    np.testing.assert_array_equal(y, desk.session.diversity[x.astype(int)])
    desk.widget.video.end.click()
    assert curve.isHidden()
    assert shown(desk) == []
    assert "start a session" in desk.panel.words.text()


def test_a_tracker_that_tells_nothing(dock, movie, centre, qtbot):
    desk = dock(movie, policy=NEVER_ASK)
    panel = MemoryDock(desk.viewer)
    qtbot.addWidget(panel)
    panel.show()
    desk.layers.clicks.add((0, *centre(1, 0)))
    desk.quiet()
    desk.widget.track.track.click()
    desk.quiet()
    desk.wait(lambda: panel.words.text().startswith("The tracker bright does not tell"))
    assert panel.model.rowCount() == 0
    assert panel.curve is None
    for button in (panel.forget, panel.keep):
        assert not button.isEnabled()
        assert button.toolTip() == panel.words.text()  # there is none to be chosen first
    desk.widget.video.end.click()
    assert "does not tell" not in panel.words.text() + panel.forget.toolTip()


def test_the_window_may_be_closed_in_the_middle(desk, qtbot):
    desk.widget.track.track.click()
    desk.wait(lambda: len(shown(desk)) > 1)
    engine = desk.widget.binding.engine
    desk.viewer.window.remove_dock_widget(desk.widget)
    qtbot.waitUntil(lambda: desk.panel.owner is None)
    assert shown(desk) == []
    engine.join()
    assert not [t for t in threading.enumerate() if t.name == "lazyvos-engine"]


def test_the_panel_may_be_closed_in_the_middle(desk):
    desk.widget.show_memory()
    panel = next(
        each for each in desk.viewer.window.dock_widgets.values() if isinstance(each, MemoryDock)
    )
    desk.widget.track.track.click()
    desk.wait(lambda: len(remembered(desk)) > 1)
    desk.viewer.window.remove_dock_widget(panel)
    del panel
    desk.quiet()
    assert remembered(desk) == agree(desk)


def test_a_button_of_the_widget_docks_it(dock, movie):
    desk = dock(movie)
    desk.widget.help.memory.click()
    docked = desk.viewer.window.dock_widgets.values()
    (panel,) = [widget for widget in docked if isinstance(widget, MemoryDock)]
    assert panel._binding is desk.widget.binding


def test_without_the_widget_it_says_what_to_do(viewer):
    _, alone = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Memory")
    assert "Lazy segmentation" in alone.words.text()


@pytest.fixture
def strip(qtbot):
    """A strip of blank pictures in a window."""
    parent = QObject()
    blank = QPixmap(*FRAME_SIZE)
    blank.fill(Qt.gray)
    model = MemoryModel(lambda t: blank, parent)
    strip = MemoryStrip(model, None)
    strip.keep, strip.frames = parent, model
    qtbot.addWidget(strip)
    strip.resize(600, 200)
    strip.show()
    return strip


def of(times):
    return tuple(MemoryFrame(t, Reason.FIRST if t == 0 else None) for t in times)


def test_lines_come_and_go_one_by_one(strip):
    model, resets = strip.frames, []
    model.modelReset.connect(lambda: resets.append(1))
    rng = np.random.default_rng(0)
    for _ in range(50):
        times = np.flatnonzero(rng.random(12) < 0.4).tolist()
        model.show_frames(of(times))
        assert [frame.t for frame in model.frames] == times
        assert [model.index(row).data() for row in range(model.rowCount())] == list(map(str, times))
    assert not resets
    model.show_frames((MemoryFrame(3, None),))
    model.show_frames((MemoryFrame(3, Reason.ASKED),))
    assert model.index(0).data(PINNED)


def test_what_is_chosen_is_not_another_frame_when_it_leaves(strip):
    strip.frames.show_frames(of(range(5)))
    strip.choose(2)
    assert strip.chosen.t == 2
    strip.choose(7)
    assert strip.chosen is None

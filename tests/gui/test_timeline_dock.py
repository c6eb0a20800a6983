"""The timeline beside the widget: it follows the session, and leads to what is pointed at."""

import pytest

from napari_lazyvos.gui.timeline_data import Reach, Thresholds
from napari_lazyvos.gui.timeline_dock import TimelineDock
from napari_lazyvos.lazy.policy import Policy


@pytest.fixture
def desk(dock, movie, centre, doubting):
    """A desk whose tracker is unsure of object 1 in frame 4, with the timeline beside it."""
    desk = dock(
        movie,
        tracker=doubting({4: {1}}),
        policy=Policy(tau_user=0.2, tau_pseudo=None, tau_memory=None),
    )
    desk.widget.help.modes.setCurrentIndex(1)  # collect
    desk.dock = TimelineDock(desk.viewer)
    desk.qtbot.addWidget(desk.dock)
    desk.dock.show()  # the viewer is not shown in tests, and what is not seen is not drawn
    desk.timeline = desk.dock.timeline
    desk.layers.clicks.add((0, *centre(1, 0)))
    desk.quiet()
    return desk


def lanes(desk):
    return {lane.label: lane for lane in desk.timeline._snapshot.lanes}


def test_it_follows_the_tracker(desk):
    desk.wait(lambda: desk.timeline.plot is not None)
    desk.widget.track.track.click()
    desk.quiet()
    known = desk.session.store.ledger.scores(1)
    desk.wait(lambda: (lanes(desk)[1].scores[1:] == known[1:]).all())
    desk.layers.show_frame(7)
    assert desk.timeline._frame == 7
    desk.session.name_object(1, "left cell")
    assert desk.timeline._thresholds == Thresholds(0.2, None, None)


def test_a_place_on_it_leads_there(desk):
    desk.timeline.frame_chosen.emit(5)
    assert desk.layers.shown_frame() == 5


def test_it_shades_what_a_correction_would_change(desk):
    desk.widget.track.track.click()
    desk.quiet()
    desk.layers.show_frame(3)
    last = desk.session.store.frames
    desk.wait(lambda: desk.timeline._reach == (Reach(1, 3, last),))
    desk.session.end_object(1, 6)
    desk.wait(lambda: desk.timeline._reach == (Reach(1, 3, 6),))


def test_a_line_that_is_dragged_is_the_new_threshold(desk):
    desk.timeline.thresholds_chosen.emit(Thresholds(0.15, 0.3, 0.7))
    desk.quiet()
    policy = desk.session.policy
    assert (policy.tau_user, policy.tau_pseudo, policy.tau_memory) == (0.15, 0.15, 0.7)
    assert desk.widget.advanced.rise.value() == 0.15
    desk.wait(lambda: desk.timeline._thresholds == Thresholds(0.15, 0.15, 0.7))


def test_it_lets_go_of_a_session_that_is_closed(desk):
    desk.wait(lambda: desk.timeline.plot is not None)
    desk.widget.video.end.click()
    assert desk.timeline._session is None
    assert desk.timeline.plot.isHidden()


def test_the_widget_closed_before_the_timeline(desk, qtbot):
    desk.viewer.window.remove_dock_widget(desk.widget)
    qtbot.waitUntil(lambda: desk.dock.owner is None)
    assert desk.timeline._session is None


def test_a_button_of_the_widget_docks_it(dock, movie):
    desk = dock(movie)
    desk.widget.help.timeline.click()
    docked = desk.viewer.window.dock_widgets.values()
    (timeline,) = [widget for widget in docked if isinstance(widget, TimelineDock)]
    assert timeline.timeline._session is desk.session


def test_without_the_widget_it_waits_for_it(viewer):
    _, alone = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Timeline")
    assert alone.timeline._session is None

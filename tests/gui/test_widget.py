"""The dock widget driven as a person drives it, in a real viewer with a real session."""

import dataclasses

import numpy as np
import pytest

from napari_lazyvos.lazy.events import Corrected, RunState, WelcomeBack
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.ledger import Origin, State


def click_object(desk, label, t, centre):
    desk.widget.binding.choose(label=label, positive=True)
    desk.layers.clicks.add((t, *centre(label, t)))
    desk.quiet()


def masks(session):
    return np.stack([session.store.masks.stored(t) for t in range(session.store.frames)])


def test_tracking_gives_the_masks_of_a_headless_session(dock, movie, centre, bright):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    click_object(desk, 2, 0, centre)
    desk.widget.track.track.click()
    desk.quiet()
    with Session(movie, tracker=bright(), refiner=type(desk.session._models.refiner)()) as alone:
        alone.click(0, *centre(1, 0))
        alone.click(0, *centre(2, 0), label=2)
        alone.track()
        np.testing.assert_array_equal(masks(desk.session), masks(alone))
    np.testing.assert_array_equal(np.asarray(desk.layers.masks.data), masks(desk.session))


@pytest.mark.parametrize(
    ("direction", "tracked"), [(0, range(6, 12)), (1, range(6)), (2, range(12))]
)
def test_directions(dock, movie, centre, direction, tracked):
    desk = dock(movie)
    click_object(desk, 1, 6, centre)
    desk.widget.track.direction.setCurrentIndex(direction)
    desk.widget.track.track.click()
    desk.quiet()
    shown = {t for t in range(12) if desk.session.store.masks.stored(t).any()}
    assert shown == {6, *tracked}


def test_backwards_after_forwards(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 6, centre)
    desk.widget.track.track.click()
    desk.quiet()
    assert not desk.widget.track.track.isEnabled()
    desk.widget.track.direction.setCurrentIndex(1)
    desk.widget.track.track.click()
    desk.quiet()
    assert all(desk.session.store.masks.stored(t).any() for t in range(12))


def test_a_range_is_tracked_and_nothing_else(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    desk.widget.track.only.setChecked(True)
    desk.widget.track.first.setValue(1)
    desk.widget.track.last.setValue(4)
    desk.widget.track.track.click()
    desk.quiet()
    assert {t for t in range(12) if desk.session.store.masks.stored(t).any()} == {0, 1, 2, 3, 4}


def test_step_tracks_one_frame_and_track_goes_on(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    desk.widget.track.step.click()
    desk.quiet()
    assert desk.session.store.ledger.row(1, 1).state == State.TRACKED
    assert desk.session.store.ledger.row(1, 2).state == State.UNTRACKED
    assert "go on" in desk.widget.hint.text()
    desk.widget.track.track.click()
    desk.quiet()
    assert desk.session.status.todo == 0


@pytest.mark.parametrize("button", ["pause", "cancel"])
def test_pause_and_cancel_stop_after_the_frame_in_flight(dock, movie, centre, bright, button):
    desk = dock(movie, tracker=bright(seconds=0.1))
    click_object(desk, 1, 0, centre)
    desk.widget.track.track.click()
    desk.wait(lambda: desk.session.store.ledger.row(1, 2).state == State.TRACKED)
    getattr(desk.widget.track, button).click()
    desk.quiet()
    left = desk.session.status.todo
    assert 0 < left < 10
    state = RunState.PAUSED if button == "pause" else RunState.IDLE
    assert desk.session.status.state is state
    desk.widget.track.track.click()
    desk.quiet()
    assert desk.session.status.todo == 0


def test_buttons_follow_the_state(dock, movie, centre, bright):
    desk = dock(movie, tracker=bright(seconds=0.05))
    track = desk.widget.track

    def enabled():
        return [b.isEnabled() for b in (track.track, track.step, track.pause, track.cancel)]

    assert enabled() == [False] * 4
    click_object(desk, 1, 0, centre)
    assert enabled() == [True, True, False, False]
    track.track.click()
    assert enabled() == [False, False, True, True]
    assert not desk.widget.undo.isEnabled()
    desk.quiet()
    assert enabled() == [False] * 4  # nothing is left to do
    assert desk.widget.undo.isEnabled()
    assert desk.widget.export.isEnabled()


def test_uncertainty_is_shown_once_there_is_some(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    assert not desk.layers.uncertainty.visible
    desk.widget.track.step.click()
    desk.quiet()
    assert desk.layers.uncertainty.visible
    desk.layers.uncertainty.visible = False  # the person does not want it
    desk.widget.track.step.click()
    desk.quiet()
    assert not desk.layers.uncertainty.visible


def test_following_and_not_following(dock, movie, centre, bright):
    desk = dock(movie, tracker=bright(seconds=0.04))
    click_object(desk, 1, 0, centre)
    desk.layers.show_frame(0)
    desk.widget.track.follow.setChecked(False)
    desk.widget.track.step.click()
    desk.quiet()
    assert desk.layers.shown_frame() == 0
    desk.widget.track.follow.setChecked(True)
    desk.widget.track.track.click()
    desk.quiet()
    assert desk.layers.shown_frame() == 11


def test_a_click_while_tracking_changes_what_follows(dock, movie, centre, bright):
    desk = dock(movie, tracker=bright(seconds=0.1))
    click_object(desk, 1, 0, centre)
    desk.widget.track.follow.setChecked(False)
    desk.widget.track.track.click()
    desk.wait(lambda: desk.session.store.ledger.row(1, 2).state == State.TRACKED)
    desk.widget.binding.choose(label=2)
    desk.layers.clicks.add((4, *centre(2, 4)))
    desk.quiet()
    assert desk.session.labels == (1, 2)
    if desk.session.status.todo:
        desk.widget.track.track.click()
        desk.quiet()
    assert (desk.session.store.masks.stored(11) == 2).any()
    assert not (desk.session.store.masks.stored(3) == 2).any()


def test_a_failure_is_a_sentence_and_the_work_goes_on(dock, movie, centre, bright):
    desk = dock(movie, tracker=bright(fails_on=5))
    click_object(desk, 1, 0, centre)
    desk.widget.track.track.click()
    desk.quiet()
    assert "the blob has burst" in desk.widget.hint.text()
    assert desk.widget.hint.property("tone") == "error"
    assert desk.session.store.masks.stored(4).any()
    click_object(desk, 1, 6, centre)
    assert "burst" not in desk.widget.hint.text()
    assert desk.session.store.masks.stored(6).any()


def test_the_list_shows_every_object_and_its_state(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    click_object(desk, 2, 3, centre)
    desk.layers.show_frame(0)
    tree = desk.widget.objects.list

    def texts():
        return [tuple(tree.topLevelItem(i).text(c) for c in (0, 1)) for i in range(2)]

    desk.wait(lambda: texts() == [("Object 1", "by you"), ("Object 2", "to do")])
    desk.layers.show_frame(5)
    desk.wait(lambda: texts() == [("Object 1", "to do"), ("Object 2", "to do")])
    tree.topLevelItem(1).setText(0, "left cell")
    desk.quiet()
    assert desk.session.store.document.objects[2].name == "left cell"


def test_the_list_says_who_made_each_mask(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    desk.widget.track.track.click()
    desk.quiet()
    session = desk.session
    session.mark_absent(1, 4)
    session.end_object(1, 9)
    with session.store.edit("track", "correct itself") as edit:
        row = session.store.ledger.row(1, 2)
        edit.write_frame(2, rows=[dataclasses.replace(row, origin=Origin.PSEUDO)])
    expected = {
        0: "by you",
        1: "tracked",
        2: "corrected by itself",
        4: "not here (by you)",
        5: "out of date",
        10: "ended",
    }
    for t, state in expected.items():
        desk.layers.show_frame(t)
        desk.widget._refresh()
        assert desk.widget.objects.list.topLevelItem(0).text(1) == state


def test_what_the_tracker_does_by_itself_is_told_in_passing(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    desk.widget.binding.told.emit(WelcomeBack(7, 1, 3))
    desk.widget.binding.told.emit(Corrected(8, 1, 5, 5, accepted=True))
    hint = desk.widget.hint.text()
    assert "Object 1 is back in frame 7, last seen in 3." in hint
    assert "corrected itself once" in hint
    assert "Press Track" in hint


def test_end_here_and_remove(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    desk.widget.track.track.click()
    desk.quiet()
    desk.layers.show_frame(8)
    desk.widget.objects.end.click()
    desk.quiet()
    assert not desk.session.store.masks.stored(9).any()
    assert desk.session.store.masks.stored(7).any()
    desk.widget.objects.remove.click()
    desk.quiet()
    assert desk.session.labels == ()
    assert not masks(desk.session).any()
    assert len(desk.layers.clicks.data) == 0


def test_undo_and_redo_of_a_run(dock, movie, centre):
    desk = dock(movie)
    click_object(desk, 1, 0, centre)
    desk.widget.track.track.click()
    desk.quiet()
    tracked = masks(desk.session)
    assert "track frames 1-11" in desk.widget.undo.toolTip()
    desk.widget.undo.click()
    desk.quiet()
    assert not masks(desk.session)[1:].any()
    desk.widget.redo.click()
    desk.quiet()
    np.testing.assert_array_equal(masks(desk.session), tracked)


def test_the_keys_do_what_the_table_says(dock, movie, centre):
    desk = dock(movie)
    binding = desk.widget.binding

    def press(layer, key):
        return next(f for k, f in layer.keymap.items() if str(k) == key)(layer)

    press(desk.layers.clicks, "T")
    assert not binding.positive
    assert desk.widget.objects.exclude.isChecked()
    press(desk.layers.clicks, "T")
    click_object(desk, 1, 0, centre)
    press(desk.layers.clicks, "M")
    assert binding.label == 2
    press(desk.layers.clicks, "-")
    assert binding.label == 1
    press(desk.layers.masks, "Ctrl+Z")
    desk.quiet()
    assert desk.session.labels == ()


def test_the_console_has_the_session_and_what_it_does_is_shown(dock, movie, centre):
    desk = dock(movie)
    run = (desk.session.click(0, *centre(1, 0)), desk.session.start())[1]
    desk.wait(lambda: run.done)
    desk.wait(lambda: desk.widget.track.bar.text() == "Up to date")
    assert "Tracked to the end" in desk.widget.hint.text()


def test_widget_fits_a_narrow_dock(dock, movie):
    desk = dock(movie)
    desk.widget.bar.show()
    assert desk.widget.minimumSizeHint().width() <= 320

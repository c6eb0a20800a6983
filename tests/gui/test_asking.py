"""Being asked for help, in a real viewer with a real session and a tracker that is unsure."""

import numpy as np
import pytest

from napari_lazyvos.gui import attention
from napari_lazyvos.gui.help_mode import HelpMode
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.store.ledger import Call, Origin, State

RISE = Policy(tau_user=0.2, tau_pseudo=None)


@pytest.fixture
def unsure(dock, movie, centre, doubting):
    """Return what makes a desk with clicked objects, whose tracker is unsure in some frames."""

    def make(doubts, *, labels=(1,), mode=HelpMode.STOP, seconds=0.0):
        desk = dock(movie, tracker=doubting(doubts, seconds), policy=RISE)
        for label in labels:
            desk.widget.binding.choose(label=label)
            desk.layers.clicks.add((0, *centre(label, 0)))
            desk.quiet()
        desk.widget.help.modes.setCurrentIndex(list(HelpMode).index(mode))
        desk.asking = desk.widget.asking
        desk.bar = desk.widget.bar
        desk.call = lambda label, t: desk.session.store.ledger.row(label, t).call
        desk.track = desk.widget.track.track.click
        desk.asked = lambda: desk.wait(lambda: desk.asking.open)
        desk.done = lambda: desk.wait(
            lambda: desk.asking.question is None and not desk.widget.binding.busy
        )
        return desk

    return make


def test_tracking_stops_and_shows_what_it_asks(unsure):
    desk = unsure({5: {1}})
    desk.track()
    desk.asked()
    assert not desk.widget.binding.running
    assert desk.session.status.todo == 6
    assert desk.layers.shown_frame() == 5
    assert not desk.bar.isHidden()
    assert desk.widget.hint.isHidden()
    assert "Object 1" in desk.bar.title.text()
    assert "Frame 5" in desk.bar.reason.text()
    assert desk.bar.consequence.text() == "Tracking goes on from here."
    assert desk.layers.uncertainty.visible
    assert desk.viewer.layers.selection.active == desk.layers.clicks


def test_a_click_answers_and_tracking_goes_on(unsure, centre, press):
    desk = unsure({5: {1}})
    desk.track()
    desk.asked()
    press(desk.layers.clicks, (5, *centre(1, 5)))
    desk.wait(lambda: desk.call(1, 5) == Call.ANSWERED)
    desk.done()
    assert desk.session.status.todo == 0
    assert desk.session.store.ledger.row(1, 5).origin == Origin.HUMAN
    assert (desk.session.store.masks.stored(11) == 1).any()
    assert desk.bar.isHidden()
    assert not desk.layers.uncertainty.visible  # as it was


@pytest.mark.parametrize(
    ("button", "call", "state"),
    [
        ("fine", Call.FINE, State.TRACKED),
        ("absent", Call.ANSWERED, State.ABSENT),
        ("end", Call.ANSWERED, State.ENDED),
        ("later", Call.OPEN, State.TRACKED),
    ],
)
def test_buttons_answer_and_tracking_goes_on(unsure, button, call, state):
    desk = unsure({5: {1}}, labels=(1, 2))
    desk.track()
    desk.asked()
    getattr(desk.bar, button).click()
    desk.done()
    assert desk.call(1, 5) == call
    assert desk.session.store.ledger.row(1, 5).state == state
    assert desk.session.status.todo == 0


def test_the_person_has_time_where_that_is_wanted(unsure):
    desk = unsure({5: {1}})
    desk.bar.go_on_after.setChecked(False)
    desk.track()
    desk.asked()
    desk.bar.fine.click()
    desk.wait(lambda: desk.call(1, 5) == Call.FINE)
    desk.qtbot.wait(1000)
    assert not desk.widget.binding.running
    assert desk.bar.go_on.isVisibleTo(desk.bar)
    desk.bar.go_on.click()
    desk.done()
    assert desk.session.status.todo == 0


def test_wait_holds_it_back(unsure):
    desk = unsure({5: {1}})
    desk.track()
    desk.asked()
    desk.bar.fine.click()
    desk.wait(lambda: desk.bar.stay.isVisibleTo(desk.bar))
    desk.bar.stay.click()
    desk.qtbot.wait(1000)
    assert not desk.widget.binding.running
    desk.bar.go_on.click()
    desk.done()
    assert desk.session.status.todo == 0


def test_after_drawing_tracking_waits_for_track(unsure):
    desk = unsure({5: {1}})
    desk.track()
    desk.asked()
    masks = desk.layers.masks
    with masks.block_history():
        masks.paint((5, 40, 30), 1)
    desk.wait(lambda: desk.call(1, 5) == Call.ANSWERED)
    desk.qtbot.wait(1000)
    assert not desk.widget.binding.running
    assert desk.session.status.todo == 6
    desk.track()
    desk.done()
    assert desk.session.status.todo == 0


def test_track_leaves_the_question_for_later(unsure):
    desk = unsure({5: {1}})
    desk.track()
    desk.asked()
    desk.track()
    desk.done()
    assert desk.session.status.todo == 0
    assert desk.call(1, 5) == Call.OPEN
    desk.wait(lambda: desk.widget.help.list.text() == "Help list (1)")


def test_two_objects_in_one_frame_are_asked_about_one_after_the_other(unsure):
    desk = unsure({5: {1, 2}}, labels=(1, 2))
    desk.track()
    desk.asked()
    first = desk.asking.question.label
    assert "1 more" in desk.bar.reason.text()
    desk.bar.fine.click()
    desk.wait(lambda: desk.asking.open and desk.asking.question.label != first)
    assert desk.session.status.todo == 6  # tracking waits for both
    desk.bar.fine.click()
    desk.done()
    assert desk.session.status.todo == 0


def test_collected_calls_wait_and_an_answer_tracks_that_object_again(unsure, centre, press):
    desk = unsure({4: {1}, 6: {2}}, labels=(1, 2), mode=HelpMode.COLLECT)
    desk.track()
    desk.quiet()
    assert desk.session.status.todo == 0
    assert desk.asking.question is None
    desk.wait(lambda: len(desk.asking.overview.calls) == 2)
    assert "2 calls for help" in desk.widget.hint.text()
    desk.asking.show(next(c for c in desk.asking.overview.calls if c.label == 1))
    desk.asked()
    assert desk.layers.shown_frame() == 4
    assert desk.bar.consequence.text() == "Frames 5 to 11 of this object will be tracked again."
    other = [(desk.session.store.masks.stored(t) == 2).copy() for t in range(12)]
    tracked = []
    desk.widget.binding.tracked.connect(lambda result: tracked.append(result.scores))
    press(desk.layers.clicks, (4, *centre(1, 4)))
    desk.wait(lambda: desk.call(1, 4) == Call.ANSWERED)
    desk.done()
    assert tracked
    assert all([score.label for score in scores] == [1] for scores in tracked)
    assert desk.session.status.todo == 0
    assert desk.call(2, 6) == Call.OPEN
    for t in range(12):
        np.testing.assert_array_equal(desk.session.store.masks.stored(t) == 2, other[t])


def test_a_call_can_be_answered_while_others_are_collected(unsure, centre, press):
    desk = unsure({2: {1}}, mode=HelpMode.COLLECT, seconds=0.2)
    desk.track()
    desk.wait(lambda: len(desk.asking.overview.calls) == 1)
    desk.asking.next_call()
    desk.asked()
    assert desk.widget.binding.running
    desk.qtbot.wait(300)
    assert desk.layers.shown_frame() == 2  # the slider does not follow meanwhile
    press(desk.layers.clicks, (2, *centre(1, 2)))
    desk.wait(lambda: desk.call(1, 2) == Call.ANSWERED)
    desk.done()
    assert desk.session.status.todo == 0
    assert desk.layers.shown_frame() == 11


def test_never_asks(unsure):
    desk = unsure({5: {1}}, mode=HelpMode.NEVER)
    assert desk.session.policy.tau_user is None
    desk.track()
    desk.quiet()
    assert desk.session.status.todo == 0
    assert desk.session.calls == ()
    desk.widget.help.modes.setCurrentIndex(list(HelpMode).index(HelpMode.STOP))
    assert desk.session.policy == RISE


def test_the_threshold_can_be_changed_at_any_time(unsure):
    desk = unsure({5: {1}})
    assert desk.widget.advanced.rise.value() == RISE.tau_user
    desk.widget.advanced.rise.setValue(0.99)
    desk.track()
    desk.quiet()
    assert desk.session.status.todo == 0


def test_an_answer_can_be_undone(unsure):
    desk = unsure({5: {1}})
    desk.bar.go_on_after.setChecked(False)
    desk.track()
    desk.asked()
    desk.wait(lambda: len(desk.asking.overview.calls) == 1)
    desk.bar.absent.click()
    desk.wait(lambda: not desk.asking.open and not desk.asking.overview.calls)
    assert desk.call(1, 5) == Call.ANSWERED
    desk.quiet()
    desk.widget.undo.click()
    desk.asked()
    assert desk.call(1, 5) == Call.OPEN
    desk.wait(lambda: len(desk.asking.overview.calls) == 1)
    assert (desk.session.store.masks.stored(5) == 1).any()


def test_an_undone_answer_is_back_in_the_list(unsure):
    desk = unsure({10: {1}}, mode=HelpMode.COLLECT)
    desk.track()
    desk.wait(lambda: len(desk.asking.overview.calls) == 1)
    desk.asking.next_call()
    desk.asked()
    desk.bar.fine.click()
    desk.done()
    desk.wait(lambda: desk.asking.overview.answered == 1)
    assert desk.asking.overview.calls == ()
    desk.widget.undo.click()
    desk.wait(lambda: len(desk.asking.overview.calls) == 1)
    assert desk.widget.help.list.text() == "Help list (1)"


def camera(desk):
    camera = desk.viewer.scene.camera
    return (*camera.center[-2:], camera.zoom)


def still(desk):
    desk.qtbot.wait(attention.MOVE_MS + 200)


def far(desk):
    desk.viewer.scene.camera.zoom = 0.5  # objects are six pixels of the screen
    desk.viewer.scene.camera.center = (0, 24, 32)
    return camera(desk)


def test_the_camera_comes_nearer_and_goes_back(unsure):
    desk = unsure({5: {1}})
    before = far(desk)
    desk.track()
    desk.asked()
    still(desk)
    assert camera(desk)[2] > 2 * before[2]
    assert desk.bar.back.isVisibleTo(desk.bar)
    desk.bar.fine.click()
    desk.done()
    still(desk)
    np.testing.assert_allclose(camera(desk), before, rtol=1e-3)


def test_back_moves_the_camera_and_leaves_the_question(unsure):
    desk = unsure({5: {1}})
    before = far(desk)
    desk.track()
    desk.asked()
    still(desk)
    desk.bar.back.click()
    still(desk)
    np.testing.assert_allclose(camera(desk), before, rtol=1e-3)
    assert desk.asking.open
    assert not desk.bar.back.isVisibleTo(desk.bar)


def test_a_camera_that_the_person_moved_stays(unsure):
    desk = unsure({5: {1}})
    far(desk)
    desk.track()
    desk.asked()
    still(desk)
    desk.viewer.scene.camera.zoom = 7.0
    mine = camera(desk)
    desk.bar.fine.click()
    desk.done()
    still(desk)
    np.testing.assert_allclose(camera(desk), mine)


def test_the_blink_and_the_uncertainty_leave_no_trace(unsure):
    desk = unsure({5: {1}}, labels=(1, 2))
    opacity = desk.layers.masks.opacity
    desk.track()
    desk.asked()
    desk.bar.fine.click()  # in the middle of the blink
    desk.done()
    assert desk.layers.masks.opacity == opacity
    assert not desk.layers.masks.show_selected_label


def test_masks_deleted_while_they_blink(unsure):
    desk = unsure({5: {1}})
    desk.track()
    desk.asked()
    desk.viewer.layers.remove(desk.layers.masks)
    still(desk)
    desk.bar.fine.click()
    desk.done()
    assert desk.session.status.todo == 0


def test_closing_the_session_with_a_question_open(unsure):
    desk = unsure({5: {1}})
    far(desk)
    desk.track()
    desk.asked()
    desk.widget.video.end.click()
    assert desk.bar.isHidden()
    assert desk.widget.help.list.text() == "Help list"
    still(desk)
    assert "Press" in desk.widget.hint.text()


def test_the_widget_closed_in_the_middle_of_the_zoom(unsure):
    desk = unsure({5: {1}})
    far(desk)
    desk.track()
    desk.asked()
    desk.viewer.window.remove_dock_widget("all")
    still(desk)
    desk.viewer.dims.set_point(0, 2)
    assert [layer.name for layer in desk.viewer.layers] == ["discs"]  # ours are gone, and no error


def test_the_viewer_closed_in_the_middle_of_the_zoom(make_napari_viewer, qtbot, movie, doubting):
    from napari_lazyvos.gui.widget import LazyWidget
    from napari_lazyvos.lazy.session import Session

    viewer = make_napari_viewer()
    viewer.add_image(movie, name="discs")
    widget = LazyWidget(viewer)
    viewer.window.add_dock_widget(widget, name="lazy")
    with Session(movie, tracker=doubting({3: {1}}), policy=RISE) as session:
        session.set_mask(0, movie[0] > 200)
        widget.adopt(session)
        qtbot.waitUntil(widget.track.track.isEnabled)
        viewer.scene.camera.zoom = 0.5
        widget.track.track.click()
        qtbot.waitUntil(lambda: widget.asking.open)
        viewer.close()
        qtbot.wait(attention.MOVE_MS + 200)
        assert session.calls


def test_a_beep_if_wanted(unsure, monkeypatch):
    from napari_lazyvos.gui import asking

    beeps = []
    monkeypatch.setattr(asking.QApplication, "beep", lambda: beeps.append(1))
    desk = unsure({4: {1}, 8: {1}})
    desk.track()
    desk.asked()
    assert beeps == []
    desk.widget.help.sound.setChecked(True)
    desk.bar.later.click()
    desk.wait(lambda: desk.asking.open and desk.asking.question.t == 8)
    assert beeps == [1]


def test_the_answers_have_keys(unsure):
    from napari_lazyvos.gui import reasons

    desk = unsure({4: {1}, 7: {1}, 10: {1}})

    def press_key(key):
        bound = {str(each): action for each, action in desk.viewer.keymap.items()}
        bound[key](desk.viewer)

    def inactive():
        widget = desk.widget
        return reasons.inactive(widget.binding, desk.asking, widget.track, widget.rounds)

    assert inactive()["fine"] == "no open call is shown"
    assert inactive()["call"] == "no open call"
    desk.track()
    desk.asked()
    assert "fine" not in inactive()
    press_key("Shift+S")
    desk.wait(lambda: desk.asking.open and desk.asking.question.t == 7)
    press_key("Shift+X")
    desk.wait(lambda: desk.call(1, 7) == Call.ANSWERED)
    desk.done()
    desk.wait(lambda: "call" not in inactive())
    press_key("Shift+H")
    desk.wait(lambda: desk.asking.open and desk.asking.question.t == 4)
    press_key("Shift+C")
    assert desk.layers.shown_frame() == 7  # the next frame that the person corrected
    press_key("Shift+E")
    desk.wait(lambda: desk.session.store.ledger.row(1, 4).state == State.ENDED)
    desk.done()


def test_questions_are_there_when_the_session_is_opened_again(dock, movie, doubting, tmp_path):
    from napari.layers import Image

    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.video import open_video

    store = tmp_path / "discs.lazyvos"
    video = open_video(Image(movie, name="discs"))
    with Session(video, store=store, tracker=doubting({5: {1}}), policy=RISE) as session:
        session.set_mask(0, movie[0] > 200)
        session.track()
    desk = dock(movie, tracker=doubting({}), policy=RISE, store=store)
    desk.wait(lambda: desk.widget.help.list.text() == "Help list (1)")
    desk.widget.asking.next_call()
    desk.wait(lambda: desk.widget.asking.open)
    assert desk.layers.shown_frame() == 5

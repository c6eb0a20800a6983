"""Rounds in a real viewer: a frame is corrected, and that is spread to both sides."""

import threading
from importlib import import_module

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lazyvos import trackers
from napari_lazyvos.gui import reasons
from napari_lazyvos.gui.fusion_box import ATTENDING, FusionBox
from napari_lazyvos.gui.hint import Situation, next_step
from napari_lazyvos.gui.round_ahead import RoundAhead
from napari_lazyvos.gui.timeline_data import Reach, Why
from napari_lazyvos.gui.timeline_dock import TimelineDock
from napari_lazyvos.gui.widget import LazyWidget
from napari_lazyvos.lazy.events import FrameResult, RunState, Status
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.store.ledger import State


@pytest.fixture
def rounds(dock, movie):
    """Return what makes a desk in rounds, with what the tests do at it."""

    def make(**options):
        desk = dock(movie, **options)
        desk.track = desk.widget.track
        desk.track.rounds.click()

        def click(label, t, place):
            desk.layers.show_frame(t)
            desk.widget.binding.choose(label=label, positive=True)
            desk.layers.clicks.add((t, *place))
            desk.quiet()

        def run(t):
            desk.layers.show_frame(t)
            desk.track.track.click()
            desk.quiet()

        desk.click, desk.run = click, run
        return desk

    return make


def masks(desk):
    return np.array(desk.layers.masks.data)


def press_key(desk, key):
    next(act for each, act in desk.viewer.keymap.items() if str(each) == key)(desk.viewer)


def test_two_rounds(rounds, centre, true_mask):
    desk = rounds()
    beside = TimelineDock(desk.viewer)
    desk.qtbot.addWidget(beside)
    beside.show()
    timeline = beside.timeline
    assert not desk.track.track.isEnabled()

    desk.click(1, 2, centre(1, 2))
    assert desk.track.track.text() == "Run round of frame 2"
    assert "frames 0 to 11 change" in desk.widget.hint.text()
    desk.run(2)
    assert all((masks(desk)[t] == 1)[true_mask(1, t)].all() for t in range(12))
    assert desk.layers.shown_frame() == 2  # which the round is about
    assert not desk.track.track.isEnabled()
    assert desk.track.track.toolTip() == "The round of frame 2 is done"

    desk.click(1, 9, centre(1, 9))
    desk.layers.show_frame(5)
    assert desk.track.track.toolTip() == "Click on an object in this frame first"
    near = desk.session.rounds.bounds(5, [1])[1]
    assert (near.first, near.last) == (3, 8)
    desk.wait(lambda: timeline._reach == (Reach(1, near.first, near.last + 1, Why.CLICK),))
    before = masks(desk)
    desk.click(1, 5, centre(2, 5))  # the other disc
    desk.wait(lambda: timeline._reach == (Reach(1, near.first, near.last + 1, Why.ROUND),))
    assert timeline.legend.words[0] == "this round"
    assert "frames 3 to 8: changes with the round" in timeline.plot._bars.toolTip()
    desk.widget.advanced.fusion.fusion.setCurrentText("none")
    desk.run(5)
    after = masks(desk)
    for t in (0, 1, 2, 9, 10, 11):
        np.testing.assert_array_equal(after[t], before[t])
    for t in range(3, 9):
        np.testing.assert_array_equal(after[t] == 1, true_mask(2, t))

    desk.widget.binding.choose(label=2)
    whole = Reach(2, 0, 12, Why.CLICK)  # of which nothing is annotated
    desk.wait(lambda: whole in timeline._reach)
    assert len(timeline._reach) == 2
    desk.track.lazy.click()
    assert not timeline._reach or timeline._reach[0].why is Why.ANEW


def test_cancel_keeps_what_is_done_and_the_round_goes_on(rounds, centre, bright):
    desk = rounds(tracker=bright(seconds=0.08))
    desk.click(1, 5, centre(1, 5))
    desk.track.track.click()
    assert not desk.track.lazy.isEnabled()
    desk.wait(lambda: desk.session.store.ledger.row(1, 7).state == State.TRACKED)
    desk.wait(lambda: "of 6, backwards 0 of 5" in desk.widget.hint.text())
    desk.track.cancel.click()
    desk.quiet()
    tracked = {t for t in range(12) if masks(desk)[t].any()}
    assert {5, 6, 7} <= tracked < set(range(5, 12))
    assert desk.layers.shown_frame() == 5
    left = 12 - len(tracked)
    assert desk.track.bar.text() == f"{left} of 11 frames to do"
    assert "Press Run round to go on" in desk.widget.hint.text()
    kept = masks(desk)
    desk.run(5)
    assert all(masks(desk)[t].any() for t in range(12))
    np.testing.assert_array_equal(masks(desk)[sorted(tracked)], kept[sorted(tracked)])
    assert desk.track.bar.text() == "Done"
    assert desk.track.progress.startswith("forwards 6 of 6, backwards")


def test_undo_takes_the_round_back_and_then_the_click(rounds, centre):
    desk = rounds()
    desk.click(1, 5, centre(1, 5))
    desk.run(5)
    done = masks(desk)
    assert desk.widget.undo.text() == "Undo round"
    assert "Undo: round of frame 5: frames 0-11" in desk.widget.undo.toolTip()
    desk.widget.undo.click()
    desk.quiet()
    assert {t for t in range(12) if masks(desk)[t].any()} == {5}
    assert desk.widget.undo.text() == "Undo"
    assert desk.widget.redo.text() == "Redo round"
    assert desk.track.track.isEnabled()  # it can be run again
    desk.widget.redo.click()
    desk.quiet()
    np.testing.assert_array_equal(masks(desk), done)
    for _ in range(2):
        desk.widget.undo.click()
        desk.quiet()
    assert not masks(desk).any()


def test_a_frame_is_suggested_and_nobody_is_asked(rounds, centre, doubting):
    desk = rounds(tracker=doubting({8: {2}}), policy=Policy(tau_user=0.1, tau_pseudo=None))
    assert not desk.track.round.go.isEnabled()
    assert not desk.widget.help.modes.isVisibleTo(desk.widget)
    desk.click(1, 2, centre(1, 2))
    desk.click(2, 2, centre(2, 2))
    desk.widget.binding.choose(label=1)
    desk.run(2)
    assert desk.widget.asking.question is None
    assert desk.session.calls == ()
    desk.wait(desk.track.round.go.isEnabled)
    suggested = desk.session.rounds.suggest()
    assert (suggested.t, suggested.label) == (8, 2)
    assert desk.track.round.next.text() == "Next: frame 8"
    assert desk.track.round.why.text().lower() == suggested.why
    desk.track.round.go.click()
    assert desk.layers.shown_frame() == 8
    assert desk.widget.binding.label == 2
    desk.click(2, 8, centre(2, 8))
    desk.wait(lambda: desk.widget.rounds.suggestion == desk.session.rounds.suggest())
    assert desk.widget.rounds.suggestion != suggested


def test_all_objects_of_the_frame(rounds, centre):
    desk = rounds()
    desk.click(1, 2, centre(1, 2))
    desk.run(2)
    desk.click(2, 6, centre(2, 6))
    assert desk.widget.rounds.ahead().labels == (2,)
    desk.track.round.everyone.click()
    assert desk.widget.rounds.ahead().labels == (1, 2)
    desk.layers.show_frame(4)  # where nobody clicked
    assert desk.track.track.isEnabled()


def test_the_keys_of_rounds(rounds, centre):
    desk = rounds()

    def inactive():
        widget = desk.widget
        return reasons.inactive(widget.binding, widget.asking, widget.track, widget.rounds)

    assert inactive()["go"] == "click on an object in this frame first"
    desk.click(1, 5, centre(1, 5))
    assert inactive()["next"] == "no frame is known to be worth one"
    press_key(desk, "Shift+N")
    assert not desk.widget.binding.running
    press_key(desk, "Shift+G")
    desk.quiet()
    assert inactive()["go"] == "the round of frame 5 is done"
    desk.wait(lambda: desk.widget.rounds.suggestion is not None)
    press_key(desk, "Shift+J")
    assert desk.layers.shown_frame() == desk.session.rounds.suggest().t
    press_key(desk, "Shift+R")
    assert desk.track.lazy.isChecked()
    assert desk.track.track.text() == "Track"
    assert inactive()["next"] == "it is for rounds"
    assert desk.track.round.isHidden()


def test_an_answer_begins_no_round(rounds, centre, doubting):
    desk = rounds(tracker=doubting({4: {1}}), policy=Policy(tau_user=0.1, tau_pseudo=None))
    desk.track.lazy.click()
    desk.click(1, 0, centre(1, 0))
    desk.track.track.click()
    desk.wait(lambda: desk.widget.asking.open)
    desk.track.rounds.click()
    desk.widget.asking.fine()
    desk.wait(lambda: desk.widget.asking.question is None)
    desk.quiet()
    assert desk.session.store.ledger.row(1, 5).state == State.UNTRACKED


def test_the_viewer_closed_in_a_round(make_napari_viewer, qtbot, movie, bright):
    viewer = make_napari_viewer()
    viewer.add_image(movie, name="discs")
    widget = LazyWidget(viewer)
    viewer.window.add_dock_widget(widget, name="lazy")
    widget.track.rounds.click()
    with Session(movie, tracker=bright(seconds=0.1)) as session:
        session.set_mask(0, movie[0] > 200)
        widget.adopt(session)
        qtbot.waitUntil(lambda: widget.session is not None)
        widget.binding.layers.show_frame(0)
        assert widget.track.track.isEnabled()
        widget.track.track.click()
        qtbot.waitUntil(lambda: session.store.ledger.row(1, 2).state == State.TRACKED)
        viewer.close()
        qtbot.waitUntil(
            lambda: not any(each.name.startswith("lazyvos") for each in threading.enumerate())
        )
        assert not session.store.ledger.row(1, 11).state
        assert session.rounds.left(0) != (0, 0)


def test_what_is_left_of_a_round_is_what_it_tracks(movie, bright):
    with Session(movie, tracker=bright()) as session:
        assert session.rounds.left(5) == (0, 0)
        session.set_mask(5, movie[5] > 200)
        assert session.rounds.left(5) == (6, 5)
        for event in session.rounds.run(5):
            if isinstance(event, FrameResult) and event.t == 8:
                session.cancel()
        assert session.rounds.left(5) == (3, 5)
        assert session.rounds.left(5, fusion="none") == (6, 5)  # another round
        assert session.rounds.left(5, memory="round") == (6, 5)
        assert session.rounds.track(5).tracked == 8
        assert session.rounds.left(5) == (0, 0)
        session.set_mask(8, movie[8] > 200)
        assert session.rounds.left(5) == (2, 5)
        assert session.rounds.left(8) == (3, 2)


def test_fusions_that_cannot_work_are_grey(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path))
    box = FusionBox()
    qtbot.addWidget(box)
    box.show_tracker("xmem")
    items = [box.fusion.model().item(row) for row in range(3)]
    assert [item.text() for item in items] == ["distance", "mivos (not installed)", "none"]
    assert [item.isEnabled() for item in items] == [True, False, True]
    assert "mivos-fusion are not installed" in items[1].data(Qt.ToolTipRole)
    assert items[0].data(Qt.ToolTipRole).startswith("The mean, weighted by nearness")
    cache.place(find("mivos-fusion")).write_bytes(b"weights")
    box.look()
    assert items[1].text() == "mivos"
    assert items[1].isEnabled()
    box.fusion.setCurrentIndex(1)
    box.show_tracker("compact")
    assert box.fusion.currentText() == "distance"
    assert items[1].text() == "mivos (not with compact)"
    assert "xmem, stcn, mivos, qdmn can" in items[1].data(Qt.ToolTipRole)


def test_the_trackers_that_go_with_mivos_fusion():
    places = trackers._CLASSES.items()
    made = {name: getattr(import_module(module), kind) for name, (module, kind) in places}
    assert {name for name, kind in made.items() if hasattr(kind, "attend")} == set(ATTENDING)


def test_how_far_a_round_is():
    empty = np.zeros((2, 2), np.uint8)

    def tracked(t, done, total):
        return ahead.progress_at(FrameResult(t, empty, empty, (), done, total, 0))

    ahead = RoundAhead(5, (1,), 2, 9, 3, 3)  # one frame forwards was tracked before
    assert ahead.progress.text == "forwards 1 of 4, backwards 0 of 3"
    assert tracked(7, 1, 3).text == "forwards 2 of 4, backwards 0 of 3"
    assert tracked(3, 2, 3).text == "forwards 4 of 4, backwards 2 of 3"
    assert (tracked(3, 2, 3).done, tracked(3, 2, 3).total) == (6, 7)
    assert tracked(7, 1, 2).text == "forwards 2 of 3, backwards 0 of 3"  # a click has closed it


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (RoundAhead(5, (), 5, 5, 0, 0), "Click on an object in this frame"),
        (RoundAhead(5, (1,), 5, 5, 0, 0), "would change nothing"),
        (RoundAhead(5, (1,), 2, 9, 0, 0), "This round is done"),
        (RoundAhead(5, (1,), 2, 9, 4, 3), "Press Run round: frames 2 to 9 change"),
        (RoundAhead(5, (1,), 2, 9, 0, 3), "Press Run round to go on"),
    ],
)
def test_the_hint_says_the_next_step(ahead, words):
    status = Status(RunState.IDLE, (1,), 10, 4, None, None, 0)
    assert words in next_step(Situation("a", status=status, ahead=ahead))

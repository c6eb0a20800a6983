"""The timeline as a person meets it: seen, clicked, dragged."""

from __future__ import annotations

import subprocess
import sys
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPalette, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lazyvos.gui.timeline import Timeline
from napari_lazyvos.gui.timeline_data import Mark, Measure, Provenance, Reach, Thresholds
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.document import ObjectInfo, PlacedClick
from napari_lazyvos.store.ledger import BLANK, SCHEMA, Call, Ledger, Origin, Row, State

FRAMES = 200
DRAG_STEPS = 6  # mouse moves in a drag
BETWEEN_MOVES_MS = 15  # pyqtgraph overlooks moves that are closer
TRACKED = (State.TRACKED, Origin.MACHINE, False, 1, 0.2, 9, 0.05, Call.NONE)


@pytest.fixture
def session(tmp_path) -> SimpleNamespace:
    """Two objects, 200 frames, the last 50 not tracked yet."""
    return make_session(tmp_path, FRAMES, until=150)


@pytest.fixture
def timeline(qtbot, session) -> Timeline:
    return shown(qtbot, session)


def make_session(folder, frames: int, labels=(1, 2), until: int | None = None) -> SimpleNamespace:
    ledger = Ledger(Database(folder / "rows.sqlite", SCHEMA), frames)
    for label in labels:
        cells = np.full(frames, BLANK)
        cells[:until] = np.array(TRACKED, cells.dtype)
        cells["rise"][:until] += np.random.default_rng(label).normal(0, 0.02, frames)[:until]
        ledger.put_column_image(label, zlib.compress(cells.tobytes(), 1))
    document = SimpleNamespace(objects={label: ObjectInfo(label) for label in labels})
    return SimpleNamespace(clicks=(), store=SimpleNamespace(ledger=ledger, document=document))


def shown(qtbot, session) -> Timeline:
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(900, 300)
    timeline.show_session(session)
    with qtbot.waitExposed(timeline):
        timeline.show()
    QApplication.processEvents()
    return timeline


def place(timeline: Timeline, t: float, y: float, box: str = "upper"):
    """Where a frame and a height are in the widget that takes the mouse."""
    view = getattr(timeline.plot, box)
    return timeline.plot.mapFromScene(view.mapViewToScene(QPointF(t, y)))


def click(timeline: Timeline, t: float, y: float = 0.0, box: str = "upper") -> None:
    QTest.mouseClick(timeline.plot.viewport(), Qt.LeftButton, pos=place(timeline, t, y, box))


def send(timeline: Timeline, kind, at, button=Qt.LeftButton, buttons=Qt.LeftButton) -> None:
    viewport = timeline.plot.viewport()
    where = QPointF(viewport.mapToGlobal(QPointF(at).toPoint()))
    event = QMouseEvent(kind, QPointF(at), where, button, buttons, Qt.NoModifier)
    QApplication.sendEvent(viewport, event)


def drag(timeline: Timeline, start, end, qtbot) -> None:
    send(timeline, QEvent.MouseMove, start, Qt.NoButton, Qt.NoButton)
    send(timeline, QEvent.MouseButtonPress, start)
    for step in range(1, DRAG_STEPS + 1):
        qtbot.wait(BETWEEN_MOVES_MS)
        at = start + (end - start) * step / DRAG_STEPS
        send(timeline, QEvent.MouseMove, at, Qt.NoButton)
    send(timeline, QEvent.MouseButtonRelease, end, buttons=Qt.NoButton)


def marks(timeline: Timeline) -> set[tuple[str, int]]:
    return {(group.kind.name, group.first) for group in timeline.plot._marks.groups}


def in_sight(timeline: Timeline) -> tuple[float, float]:
    first, last = timeline.plot.upper.viewRange()[0]
    return first, last


@pytest.mark.parametrize("box", ["upper", "lower"])
@pytest.mark.parametrize("t", [0, 3, 77, 199])
def test_a_click_goes_to_its_frame(timeline, qtbot, t, box):
    with qtbot.waitSignal(timeline.frame_chosen) as chosen:
        click(timeline, t, 0.0, box)
    assert chosen.args == [t]


def test_a_click_beside_the_plot_goes_nowhere(timeline, qtbot):
    with qtbot.assertNotEmitted(timeline.frame_chosen):
        QTest.mouseClick(timeline.plot.viewport(), Qt.LeftButton, pos=place(timeline, -15, 0))
        QTest.mouseClick(timeline.plot.viewport(), Qt.RightButton, pos=place(timeline, 50, 0))


def test_the_wheel_zooms_in_time_only(timeline):
    heights = timeline.plot.upper.viewRange()[1]
    turn(timeline, 100, 960)
    first, last = in_sight(timeline)
    assert last - first < FRAMES / 2
    assert first < 100 < last
    assert timeline.plot.upper.viewRange()[1] == heights
    assert timeline.plot.lower.viewRange()[0] == pytest.approx([first, last])


def turn(timeline: Timeline, t: float, degrees: int, box: str = "upper") -> None:
    viewport = timeline.plot.viewport()
    at = QPointF(place(timeline, t, 0, box))
    where = QPointF(viewport.mapToGlobal(at.toPoint()))
    angle = QPointF(0, degrees).toPoint()
    event = QWheelEvent(
        at, where, angle * 0, angle, Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False
    )
    QApplication.sendEvent(viewport, event)


def test_a_drag_moves_the_sight_and_chooses_no_frame(timeline, qtbot):
    turn(timeline, 100, 960)
    before = in_sight(timeline)
    with qtbot.assertNotEmitted(timeline.frame_chosen):
        drag(timeline, place(timeline, 100, 0, "lower"), place(timeline, 110, 0, "lower"), qtbot)
    after = in_sight(timeline)
    assert after[0] == pytest.approx(before[0] - 10, abs=1)
    assert after[1] - after[0] == pytest.approx(before[1] - before[0])


def test_a_double_click_shows_all_and_stays_on_its_frame(timeline, qtbot):
    timeline.frame_chosen.connect(timeline.set_frame)
    timeline.set_frame(90)
    turn(timeline, 100, 960)
    assert not timeline.plot.shows_all
    at = place(timeline, 100, 0)
    chosen = []
    timeline.frame_chosen.connect(chosen.append)
    for press in (QEvent.MouseButtonPress, QEvent.MouseButtonDblClick):  # as Qt reports it
        send(timeline, press, at)
        send(timeline, QEvent.MouseButtonRelease, at, buttons=Qt.NoButton)
    assert timeline.plot.shows_all
    assert (chosen[0], chosen[-1]) == (100, 90)


def test_nothing_beyond_the_video_comes_into_sight(timeline, qtbot):
    turn(timeline, 100, -960)
    assert in_sight(timeline) == pytest.approx((-0.5, FRAMES - 0.5), abs=0.01 * FRAMES)
    turn(timeline, 100, 96_000)
    first, last = in_sight(timeline)
    assert last - first >= 11.99


@pytest.mark.parametrize(
    ("measure", "name", "others"),
    [
        (Measure.RISE, "user", ("pseudo", "memory")),
        (Measure.RISE, "pseudo", ("user", "memory")),
        (Measure.SCORE, "memory", ("user", "pseudo")),
    ],
)
def test_a_line_that_is_dragged_tells_the_thresholds(timeline, qtbot, measure, name, others):
    timeline.set_thresholds(0.4, 0.2, 0.3)
    timeline.set_measure(measure)
    QApplication.processEvents()
    before = {"user": 0.4, "pseudo": 0.2, "memory": 0.3}
    start, end = place(timeline, 100, before[name]), place(timeline, 100, before[name] + 0.06)
    with (
        qtbot.assertNotEmitted(timeline.frame_chosen),
        qtbot.waitSignal(timeline.thresholds_chosen) as chosen,
    ):
        drag(timeline, start, end, qtbot)
    (thresholds,) = chosen.args
    assert isinstance(thresholds, Thresholds)
    assert getattr(thresholds, name) == pytest.approx(before[name] + 0.06, abs=0.02)
    assert all(getattr(thresholds, other) == before[other] for other in others)


def test_only_the_lines_of_the_shown_curve_are_there(timeline):
    def lines() -> set[str]:
        return {name for name, line in timeline.plot.lines.items.items() if line.isVisible()}

    assert lines() == set()
    timeline.set_thresholds(0.4, None, 0.3)
    assert lines() == {"user"}
    timeline.set_thresholds(0.4, 0.2, 0.3)
    assert lines() == {"user", "pseudo"}
    timeline._buttons[Measure.SCORE].click()
    assert lines() == {"memory"}
    timeline.set_thresholds(0.4, 0.2, None)
    assert lines() == set()


def test_the_two_curves(timeline, session):
    x, y = timeline.plot._curves[1].getData()
    assert np.array_equal(y, session.store.ledger.rises(1), equal_nan=True)
    timeline.set_measure(Measure.SCORE)
    x, y = timeline.plot._curves[1].getData()
    assert np.array_equal(x, np.arange(FRAMES))
    assert np.array_equal(y, session.store.ledger.scores(1), equal_nan=True)


def test_marks_stand_where_they_happened(timeline, session):
    ledger = session.store.ledger
    ledger.record(0, [Row(1, State.TRACKED, Origin.HUMAN)])
    ledger.record(40, [Row(2, State.TRACKED, Origin.PSEUDO)])
    ledger.record(60, [Row(2, State.TRACKED, Origin.MACHINE, call=Call.OPEN)])
    ledger.record(120, [Row(2, State.ENDED, Origin.HUMAN)])
    session.clicks = (PlacedClick(1, 0, 5, 5, 1, True), PlacedClick(2, 80, 5, 5, 1, False))
    timeline.refresh()
    assert marks(timeline) == {
        ("INCLUDE", 0),
        ("EXCLUDE", 80),
        ("PSEUDO", 40),
        ("OPEN", 60),
        ("ENDS", 120),
    }
    drawn = timeline.plot._marks.data
    place_of = {each["data"].kind: (each["x"], each["y"]) for each in drawn}
    assert place_of[Mark.INCLUDE] == (0, 0)
    assert place_of[Mark.PSEUDO] == (40, 1)
    assert place_of[Mark.OPEN][0] == 60
    assert 0.5 < place_of[Mark.OPEN][1] < 1  # on the upper rim of the second lane
    texts = {each["data"].kind: each["data"].text for each in drawn}
    assert texts[Mark.OPEN] == "Object 2, frame 60: you are asked for help"
    assert timeline.legend.words[0] == "include"
    assert {"exclude", "asks you", "ends", "tracked"} <= set(timeline.legend.words)
    assert len(set(timeline.legend.words)) == len(timeline.legend.words)


def test_marks_that_are_too_near_are_counted(timeline, session):
    for t in range(64, 68):
        session.store.ledger.record(t, [Row(1, State.TRACKED, Origin.PSEUDO)])
    timeline.refresh()
    (group,) = timeline.plot._marks.groups
    assert (group.first, group.last, group.count) == (64, 67, 4)
    assert "frames 64 to 67" in group.text
    assert "4 times" in group.text


def test_bars_say_who_made_the_masks(timeline, session):
    session.store.ledger.mark_stale(2, 30, 60)
    timeline.refresh()
    assert set(timeline.plot.bars) == {Provenance.TRACKED, Provenance.STALE, Provenance.UNTRACKED}
    stale = [
        r for b, found in timeline.plot._bars._bars for r in found if b.style() == Qt.BDiagPattern
    ]
    (bar,) = stale
    assert (bar.left(), bar.right()) == (29.5, 59.5)
    assert bar.center().y() == 1


def test_frames_that_were_tracked_appear(timeline, session):
    session.store.ledger.record(150, [Row(1, State.TRACKED, Origin.MACHINE, score=0.3, rise=0.1)])
    timeline.refresh({150})
    _, y = timeline.plot._curves[1].getData()
    assert y[150] == np.float32(0.1)
    assert np.isnan(y[151])


def test_nothing_is_drawn_anew_when_nothing_changed(timeline):
    drawn = []
    timeline.plot.drawn.connect(lambda: drawn.append(1))
    timeline.refresh()
    timeline.refresh(())
    assert not drawn


def test_what_happens_while_it_is_hidden_is_made_up_for(timeline, session, qtbot):
    timeline.hide()
    session.store.ledger.record(150, [Row(1, State.TRACKED, Origin.MACHINE, score=0.3, rise=0.1)])
    timeline.refresh({150})
    timeline.refresh({0})
    assert np.isnan(timeline.plot._curves[1].getData()[1][150])
    with qtbot.waitExposed(timeline):
        timeline.show()
    assert timeline.plot._curves[1].getData()[1][150] == np.float32(0.1)


def test_a_new_object_and_a_removed_one(timeline, session):
    session.store.ledger.record(3, [Row(7, State.TRACKED, Origin.HUMAN)])
    timeline.refresh({3})
    assert set(timeline.plot._curves) == {1, 2, 7}
    for label in (1, 2, 7):
        session.store.ledger.forget(label)
        timeline.refresh()
    assert not timeline.plot.isVisible()
    assert timeline._empty.isVisible()


def test_a_video_that_grows_stays_in_sight_as_a_whole(timeline, session):
    session.store.ledger.resize(300)
    timeline.refresh()
    assert in_sight(timeline) == pytest.approx((-0.5, 299.5), abs=3)


def test_the_cursor_follows_and_pulls_the_sight_along(timeline):
    timeline.set_frame(42)
    assert {cursor.value() for cursor in timeline.plot._cursors} == {42}
    turn(timeline, 42, 960)
    width = np.diff(in_sight(timeline))[0]
    timeline.set_frame(180)
    first, last = in_sight(timeline)
    assert first <= 180 <= last
    assert last - first == pytest.approx(width)


def test_the_sight_stays_where_a_person_has_moved_it(timeline):
    timeline.set_frame(10)
    turn(timeline, 150, 960)
    before = in_sight(timeline)
    assert not before[0] <= 10 <= before[1]
    timeline.set_frame(11)
    assert in_sight(timeline) == before


def test_the_chosen_object_stands_out(timeline):
    timeline.set_label(2)
    curves = timeline.plot._curves
    assert curves[2].opts["pen"].widthF() > curves[1].opts["pen"].widthF()
    assert curves[2].zValue() > curves[1].zValue()
    ((_, lane),) = timeline.plot._bars._back
    assert lane.center().y() == 1


def test_the_range_that_will_be_tracked_anew_is_shaded(timeline):
    region = timeline.plot._region
    timeline.show_reach([Reach(2, 30, 60)])
    assert region.isVisible()
    assert region.getRegion() == (29.5, 59.5)
    ((_, lane),) = timeline.plot._bars._back
    assert (lane.left(), lane.right(), lane.center().y()) == (29.5, 59.5, 1)
    timeline.show_reach()
    assert not region.isVisible()
    assert timeline.plot._bars._back == []


def test_what_was_said_before_there_was_anything_to_draw(qtbot, session):
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.set_frame(12)
    timeline.set_label(1)
    timeline.set_thresholds(0.5, None, None)
    timeline.set_measure(Measure.RISE)
    timeline.show_session(session)
    timeline.show_reach([Reach(1, 3, 9)])
    with qtbot.waitExposed(timeline):
        timeline.show()
    assert timeline.plot._cursors[0].value() == 12
    assert timeline.plot._region.isVisible()
    assert timeline.plot.lines.items["user"].value() == 0.5


def test_as_many_points_as_pixels_however_long_the_video(qtbot, tmp_path):
    session = make_session(tmp_path, 100_000, labels=(1, 2, 3))
    rng = np.random.default_rng(0)
    clicks = enumerate(rng.integers(0, 100_000, 500))
    session.clicks = tuple(PlacedClick(i, int(t), 5, 5, 2, True) for i, t in clicks)
    timeline = shown(qtbot, session)
    assert timeline.plot.points <= 3 * 3 * timeline.width()
    top = np.nanmax(timeline.plot._curves[2].getData()[1])
    assert top == session.store.ledger.rises(2).max()
    assert sum(group.count for group in timeline.plot._marks.groups) == 500


def test_it_takes_no_key_from_napari(timeline):
    click(timeline, 50)
    assert timeline.plot.focusPolicy() == Qt.NoFocus
    assert not timeline.plot.hasFocus()
    assert all(button.focusPolicy() == Qt.NoFocus for button in timeline._buttons.values())


def test_it_takes_over_another_theme(timeline):
    palette = QPalette()
    palette.setColor(QPalette.Window, QColor("#ffffff"))
    palette.setColor(QPalette.WindowText, QColor("#102030"))
    timeline.setPalette(palette)
    assert timeline.plot.backgroundBrush().color() == QColor("#ffffff")
    assert timeline.plot._cursors[0].pen.color() == QColor("#102030")


def test_no_session_and_an_empty_one(qtbot, tmp_path):
    timeline = shown(qtbot, None)
    assert timeline._empty.isVisible()
    timeline.show_session(make_session(tmp_path, 10, labels=()))
    assert timeline._empty.isVisible()
    assert timeline.plot is None


def test_a_real_session_that_closes_while_it_is_shown(qtbot, movie, bright, true_mask):
    session = Session(movie, tracker=bright(), refiner="bright")
    session.set_mask(0, true_mask(1, 0))
    timeline = shown(qtbot, session)
    for event in session.run():
        if hasattr(event, "label_map"):
            timeline.refresh({event.t})
    _, y = timeline.plot._curves[1].getData()
    assert np.array_equal(y, session.store.ledger.rises(1), equal_nan=True)
    session.close()
    timeline.refresh()
    timeline.set_measure(Measure.SCORE)
    assert not timeline.grab().isNull()
    timeline.show_session(None)
    assert timeline._empty.isVisible()


def test_the_widget_alone_does_not_load_the_drawing_library():
    code = (
        "import sys; from napari_lazyvos.gui.timeline import Timeline;"
        "assert 'pyqtgraph' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr

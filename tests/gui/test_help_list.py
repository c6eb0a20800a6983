"""The list of open calls: what stands in it, where it leads, and that it stays quick."""

import dataclasses

import numpy as np
import pytest
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QPixmap

from napari_lazyvos.gui import thumbnails
from napari_lazyvos.gui.colours import colour_of
from napari_lazyvos.gui.help_list import HelpList
from napari_lazyvos.gui.help_model import COLUMNS, FRAME, OBJECT, RISE, SCORE, CallsModel
from napari_lazyvos.gui.question import Overview
from napari_lazyvos.gui.thumbnails import SIDE, Thumbnails, thumbnail
from napari_lazyvos.lazy.calls import OpenCall
from napari_lazyvos.lazy.policy import Policy

CALLS = (OpenCall(7, 1, 0.9, 0.5), OpenCall(3, 2, 0.4, 0.3), OpenCall(5, 1, 0.6, float("nan")))


@pytest.fixture
def collected(dock, movie, centre, doubting):
    """A desk whose tracker was unsure of both objects, and its help list."""
    desk = dock(
        movie,
        tracker=doubting({4: {1}, 6: {2}, 9: {1}}),
        policy=Policy(tau_user=0.2, tau_pseudo=None),
    )
    for label in (1, 2):
        desk.widget.binding.choose(label=label)
        desk.layers.clicks.add((0, *centre(label, 0)))
        desk.quiet()
    desk.widget.help.modes.setCurrentIndex(1)
    desk.widget.show_help_list()
    docked = desk.viewer.window.dock_widgets.values()
    desk.list = next(widget for widget in docked if isinstance(widget, HelpList))
    desk.widget.track.track.click()
    desk.wait(lambda: desk.list.model.rowCount() == 3)
    desk.quiet()
    return desk


def texts(model, column):
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_it_lists_what_is_open_and_counts_what_is_answered(collected):
    desk = collected
    assert desk.widget.help.list.text() == "Help list (3)"
    assert desk.list.count.text() == "3 open"
    assert sorted(texts(desk.list.model, FRAME), key=int) == ["4", "6", "9"]
    desk.session.name_object(2, "left cell")
    desk.wait(lambda: "left cell" in texts(desk.list.model, OBJECT))
    desk.session.confirm(2, 6)
    desk.wait(lambda: desk.list.model.rowCount() == 2)
    assert desk.list.count.text() == "2 open · 1 answered"
    desk.widget.undo.click()
    desk.wait(lambda: desk.list.model.rowCount() == 3)


def test_a_line_leads_to_its_frame(collected):
    desk = collected
    desk.list.model.sort(FRAME, Qt.AscendingOrder)
    desk.list.table.selectRow(1)
    desk.list.there.click()
    desk.wait(lambda: desk.widget.asking.open)
    assert desk.layers.shown_frame() == 6
    assert desk.widget.asking.question.label == 2
    desk.list.table.activated.emit(desk.list.model.index(0, FRAME))  # Enter, or a double click
    desk.wait(lambda: desk.widget.asking.question.t == 4)


def test_pictures_are_made_when_they_are_seen(collected):
    desk = collected
    model = desk.list.model
    desk.list.thumbnails.clear()
    index = model.index(0, 0)
    assert index.data(Qt.DecorationRole) is None
    desk.wait(lambda: model.index(0, 0).data(Qt.DecorationRole) is not None)
    assert model.index(0, 0).data(Qt.DecorationRole).width() == SIDE


def test_a_picture_shows_the_object_and_its_outline(collected, true_mask):
    desk = collected
    picture = thumbnail(desk.session, OpenCall(4, 1, 0.5, 0.4))
    assert (picture.shape, picture.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert (picture[SIDE // 2, SIDE // 2] > 200).all()  # the disc is bright
    outline = [int(colour_of(1)[i : i + 2], 16) for i in (1, 3, 5)]
    assert (picture == outline).all(axis=-1).sum() > SIDE


def test_a_session_that_is_closed_empties_the_list(collected):
    desk = collected
    desk.widget.video.end.click()
    assert desk.list.model.rowCount() == 0
    assert not desk.list.there.isEnabled()


def test_without_the_widget_it_says_what_to_do(viewer):
    _, alone = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Help list")
    assert "Lazy segmentation" in alone.count.text()


def test_the_widget_closed_before_the_list(collected, qtbot):
    desk = collected
    desk.viewer.window.remove_dock_widget(desk.widget)
    qtbot.waitUntil(lambda: "Lazy segmentation" in desk.list.count.text())
    assert desk.list.model.rowCount() == 0


@pytest.fixture
def model(qtbot):
    parent = QObject()
    asked = []
    model = CallsModel(lambda call: asked.append(call), parent)
    model.asked, model.keep = asked, parent
    return model


def test_lines_are_sorted_by_each_column(model):
    model.show_overview(Overview(CALLS, 0, {1: "a", 2: "b"}))
    assert texts(model, RISE) == ["+0.50", "+0.30", "-"]  # the default
    for column, first in ((FRAME, "3"), (SCORE, "0.40"), (OBJECT, "a"), (RISE, "-")):
        model.sort(column, Qt.AscendingOrder)
        assert texts(model, column)[0] == first
        rising = texts(model, column)
        model.sort(column, Qt.DescendingOrder)
        assert texts(model, column) == rising[::-1]
    assert [model.headerData(i, Qt.Horizontal) for i in range(5)] == list(COLUMNS)


def test_nothing_is_drawn_anew_where_nothing_has_changed(model):
    resets = []
    model.modelReset.connect(lambda: resets.append(1))
    overview = Overview(CALLS, 0, {1: "a"})
    model.show_overview(overview)
    assert not model.show_overview(dataclasses.replace(overview, answered=3))
    assert len(resets) == 1


def test_of_thousands_of_calls_only_the_visible_ones_are_asked_for(model, qtbot):
    from napari_lazyvos.gui.help_list import _make_table

    table = _make_table(model)
    qtbot.addWidget(table)
    table.resize(340, 400)
    table.show()
    model.show_overview(Overview(tuple(OpenCall(t, 1, 0.5, 0.4) for t in range(5000))))
    table.grab()
    assert 0 < len({call.t for call in model.asked}) < 30


def test_pictures_are_bounded_and_the_last_wanted_come_first(qtbot, monkeypatch):
    monkeypatch.setattr(thumbnails, "KEPT", 5)
    monkeypatch.setattr(thumbnails, "WAITING", 3)
    parent, jobs = QObject(), []
    pictures = Thumbnails(lambda text, work, then: jobs.append((work, then)), parent)
    calls = [OpenCall(t, 1, 0.5, 0.4) for t in range(10)]
    for call in calls:
        assert pictures.get(call) is None
    made = []
    pictures.made.connect(made.append)
    while jobs:
        _, then = jobs.pop()
        then(np.zeros((SIDE, SIDE, 3), np.uint8))
    assert [call.t for call in made] == [0, 9, 8, 7]  # the first was under way
    assert isinstance(pictures.get(calls[9]), QPixmap)
    pictures.get(calls[3])
    jobs.pop()[1](None)  # it could not be made, and is not tried again and again
    assert pictures.get(calls[3]).isNull()
    assert not jobs


def test_a_picture_at_the_edge_of_a_frame(collected):
    desk = collected
    shape = desk.session.store.masks.shape[1:]
    mask = np.zeros(shape, np.uint8)
    mask[:5, -5:] = 1
    desk.session.set_mask(11, mask, label=1)
    picture = thumbnail(desk.session, OpenCall(11, 1, 0.5, 0.4))
    assert picture.any()
    assert (picture[0] == 0).all()  # beyond the frame

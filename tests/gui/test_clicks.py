import numpy as np
import pytest

from napari_lazyvos.gui.colours import EXCLUDE, INCLUDE, colour_of

RIGHT, MIDDLE = 2, 3


def placed(desk):
    """The session's clicks as (t, y, x, label, positive)."""
    return [(c.t, c.y, c.x, c.label, c.positive) for c in desk.session.clicks]


def test_a_left_click_gives_a_mask_at_once(dock, movie, centre, true_mask, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    desk.quiet()
    assert placed(desk) == [(0, *centre(1, 0), 1, True)]
    np.testing.assert_array_equal(desk.layers.masks.data[0], true_mask(1, 0))


@pytest.mark.parametrize(
    ("how", "positive"),
    [({}, True), ({"modifiers": ("Shift",)}, False), ({"button": RIGHT}, False)],
)
def test_shift_and_the_right_button_give_the_other_polarity(
    dock, movie, centre, press, how, positive
):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    press(desk.layers.clicks, (0, 25, 30), **how)
    press(desk.layers.clicks, (0, 26, 31))
    desk.quiet()
    assert [click[-1] for click in placed(desk)] == [True, positive, True]


def test_with_exclude_chosen_the_right_button_includes(dock, movie, centre, press):
    desk = dock(movie)
    desk.widget.objects.exclude.click()
    press(desk.layers.clicks, (0, *centre(1, 0)), button=RIGHT)
    press(desk.layers.clicks, (0, 25, 30))
    desk.quiet()
    assert [click[-1] for click in placed(desk)] == [True, False]


def test_the_middle_button_never_clicks(dock, movie, centre, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)), button=MIDDLE)
    press(desk.layers.clicks, (0, *centre(2, 0)))
    desk.quiet()
    assert placed(desk) == [(0, *centre(2, 0), 1, True)]
    assert len(desk.layers.clicks.data) == 1


def test_polarity_is_a_feature_and_shows_as_colour_and_symbol(dock, movie, centre, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    press(desk.layers.clicks, (0, 25, 30), button=RIGHT)
    desk.quiet()
    layer = desk.layers.clicks
    assert list(layer.features["kind"]) == ["include", "exclude"]
    assert [str(symbol) for symbol in layer.symbol] == ["disc", "x"]
    assert [rgb(colour) for colour in layer.face_color] == [INCLUDE, EXCLUDE]
    assert {rgb(colour) for colour in layer.border_color} == {colour_of(1)}
    assert rgb(desk.layers.masks.get_color(1)) == colour_of(1)


def test_a_click_on_another_object_leaves_the_first_alone(dock, movie, centre, true_mask, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    desk.quiet()
    desk.widget.objects.new.click()
    press(desk.layers.clicks, (0, *centre(2, 0)))
    desk.quiet()
    assert desk.session.labels == (1, 2)
    expected = true_mask(1, 0) + 2 * true_mask(2, 0)
    np.testing.assert_array_equal(desk.layers.masks.data[0], expected)


def test_selecting_an_old_point_does_not_change_what_the_next_click_says(
    dock, movie, centre, press
):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    press(desk.layers.clicks, (0, 25, 30), button=RIGHT)
    desk.quiet()
    desk.layers.clicks.selected_data = {1}
    desk.widget.objects.new.click()
    press(desk.layers.clicks, (0, *centre(2, 0)))
    desk.quiet()
    assert placed(desk)[-1] == (0, *centre(2, 0), 2, True)
    assert list(desk.layers.clicks.features["label"]) == [1, 1, 2]


def test_dragging_a_point_moves_the_click(dock, movie, centre, true_mask, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    desk.quiet()
    layer = desk.layers.clicks
    moved = layer.data.copy()
    moved[0, 1:] = centre(2, 0)
    layer.data = moved
    desk.quiet()
    assert placed(desk) == [(0, *centre(2, 0), 1, True)]
    np.testing.assert_array_equal(desk.layers.masks.data[0], true_mask(2, 0))


def test_a_point_moved_and_deleted_before_the_session_answers(dock, movie, centre):
    desk = dock(movie)
    layer = desk.layers.clicks
    layer.add((0, *centre(1, 0)))  # nothing is awaited in between
    layer.data = np.array([[0.0, *centre(2, 0)]])
    layer.selected_data = {0}
    layer.remove_selected()
    desk.quiet()
    assert placed(desk) == []
    assert len(layer.data) == 0
    assert not np.asarray(desk.layers.masks.data[0]).any()


def test_deleting_a_point_takes_its_mask_away(dock, movie, centre, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    desk.quiet()
    desk.layers.clicks.selected_data = {0}
    desk.layers.clicks.remove_selected()
    desk.quiet()
    assert placed(desk) == []
    assert not np.asarray(desk.layers.masks.data[0]).any()


def test_flipping_the_only_click_ends_the_object_there(dock, movie, centre, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    desk.quiet()
    desk.layers.clicks.selected_data = {0}
    desk.widget.binding.clicks.flip_selected()
    desk.quiet()
    assert placed(desk)[0][-1] is False
    assert list(desk.layers.clicks.features["kind"]) == ["exclude"]
    assert not np.asarray(desk.layers.masks.data[0]).any()


def test_pasted_points_are_new_clicks(dock, movie, centre, press):
    desk = dock(movie)
    press(desk.layers.clicks, (0, *centre(1, 0)))
    desk.quiet()
    layer = desk.layers.clicks
    layer.features = layer.features  # what napari's paste does: the same features once more
    layer.feature_defaults = dict(layer.features.iloc[0])
    layer.add((0, *centre(2, 0)))
    desk.quiet()
    assert len({click.id for click in desk.session.clicks}) == 2


def test_a_click_outside_the_frame_is_refused_with_a_sentence(dock, movie):
    desk = dock(movie)
    desk.layers.clicks.add((0, 200, 10))
    desk.quiet()
    assert len(desk.layers.clicks.data) == 0
    assert "outside the frame" in desk.widget.hint.text()
    assert "200" in desk.widget.hint.text()


def test_clicks_from_the_console_and_undo_appear_as_points(dock, movie, centre):
    desk = dock(movie)
    desk.session.click(3, *centre(1, 3))
    desk.wait(lambda: len(desk.layers.clicks.data) == 1)
    np.testing.assert_array_equal(desk.layers.clicks.data, [[3, *centre(1, 3)]])
    desk.widget.undo.click()
    desk.wait(lambda: len(desk.layers.clicks.data) == 0)
    desk.wait(desk.widget.redo.isEnabled)
    desk.widget.redo.click()
    desk.wait(lambda: len(desk.layers.clicks.data) == 1)


def rgb(colour) -> str:
    return "#" + "".join(f"{round(255 * float(channel)):02x}" for channel in colour[:3])

import numpy as np

from napari_lazyvos.store.ledger import Origin


def brush(layer, t, y, x):
    """Draw a short stroke, as napari's own mouse handler does."""
    with layer.block_history():
        layer.paint((t, y, x), layer.selected_label)
        layer.paint((t, y, x + 3), layer.selected_label)


def test_a_stroke_is_a_correction(dock, movie, centre):
    desk = dock(movie)
    desk.session.click(0, *centre(1, 0))
    desk.wait(lambda: desk.widget.binding.status.labels == (1,))
    masks = desk.layers.masks
    before = desk.session.store.masks.stored(0).copy()
    masks.brush_size = 4
    brush(masks, 0, 40, 30)
    desk.quiet()
    after = desk.session.store.masks.stored(0)
    assert (after[38:42, 30:33] == 1).any()
    assert (after[before == 1] == 1).all()
    assert desk.session.store.ledger.row(1, 0).origin == Origin.HUMAN
    assert desk.session.store.masks.strokes() == {}


def test_a_stroke_with_a_new_label_makes_a_new_object(dock, movie, centre):
    desk = dock(movie)
    desk.session.click(0, *centre(1, 0))
    desk.wait(lambda: desk.widget.binding.status.labels == (1,))
    desk.layers.masks.selected_label = 2
    assert desk.widget.binding.label == 2
    brush(desk.layers.masks, 0, 40, 30)
    desk.quiet()
    assert desk.session.labels == (1, 2)


def test_erasing_an_object_altogether_ends_it(dock, movie, centre):
    desk = dock(movie)
    desk.session.click(4, *centre(1, 4))
    desk.wait(lambda: desk.widget.binding.status.labels == (1,))
    desk.layers.show_frame(4)
    desk.layers.masks.fill((4, *centre(1, 4)), 0)
    desk.quiet()
    assert not desk.session.store.masks.stored(4).any()
    assert desk.widget.objects.list.topLevelItem(0).text(1) == "ended"


def test_napari_cannot_undo_an_old_stroke_into_a_new_mask(dock, movie, centre):
    desk = dock(movie)
    masks = desk.layers.masks
    masks.mode = "paint"
    brush(masks, 0, 40, 30)
    desk.quiet()
    assert masks.mode == "paint"  # the person can draw on
    expected = np.array(masks.data[0])
    masks.undo()  # napari's own history
    np.testing.assert_array_equal(masks.data[0], expected)


def test_undo_takes_a_stroke_back(dock, movie):
    desk = dock(movie)
    brush(desk.layers.masks, 0, 40, 30)
    desk.quiet()
    assert np.asarray(desk.layers.masks.data[0]).any()
    desk.widget.undo.click()
    desk.quiet()
    assert not np.asarray(desk.layers.masks.data[0]).any()


def test_nobody_draws_while_the_engine_tracks(dock, movie, centre, bright):
    desk = dock(movie, tracker=bright(seconds=0.05))
    desk.session.click(0, *centre(1, 0))
    desk.wait(desk.widget.track.track.isEnabled)
    desk.widget.track.track.click()
    assert not desk.layers.masks.editable
    desk.quiet()
    assert desk.layers.masks.editable

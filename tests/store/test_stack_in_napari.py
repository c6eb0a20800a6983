"""napari shows a stack and paints into it, as it does with a numpy array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_lazyvos.store.stack import FrameStack

SHAPE = (6, 40, 50)


@pytest.fixture
def content() -> np.ndarray:
    content = np.zeros(SHAPE, np.uint8)
    for t in range(SHAPE[0]):
        content[t, 5:15, 5 + t : 15 + t] = 1
    return content


@pytest.fixture
def stack(tmp_path: Path, content: np.ndarray) -> FrameStack:
    stack = FrameStack.create(tmp_path / "masks", SHAPE)
    for t, plane in enumerate(content):
        stack.write(t, plane)
    return stack


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def layer(viewer: ViewerModel, stack: FrameStack) -> Labels:
    return viewer.add_labels(stack)


def shown(layer: Labels) -> np.ndarray:
    return np.asarray(layer._slice.image.raw)


def test_shows_each_frame(viewer: ViewerModel, layer: Labels, content: np.ndarray):
    assert layer.data.__class__ is FrameStack
    for t in (0, 3, 5):
        viewer.dims.set_current_step(0, t)
        np.testing.assert_array_equal(shown(layer), content[t])


def test_shows_what_the_engine_writes(viewer: ViewerModel, layer: Labels, stack: FrameStack):
    viewer.dims.set_current_step(0, 2)
    stack.write(2, np.full(SHAPE[1:], 4, np.uint8))
    layer.refresh(thumbnail=False, highlight=False, extent=False)
    assert (shown(layer) == 4).all()


def test_paint_undo_redo(viewer: ViewerModel, layer: Labels, stack: FrameStack, content):
    viewer.dims.set_current_step(0, 3)
    layer.brush_size = 4
    layer.paint((3, 30, 30), 2)
    assert stack[3, 30, 30] == 2
    assert shown(layer)[30, 30] == 2
    assert set(stack.strokes()) == {3}
    np.testing.assert_array_equal(stack.stored(3), content[3])
    layer.undo()
    np.testing.assert_array_equal(stack[:], content)
    np.testing.assert_array_equal(shown(layer), content[3])
    layer.redo()
    assert stack[3, 30, 30] == 2


def test_fill(viewer: ViewerModel, layer: Labels, stack: FrameStack, content: np.ndarray):
    viewer.dims.set_current_step(0, 1)
    layer.fill((1, 10, 10), 3)
    np.testing.assert_array_equal(stack[1], content[1] * 3)
    np.testing.assert_array_equal(stack[2], content[2])


def test_data_setitem(viewer: ViewerModel, layer: Labels, stack: FrameStack, content: np.ndarray):
    viewer.dims.set_current_step(0, 1)
    layer.data_setitem((np.array([1, 4]), np.array([20, 21]), np.array([22, 23])), 5)
    assert stack[1, 20, 22] == 5
    assert stack[4, 21, 23] == 5
    assert shown(layer)[20, 22] == 5
    layer.undo()
    np.testing.assert_array_equal(stack[:], content)


def test_polygon_and_picking(viewer: ViewerModel, layer: Labels, stack: FrameStack):
    viewer.dims.set_current_step(0, 2)
    layer.paint_polygon([[2, 20, 20], [2, 20, 30], [2, 30, 30], [2, 30, 20]], 6)
    assert (stack[2, 22:28, 22:28] == 6).all()
    assert layer.get_value((2, 25, 25)) == 6
    assert layer.get_value((2, 2, 2)) == 0


def test_uncertainty_as_an_image(viewer: ViewerModel, stack: FrameStack, content: np.ndarray):
    image = viewer.add_image(stack, contrast_limits=(0, 255))
    viewer.dims.set_current_step(0, 4)
    np.testing.assert_array_equal(np.asarray(image._slice.image.raw), content[4])

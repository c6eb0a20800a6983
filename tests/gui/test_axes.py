import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.lifted import Lifted
from napari_lazyvos.store.stack import FrameStack


@given(
    time=st.integers(0, 2),
    t=st.integers(0, 9),
    y=st.floats(0, 30),
    x=st.floats(0, 30),
)
def test_places_and_points_are_each_others_inverse(time, t, y, x):
    axes = Axes((10, 10, 10, 31, 31), time, at=(4, 5, 6, 0, 0))
    point = axes.point(t, y, x)
    assert axes.place(point) == (t, y, x)
    assert [point[axis] for axis in axes.others] == [(4, 5, 6)[axis] for axis in axes.others]


def test_a_picture_has_no_time():
    with pytest.raises(ValueError, match="cannot be time"):
        Axes((10, 20), 0)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    stack = FrameStack.create(tmp_path_factory.mktemp("stack") / "masks", (5, 6, 7))
    rng = np.random.default_rng(0)
    for t in range(5):
        stack.write(t, rng.integers(0, 9, (6, 7), dtype=np.uint8))
    return stack


def parts(length):
    spans = st.builds(slice, st.integers(0, length - 1), st.integers(1, length))
    return st.one_of(st.integers(-length, length - 1), spans, st.just(slice(None)))


@given(time=st.integers(0, 1), data=st.data())
def test_reading_is_that_of_a_broadcast_array(frames, time, data):
    shape = (5, 3, 6, 7) if time == 0 else (3, 5, 6, 7)
    lifted = Lifted(frames, Axes(shape, time))
    expected = np.broadcast_to(np.expand_dims(np.asarray(frames), 1 - time), shape)
    key = tuple(data.draw(parts(length)) for length in shape)
    np.testing.assert_array_equal(lifted[key], expected[key])
    np.testing.assert_array_equal(lifted[..., 2], expected[..., 2])
    np.testing.assert_array_equal(lifted[1], expected[1])


def test_what_is_read_may_be_written_into(frames):
    lifted = Lifted(frames, Axes((5, 3, 6, 7), 0))
    lifted[2, 1][:] = 0  # napari does so
    assert np.asarray(frames[2]).any()


def test_drawing_at_any_index_draws_on_the_frame(tmp_path):
    stack = FrameStack.create(tmp_path / "masks", (5, 6, 7))
    lifted = Lifted(stack, Axes((5, 3, 6, 7), 0))
    lifted[slice(2, 3), slice(1, 2), slice(1, 3), slice(4, 6)] = np.full((1, 1, 2, 2), 4)
    lifted[4, 2, 0, 0] = 7
    lifted[np.array([3]), np.array([1]), np.array([5]), np.array([6])] = 2
    expected = np.zeros((5, 6, 7), np.uint8)
    expected[2, 1:3, 4:6], expected[4, 0, 0], expected[3, 5, 6] = 4, 7, 2
    np.testing.assert_array_equal(np.asarray(stack), expected)

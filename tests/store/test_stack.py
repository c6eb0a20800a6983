"""The stack behaves as a numpy array does, on disk, with a person drawing into it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.stack import FrameStack

SHAPE = (7, 5, 6)
PLANE_BYTES = 30


@pytest.fixture
def stack(tmp_path: Path) -> FrameStack:
    return FrameStack.create(tmp_path / "masks", SHAPE)


def filled(stack: FrameStack) -> np.ndarray:
    content = np.random.default_rng(0).integers(0, 255, SHAPE, dtype=np.uint8)
    for t, plane in enumerate(content):
        stack.write(t, plane)
    return content


KEYS = [
    3,
    -1,
    np.int64(2),
    (2, 1, 3),
    (2, slice(1, 4), slice(None)),
    (slice(2, 3), slice(1, 4), slice(0, 2)),
    slice(None),
    slice(5, 1, -2),
    slice(4, 4),
    (slice(None), 2, 3),
    (slice(1, 5), np.array([0, 1, 4]), np.array([0, 2, 5])),
    (slice(1, 5), 2, [1, 3]),
    ...,
    (..., 1),
    (2, ..., slice(0, 3)),
    [0, 3, 3],
    np.array([[0, 1], [6, -2]]),
    ([1, 4], slice(1, 3)),
    (np.array([0, 6, 0]), np.array([1, 2, 1]), np.array([5, 0, 5])),
    (np.array([0, 6]), np.array([1, 2]), 3),
    np.arange(7) % 2 == 0,
    np.random.default_rng(1).random(SHAPE) < 0.1,
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_reads_as_numpy(stack: FrameStack, key):
    content = filled(stack)
    got, expected = stack[key], content[key]
    assert np.shape(got) == expected.shape
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_draws_as_numpy(stack: FrameStack, key):
    content = filled(stack)
    values = np.random.default_rng(2).integers(0, 255, content[key].shape, dtype=np.uint8)
    if isinstance(key, list):
        values[2] = values[1]  # one frame named twice: which value wins is not defined
    content[key] = values
    stack[key] = values
    np.testing.assert_array_equal(stack, content)


@pytest.mark.parametrize("key", [7, (0, 5), (0, 0, 0, 0), None, (..., ...), [True], [0, 9], 1.5])
def test_bad_index(stack: FrameStack, key):
    with pytest.raises((IndexError, TypeError)):
        stack[key]


planes = st.integers(0, 3).map(lambda value: np.full(SHAPE[1:], value, np.uint8))
frames = st.integers(0, SHAPE[0] - 1)
actions = st.one_of(
    st.tuples(st.just("write"), frames, planes),
    st.tuples(st.just("erase"), frames),
    st.tuples(st.just("draw"), frames, st.integers(0, 4), st.integers(1, 9)),
    st.tuples(st.just("drop"), frames),
    st.tuples(st.just("look"), frames),
    st.tuples(st.just("widen")),
    st.tuples(st.just("reopen")),
)


@settings(max_examples=60)
@given(st.lists(actions, max_size=25))
def test_agrees_with_two_numpy_arrays(steps):
    """One array is what the engine wrote, the other what the person sees."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks"
        FrameStack.create(path, SHAPE)
        stack = FrameStack(path, cache_bytes=2 * PLANE_BYTES)
        stored, strokes = np.zeros(SHAPE, np.uint16), {}
        for kind, *args in steps:
            t = args[0] if args else 0
            if kind == "write":
                stack.write(t, args[1])
                stored[t] = args[1]
            elif kind == "erase":
                stack.erase(t)
                stored[t] = 0
            elif kind == "draw":
                stack[t, args[1]] = args[2]
                strokes.setdefault(t, stored[t].copy())[args[1]] = args[2]
            elif kind == "drop":
                assert stack.drop_stroke(t)
                strokes.pop(t, None)
            elif kind == "widen":
                stack.widen()
            elif kind == "reopen":
                stack, strokes = FrameStack(path, cache_bytes=2 * PLANE_BYTES), {}
            np.testing.assert_array_equal(stack.stored(t), stored[t])
            np.testing.assert_array_equal(stack.frame(t), strokes.get(t, stored[t]))
        seen = stored.copy()
        for t, stroke in strokes.items():
            seen[t] = stroke
        np.testing.assert_array_equal(stack[:], seen)
        np.testing.assert_array_equal(FrameStack(path)[:], stored)


def test_frames_that_were_never_written_touch_no_disk(tmp_path: Path):
    stack = FrameStack.create(tmp_path / "masks", SHAPE)
    shutil.rmtree(tmp_path / "masks")
    assert not stack[:].any()


def test_looks_like_an_array(stack: FrameStack):
    assert (stack.shape, stack.ndim, len(stack), stack.dtype) == (SHAPE, 3, 7, np.uint8)
    assert (stack.size, stack.nbytes) == (210, 210)
    assert np.asarray(stack, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.array(stack, copy=False)


def test_planes_that_were_handed_out_never_change(stack: FrameStack):
    stack.write(1, np.ones(SHAPE[1:], np.uint8))
    stack[2] = 1
    stored, stroke = stack.frame(1), stack.frame(2)
    with pytest.raises(ValueError, match="read-only"):
        stored[0] = 5
    stack.write(1, np.full(SHAPE[1:], 2, np.uint8))
    stack[2, 0] = 9
    assert (stored == 1).all()
    assert (stroke == 1).all()


def test_what_is_indexed_is_a_copy(stack: FrameStack):
    stack[2][:] = 5
    assert not stack[2].any()


def test_a_newer_stroke_is_not_dropped_with_the_one_that_was_seen(stack: FrameStack):
    stack[2, 0] = 1
    seen = stack.strokes()[2]
    stack[2, 1] = 1
    assert not stack.drop_stroke(2, seen)
    assert stack.frame(2)[1].all()
    assert stack.drop_stroke(2, stack.strokes()[2])
    assert not stack.strokes()


def test_a_stroke_wins_over_what_the_engine_writes_until_it_is_dropped(stack: FrameStack):
    stack[2] = 1
    stack.write(2, np.full(SHAPE[1:], 2, np.uint8))
    assert (stack[2] == 1).all()
    assert (stack.stored(2) == 2).all()
    stack.drop_stroke(2)
    assert (stack[2] == 2).all()


def test_tells_of_strokes(stack: FrameStack):
    told = []
    stack.on_stroke = told.append
    stack[1:4, 0, 0] = 2
    stack.write(5, np.ones(SHAPE[1:], np.uint8))
    assert told == [1, 2, 3]


def test_refuses_what_does_not_fit(stack: FrameStack):
    with pytest.raises(ValueError, match=r"\(5, 6\)"):
        stack.write(0, np.zeros((6, 5), np.uint8))
    with pytest.raises(ValueError, match="uint16"):
        stack.write(0, np.zeros((5, 6), np.uint16))
    with pytest.raises(LazyVosError, match="300"):
        stack[0, 0, 0] = np.int64(300)
    with pytest.raises(IndexError):
        stack.write(7, np.zeros((5, 6), np.uint8))


def test_grows(stack: FrameStack, tmp_path: Path):
    content = filled(stack)
    stack.resize(9)
    stack.write(8, content[0])
    again = FrameStack(tmp_path / "masks")
    np.testing.assert_array_equal(again[:7], content)
    assert not again[7].any()
    np.testing.assert_array_equal(again[8], content[0])
    with pytest.raises(ValueError, match="shrink"):
        stack.resize(3)


def test_widening_keeps_strokes(stack: FrameStack):
    stack[2, 0] = 7
    stack.widen()
    stack[2, 1] = 700
    assert stack.strokes()[2][:2].tolist() == [[7] * 6, [700] * 6]


def test_zarr_reads_what_is_written_and_the_other_way_round(stack: FrameStack, tmp_path: Path):
    content = filled(stack)
    array = zarr.open_array(tmp_path / "masks", mode="r+")
    np.testing.assert_array_equal(array[:], content)
    array[3] = content[0]
    np.testing.assert_array_equal(FrameStack(tmp_path / "masks")[3], content[0])


def test_a_damaged_chunk_is_a_sentence(stack: FrameStack, tmp_path: Path):
    filled(stack)
    (tmp_path / "masks" / "c.4.0.0").write_bytes(b"not a chunk")
    with pytest.raises(LazyVosError, match=r"frame 4 .* track it again"):
        FrameStack(tmp_path / "masks")[4]


def test_readers_never_see_half_a_frame(tmp_path: Path):
    shape = (3, 200, 200)
    FrameStack.create(tmp_path / "masks", shape)
    stack = FrameStack(tmp_path / "masks", cache_bytes=2 * 200 * 200)
    stop = threading.Event()

    def write() -> None:
        for value in range(1, 150):
            stack.write(value % 3, np.full(shape[1:], value, np.uint8))
        stop.set()

    worker = threading.Thread(target=write)
    worker.start()
    newest = [0, 0, 0]
    while not stop.is_set():
        for t in range(3):
            plane = stack.frame(t)
            assert plane.min() == plane.max()
            assert plane[0, 0] >= newest[t]  # never an older one again
            newest[t] = plane[0, 0]
    worker.join()
    assert stack[:, 0, 0].tolist() == [147, 148, 149]

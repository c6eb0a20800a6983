"""Arrays of every kind give the frames that numpy would."""

from __future__ import annotations

from pathlib import Path

import dask
import dask.array
import numpy as np
import pytest
import zarr

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.array import ArraySource

MOVIE = np.random.default_rng(0).integers(0, 4000, (6, 2, 20, 30)).astype(np.uint16)


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr", "big-endian"])
def test_reads_frames(kind: str, tmp_path: Path) -> None:
    array = {
        "numpy": lambda: MOVIE,
        "dask": lambda: dask.array.from_array(MOVIE, chunks=(1, 1, 20, 30)),
        "zarr": lambda: zarr.create_array(tmp_path / "a.zarr", data=MOVIE, chunks=(1, 1, 20, 30)),
        "big-endian": lambda: MOVIE.astype(">u2"),
    }[kind]()
    source = ArraySource(array, axes="TCYX")
    assert (source.frames, source.channels, source.height, source.width) == (6, 2, 20, 30)
    assert source.dtype == np.uint16
    with dask.config.set(scheduler="synchronous"):  # its pool of threads would outlive the test
        for t in (5, 0, 3):
            frame = source.read(t)
            assert frame.dtype == np.uint16
            np.testing.assert_array_equal(frame, MOVIE[t])


def test_loads_only_what_is_read() -> None:
    class Watched:
        shape, dtype = MOVIE.shape, MOVIE.dtype

        def __init__(self) -> None:
            self.keys: list[object] = []

        def __getitem__(self, key: tuple[object, ...]) -> np.ndarray:
            self.keys.append(key[0])
            return MOVIE[key]

    watched = Watched()
    ArraySource(watched, axes="TCYX", others={"C": 1}).read(4)
    assert watched.keys == [4]


def test_steps_become_the_scale() -> None:
    steps = {"T": (2.0, "s"), "Y": (0.5, "µm"), "X": (0.25, "micron")}
    scale = ArraySource(MOVIE[:, 0], steps=steps).scale
    assert (scale.t, scale.y, scale.x) == (2.0, 0.5, 0.25)
    assert (scale.time_unit, scale.space_unit) == ("second", "micrometer")


def test_scale_follows_the_axis_that_is_time() -> None:
    steps = {"Z": (3.0, "mm"), "Y": (1.0, "mm"), "X": (1.0, "mm")}
    scale = ArraySource(MOVIE[:, 0], axes="ZYX", steps=steps).scale
    assert (scale.t, scale.time_unit) == (3.0, "millimeter")


def test_unknown_units_are_pixels() -> None:
    scale = ArraySource(MOVIE[:, 0], steps={"Y": (0.5, "furlong"), "X": (0.5, "furlong")}).scale
    assert (scale.y, scale.space_unit) == (1.0, "pixel")


@pytest.mark.parametrize("dtype", ["complex64", "U3", "datetime64[s]"])
def test_dtype_that_is_no_number(dtype: str) -> None:
    with pytest.raises(LazyVosError, match="a video has integers, floats or bools"):
        ArraySource(np.zeros((3, 8, 9), dtype))


def test_error_of_the_array_names_the_frame() -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise OSError("disk gone")

    array = dask.array.zeros((3, 8, 9), chunks=(1, 8, 9)).map_blocks(
        fail, dtype=float, meta=np.zeros(0)
    )
    with (
        dask.config.set(scheduler="synchronous"),
        pytest.raises(LazyVosError, match="frame 1 of array cannot be read: disk gone"),
    ):
        ArraySource(array).read(1)


def test_files_are_closed_once_also_when_dropped() -> None:
    calls: list[int] = []
    source = ArraySource(MOVIE[:, 0], on_close=lambda: calls.append(1))
    source.close()
    source.close()
    assert calls == [1]
    del source
    ArraySource(MOVIE[:, 0], on_close=lambda: calls.append(2))
    assert calls == [1, 2]

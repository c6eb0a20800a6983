"""Whatever holds a video opens; what does not, is told why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import PixelScale, Source, Video, open_video
from napari_lazyvos.video.naming import video_name
from napari_lazyvos.video.samples import echocardiogram

MOVIE = np.random.default_rng(0).integers(0, 4000, (6, 32, 48)).astype(np.uint16)


def _mp4(folder: Path) -> Path:
    with av.open(folder / "movie.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for plane in MOVIE:
            grey = (plane // 16).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())
    return folder / "movie.mp4"


def _tif(folder: Path) -> Path:
    tifffile.imwrite(folder / "movie.tif", MOVIE, imagej=True, metadata={"axes": "TYX"})
    return folder / "movie.tif"


def _npy(folder: Path) -> Path:
    np.save(folder / "movie.npy", MOVIE)
    return folder / "movie.npy"


def _zarr(folder: Path) -> Path:
    zarr.create_array(folder / "movie.zarr", data=MOVIE)
    return folder / "movie.zarr"


def _folder(folder: Path) -> Path:
    (folder / "movie").mkdir()
    for t, plane in enumerate(MOVIE):
        Image.fromarray(plane).save(folder / "movie" / f"{t}.png")
    return folder / "movie"


@pytest.mark.parametrize("write", [_mp4, _tif, _npy, _zarr, _folder])
@pytest.mark.parametrize("as_text", [False, True])
def test_description_opens_the_same_video_again(
    tmp_path: Path, write: Callable[[Path], Path], as_text: bool
) -> None:
    path = write(tmp_path)
    with open_video(str(path) if as_text else path) as video:
        assert (video.name, video.frames, video.height, video.width) == ("movie", 6, 32, 48)
        description = json.loads(json.dumps(video.describe()))
        with open_video(**description) as again:
            for t in (5, 0):
                np.testing.assert_array_equal(again.raw(t), video.raw(t))
                np.testing.assert_array_equal(again.frame(t), video.frame(t))
            assert again.describe() == description


def test_description_keeps_axes_channels_and_limits(tmp_path: Path) -> None:
    stack = np.stack([MOVIE, MOVIE + 7, MOVIE * 2], axis=1)
    np.save(tmp_path / "stack.npy", stack)
    video = open_video(
        tmp_path / "stack.npy",
        axes="TCYX",
        others={"C": [2, 1]},
        channels=[1],
        contrast_limits=(9, 99),
    )
    description = json.loads(json.dumps(video.describe()))
    assert description["others"] == {"C": [2, 1]}
    again = open_video(**description)
    np.testing.assert_array_equal(again.raw(3), stack[3, [2, 1]])
    np.testing.assert_array_equal(again.frame(3), video.frame(3))


def test_array_in_memory_is_described_without_a_path() -> None:
    description = open_video(MOVIE).describe()
    assert description["what"] is None
    with pytest.raises(LazyVosError, match="lived in memory only"):
        open_video(**description)
    again = open_video(**(description | {"what": MOVIE}))
    np.testing.assert_array_equal(again.frame(2), open_video(MOVIE).frame(2))


def test_video_is_returned_as_it_is() -> None:
    video = open_video(MOVIE)
    assert open_video(video) is video
    with pytest.raises(LazyVosError, match="is open already"):
        open_video(video, channels=[0])


class Growing:
    """A source whose length nobody knows yet."""

    name, frames, height, width = "live", None, 4, 5
    channels, rgb, dtype, scale = 1, False, np.dtype(np.uint8), PixelScale()
    origin: dict[str, Any] = {"what": None}  # noqa: RUF012

    def __init__(self) -> None:
        self.closed = 0

    def read(self, t: int) -> np.ndarray:
        return np.full((1, 4, 5), 50 * t, np.uint8)

    def close(self) -> None:
        self.closed += 1


def test_source_of_ones_own_that_grows() -> None:
    source = Growing()
    assert isinstance(source, Source)
    with open_video(source, contrast_limits=(0, 255)) as video:
        assert video.frames is None
        assert video.frame(5).max() == pytest.approx(250 / 255)
        with pytest.raises(LazyVosError, match=r"there is no frame -1 in live: frames are 0$"):
            video.frame(-1)
    assert source.closed == 1


def test_frame_that_is_not_there() -> None:
    video = open_video(MOVIE)
    for t in (-1, 6):
        with pytest.raises(
            LazyVosError, match=f"there is no frame {t} in array: frames are 0 to 5"
        ):
            video.check(t)
        with pytest.raises(LazyVosError):
            video.frame(t)
    video.check(np.int64(5))
    assert video.raw(np.int64(5)).shape == (1, 32, 48)


def _text(folder: Path, name: str) -> Path:
    (folder / name).write_text("hello")
    return folder / name


@pytest.mark.parametrize(
    ("what", "options", "sentence"),
    [
        (lambda d: d / "nothing.mp4", {}, r"there is no file or folder .*nothing\.mp4"),
        (lambda d: _text(d, "a.doc"), {}, r"suffix '\.doc': what can be read is movies \(mp4"),
        (lambda d: _text(d, "a"), {}, "has the suffix '': what can be read is"),
        (lambda d: _text(d, "a.png"), {}, "is one picture: .* pass the folder"),
        (lambda d: _text(d, "a.npy"), {}, "cannot be read as a numpy array"),
        (lambda d: _text(d, "a.mkv"), {}, "cannot be read as a movie"),
        (_mp4, {"axes": "TYX"}, r"axes was given for movie\.mp4"),
        (_folder, {"time": "T"}, "time was given for movie"),
        (lambda d: MOVIE[0], {}, "is one image, not a video"),
        (lambda d: MOVIE[:0], {}, "zero frames"),
        (lambda d: MOVIE, {"time": "Z"}, "there is no axis 'Z'"),
        (lambda d: list(MOVIE), {}, "a list is no video: pass a path"),
        (lambda d: 7, {}, "a int is no video"),
        (lambda d: echocardiogram(), {"axes": "TYX"}, "leave it out"),
    ],
)
def test_errors_in_words(
    tmp_path: Path, what: Callable[[Path], Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(LazyVosError, match=sentence):
        open_video(what(tmp_path), **options)


def test_pickled_arrays_are_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(LazyVosError, match="cannot be read as a numpy array"):
        open_video(tmp_path / "objects.npy")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("cells.tif", "cells"),
        ("cells.ome.tif", "cells"),
        ("cells.ome.zarr", "cells"),
        ("day 3/frames.tif", "day 3"),
        ("2024.05.01 run.mp4", "2024.05.01 run"),
    ],
)
def test_names_are_short(path: str, name: str) -> None:
    assert video_name(Path(path)) == name


def test_opening_loads_neither_torch_nor_a_viewer() -> None:
    code = (
        "import sys, numpy; from napari_lazyvos.video import open_video;"
        "open_video(numpy.zeros((3, 8, 9))).frame(0);"
        "print({m.split('.')[0] for m in sys.modules} & {'torch', 'napari', 'qtpy', 'av', 'zarr'})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_repr_says_what_it_is() -> None:
    assert repr(Video(Growing())) == "<Video 'live': growing frames of 4 x 5>"
    assert repr(open_video(MOVIE)) == "<Video 'array': 6 frames of 32 x 48>"

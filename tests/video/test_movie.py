"""Frame n is frame n, in whatever order frames are read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video
from napari_lazyvos.video.decoder import Decoder
from napari_lazyvos.video.movie import MovieSource

BITS = 8
BLOCK = 16  # pixels: large enough to survive any codec
HEIGHT, WIDTH = 96, BITS * BLOCK


def numbered(n: int) -> np.ndarray:
    """Return a picture (H, W, 3) uint8 that shows `n` as white and black blocks over a texture."""
    texture = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 3))
    picture = np.roll(texture, 3 * n, axis=1).astype(np.uint8)
    for bit in range(BITS):
        picture[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (n >> bit & 1)
    return picture


def number_of(planes: np.ndarray) -> int:
    """Return the number that a decoded (C, H, W) picture shows."""
    blocks = planes[0, :BLOCK].reshape(BLOCK, BITS, BLOCK).mean((0, 2)) / np.iinfo(planes.dtype).max
    return int(sum((value > 0.5) << bit for bit, value in enumerate(blocks)))


def encode(
    path: Path,
    *,
    frames: int = 60,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    times: Sequence[int] | None = None,  # in 1/1000 s; without it 25 frames/s from 0
    rotation: float | None = None,
) -> Path:
    """Write a movie of numbered frames with PyAV."""
    with av.open(path, "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(n), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[n], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


B_FRAMES = {"bf": "3", "g": "20"}
KINDS = {
    "b-frames.mp4": {"options": B_FRAMES, "muxer": {"movflags": "faststart"}},
    "b-frames.mov": {"options": B_FRAMES},
    "open-gop.mkv": {"options": B_FRAMES | {"x264-params": "open-gop=1:b-adapt=0"}},
    "short-gops.mp4": {"options": {"bf": "2", "g": "3"}},
    "late-start.mp4": {"options": B_FRAMES, "times": [5000 + 40 * n for n in range(60)]},
    "variable-rate.mp4": {"options": B_FRAMES, "times": [40 * n + 7 * (n % 5) for n in range(60)]},
    "variable-rate.mkv": {"options": B_FRAMES, "times": [n * n + 40 * n for n in range(60)]},
    "mpeg4-b-frames.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "20", "b": "2M"}},
    "h264-b-frames.avi": {"options": B_FRAMES},  # AVI cannot say when such frames are shown
    "mpeg2-open-gop.mpg": {"codec": "mpeg2video", "options": {"bf": "2", "g": "12", "b": "2M"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "raw.avi": {"codec": "rawvideo", "pixels": "bgr24"},
    "grey.mkv": {"codec": "ffv1", "pixels": "gray"},
    "grey-16-bit.mkv": {"codec": "ffv1", "pixels": "gray16le"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "20", "deadline": "realtime"}},
    "hevc.mkv": {
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": "log-level=none:keyint=20:bframes=3"},
    },
}


@pytest.fixture(scope="session")
def movies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one movie of 60 numbered frames for each kind of container and codec."""
    folder = tmp_path_factory.mktemp("movies")
    return {name: encode(folder / name, **options) for name, options in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_reads_every_frame_in_order(movies: dict[str, Path], name: str) -> None:
    movie = MovieSource(movies[name])
    assert movie.frames == 60
    assert [number_of(movie.read(t)) for t in range(60)] == list(range(60))
    movie.close()


@pytest.mark.parametrize("name", KINDS)
def test_random_access_gives_the_bytes_of_sequential_access(
    movies: dict[str, Path], name: str
) -> None:
    movie = MovieSource(movies[name])
    in_order = [movie.read(t).tobytes() for t in range(60)]
    order = np.random.default_rng(1).permutation(60)
    for t in order:
        if t % 5 == 0:
            movie.close()  # forget what was decoded: the next frame must be sought
        assert movie.read(int(t)).tobytes() == in_order[t], t
    movie.close()


@pytest.mark.parametrize("name", ["b-frames.mp4", "open-gop.mkv", "variable-rate.mp4"])
@given(order=st.lists(st.integers(0, 59), min_size=1, max_size=12))
@settings(max_examples=25)
def test_any_order_of_reading_gives_the_same_frames(
    movies: dict[str, Path], name: str, order: list[int]
) -> None:
    movie = MovieSource(movies[name])
    assert [number_of(movie.read(t)) for t in order] == order
    movie.close()


@cache
def _real_frames(path: Path) -> list[bytes]:
    movie = MovieSource(path)
    frames = [movie.read(t).tobytes() for t in range(149)]
    movie.close()
    return frames


@given(order=st.lists(st.integers(0, 148), min_size=1, max_size=4))
@settings(max_examples=8)
def test_real_movie_with_b_frames_is_the_same_in_any_order(shared: Path, order: list[int]) -> None:
    path = shared / "data/smoke/track_anything_sample2.mp4"
    movie = MovieSource(path)
    for t in order:
        assert movie.read(t).tobytes() == _real_frames(path)[t]
    movie.close()


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("endoscopy_endo.mp4", 250, (720, 1280)),
        ("flies_centered_pair_small.mp4", 1100, (384, 384)),
        ("mouse_openfield_m3v1.mp4", 2330, (480, 640)),
        ("sam2_coffee.mp4", 287, (720, 1280)),
        ("small_robot.mp4", 166, (320, 560)),
        ("worms_tierpsy_test.avi", 563, (96, 128)),
    ],
)
def test_opens_real_movies(shared: Path, name: str, frames: int, size: tuple[int, int]) -> None:
    movie = MovieSource(shared / "data/smoke" / name)
    assert movie.frames == frames
    assert movie.read(frames - 1).shape == (3, *size)
    movie.close()


def test_threads_read_the_same_frames(movies: dict[str, Path]) -> None:
    movie = MovieSource(movies["b-frames.mp4"])
    order = np.random.default_rng(2).integers(0, 60, 200).tolist()
    with ThreadPoolExecutor(4) as pool:
        assert [number_of(f) for f in pool.map(movie.read, order)] == order
    movie.close()


def test_grey_movies_keep_their_one_channel_and_all_bits(movies: dict[str, Path]) -> None:
    grey, deep = MovieSource(movies["grey.mkv"]), MovieSource(movies["grey-16-bit.mkv"])
    assert (grey.channels, grey.dtype, grey.rgb) == (1, np.uint8, False)
    assert (deep.channels, deep.dtype, deep.rgb) == (1, np.uint16, False)
    assert deep.read(3).dtype == np.uint16
    grey.close()
    deep.close()


def test_lossless_colours_come_back_as_they_went_in(movies: dict[str, Path]) -> None:
    movie = MovieSource(movies["raw.avi"])
    np.testing.assert_array_equal(np.moveaxis(movie.read(7), 0, -1), numbered(7))
    movie.close()


def test_scale_is_the_time_between_frames(movies: dict[str, Path]) -> None:
    movie = MovieSource(movies["late-start.mp4"])
    assert movie.scale.t == pytest.approx(0.04)
    assert movie.scale.time_unit == "second"
    movie.close()


@pytest.mark.skipif(
    not hasattr(VideoStream, "set_display_rotation"), reason="PyAV before 18 writes no rotation"
)
@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_display_rotation_is_applied(tmp_path: Path, rotation: int, turns: int) -> None:
    plain = MovieSource(encode(tmp_path / "plain.mp4", frames=3))
    turned = MovieSource(encode(tmp_path / "turned.mp4", frames=3, rotation=rotation))
    assert (turned.height, turned.width) == ((WIDTH, HEIGHT) if turns % 2 else (HEIGHT, WIDTH))
    np.testing.assert_array_equal(turned.read(2), np.rot90(plain.read(2), turns, axes=(1, 2)))
    plain.close()
    turned.close()


CUTS = ["b-frames.mp4", "open-gop.mkv", "mpeg4-b-frames.avi", "h264-b-frames.avi", "mjpeg.avi"]


@pytest.mark.parametrize("share", [0.5, 0.63, 0.8, 0.93])
@pytest.mark.parametrize("name", CUTS)
def test_truncated_movie_is_read_up_to_the_damage(
    movies: dict[str, Path], tmp_path: Path, name: str, share: float
) -> None:
    whole = movies[name].read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.warns(UserWarning, match=r"ends too early: the first (\d+)") as caught:
        movie = MovieSource(path)
    assert movie.frames is not None
    assert 0 < movie.frames < 60
    assert f"the first {movie.frames} " in str(caught[0].message)
    assert [number_of(movie.read(t)) for t in range(movie.frames)] == list(range(movie.frames))
    movie.close()


def test_bytes_lost_in_the_middle_leave_the_frames_before_as_they_are(
    movies: dict[str, Path], tmp_path: Path
) -> None:
    damaged = bytearray(movies["b-frames.mp4"].read_bytes())
    middle = int(0.7 * len(damaged))
    damaged[middle : middle + 300] = bytes(300)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(damaged)
    whole = MovieSource(movies["b-frames.mp4"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether a picture is lost or only spoilt is the codec's
        movie = MovieSource(path)
        assert movie.frames == 60
        for t in range(60):
            planes = movie.read(t)
            assert planes.shape == (3, HEIGHT, WIDTH)
            if t < 20:
                np.testing.assert_array_equal(planes, whole.read(t))
    movie.close()
    whole.close()


def test_movie_without_its_index_is_an_error_in_words(
    movies: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "cut.mov"
    path.write_bytes(movies["b-frames.mov"].read_bytes()[:8000])  # the index comes last here
    with pytest.raises(LazyVosError, match=r"cut\.mov cannot be read as a movie.*complete"):
        MovieSource(path)


def test_text_is_no_movie(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a movie")
    with pytest.raises(LazyVosError, match="cannot be read as a movie"):
        MovieSource(path)


def test_sound_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(LazyVosError, match="holds no video stream"):
        MovieSource(path)


def test_closing_twice_is_safe_and_reading_opens_again(movies: dict[str, Path]) -> None:
    movie = MovieSource(movies["b-frames.mp4"])
    movie.close()
    movie.close()
    assert number_of(movie.read(31)) == 31
    movie.close()


def test_short_steps_back_decode_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = MovieSource(encode(tmp_path / "long.mp4", frames=60, options=B_FRAMES | {"g": "60"}))
    movie.read(40)
    monkeypatch.setattr(Decoder, "begin", lambda *_: pytest.fail("sought"))
    assert [number_of(movie.read(t)) for t in (39, 38, 40, 41, 30)] == [39, 38, 40, 41, 30]
    movie.close()


def test_file_that_disappears_is_an_error_in_words(tmp_path: Path) -> None:
    path = encode(tmp_path / "gone.mp4", frames=10)
    movie = MovieSource(path)
    movie.close()
    path.unlink()
    with pytest.raises(LazyVosError, match=r"frame 3 of .*gone\.mp4 cannot be read \(No such file"):
        movie.read(3)


def test_title_in_an_old_encoding_does_not_keep_a_movie_from_opening(
    movies: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "old.mkv"
    whole = movies["open-gop.mkv"].read_bytes()
    assert b"ENCODER" in whole
    path.write_bytes(whole.replace(b"ENCODER", b"ENC\x92DER"))
    movie = MovieSource(path)
    assert number_of(movie.read(30)) == 30
    movie.close()


@pytest.mark.parametrize(
    "name", ["b-frames.mp4", "open-gop.mkv", "mjpeg.avi", "mpeg2-open-gop.mpg"]
)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=8)
def test_damage_anywhere_gives_frames_or_a_sentence(
    movies: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, name: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    damaged = bytearray(movies[name].read_bytes())
    start = int(rng.integers(len(damaged)))
    damaged[start : start + 200] = rng.bytes(min(200, len(damaged) - start))
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(damaged)
    said = name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            movie = MovieSource(path)
            for t in rng.permutation(movie.frames or 0):
                assert movie.read(int(t)).shape == (movie.channels, movie.height, movie.width)
            movie.close()
        except LazyVosError as error:
            said = str(error)
    assert name in said


def test_contrast_is_measured_on_key_frames(
    movies: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    original = MovieSource.read
    monkeypatch.setattr(MovieSource, "read", lambda self, t: read.append(t) or original(self, t))
    with open_video(movies["b-frames.mp4"]) as video:
        assert video.intensity.limits == ((0, 255),) * 3
    assert read == [0, 20, 40]
    read.clear()
    with open_video(movies["h264-b-frames.avi"]) as video:  # has no other place to begin than 0
        assert video.intensity.limits == ((0, 255),) * 3
    assert len(read) == 16

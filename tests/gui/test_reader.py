"""Videos as lazy layers, and the samples."""

import av
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lazyvos.gui import reader, samples
from napari_lazyvos.gui.frames import LazyFrames
from napari_lazyvos.video import open_video


@pytest.fixture
def film(tmp_path, movie):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for plane in movie:
            rgb = np.repeat(plane[..., None], 3, axis=-1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_film_opens_lazily_with_its_time(film, movie):
    [(frames, arguments, kind)] = reader.get_reader(str(film))(str(film))
    assert (kind, frames.shape, arguments["rgb"]) == ("image", (12, 48, 64, 3), True)
    assert arguments["name"] == "film"
    assert arguments["scale"][0] == pytest.approx(1 / 25)
    assert np.median(np.abs(frames[7][..., 0].astype(int) - movie[7])) < 5  # it is compressed
    assert ((frames[7][..., 0] > 100) == (movie[7] > 100)).mean() > 0.99
    np.testing.assert_array_equal(frames[3:5][1], frames[4])
    np.testing.assert_array_equal(frames[-1], frames[11])
    np.testing.assert_array_equal(frames[2, 10:20, :, 1], frames[2][10:20, :, 1])
    with pytest.raises(IndexError):
        frames[12]


def test_napari_shows_it(film, movie):
    [(frames, arguments, _)] = reader.read(str(film))
    viewer = ViewerModel()
    layer = viewer.add_image(frames, **arguments)
    viewer.dims.set_current_step(0, 9)
    np.testing.assert_array_equal(layer._slice.image.raw, frames[9])
    assert not isinstance(layer.data, np.ndarray)


def test_what_the_session_sees_of_the_layer_is_the_film(film):
    [(frames, arguments, _)] = reader.read(str(film))
    layer = ViewerModel().add_image(frames, **arguments)
    through_layer, direct = open_video(layer, time=0), open_video(film)
    np.testing.assert_array_equal(through_layer.frame(5), direct.frame(5))
    assert through_layer.frames == 12


def test_several_paths_are_no_video():
    assert reader.get_reader(["a.mp4", "b.mp4"]) is None


def test_grey_and_multichannel_frames(movie):
    grey = LazyFrames(open_video(movie).source)
    assert grey.shape == movie.shape
    np.testing.assert_array_equal(np.asarray(grey), movie)
    pair = LazyFrames(open_video(np.stack([movie, movie], 1), axes="TCYX").source)
    assert pair.shape == (12, 2, 48, 64)
    np.testing.assert_array_equal(pair[4, 1], movie[4])


@pytest.mark.parametrize("sample", [samples.cells, samples.echocardiogram])
def test_samples_open(sample):
    viewer = ViewerModel()
    for data, arguments, kind in sample():
        getattr(viewer, f"add_{kind}")(data, **arguments)
    assert viewer.layers[0].ndim == 3
    assert viewer.layers[0].data.shape[0] >= 30

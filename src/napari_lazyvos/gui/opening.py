"""From a layer to a session, and from a session to its layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.viewer import Viewer

from napari_lazyvos.gui.axes import Axes
from napari_lazyvos.gui.frames import LazyFrames, layer_arguments

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["axes_of", "layer_of", "open_session"]


def open_session(
    layer: Image, *, time: int, others: Mapping[str | int, Any], folder: Path, **options: Any
) -> Session:
    """Open a session on a layer; slow, so not for the main thread.

    Parameters
    ----------
    layer : the video
    time : which of its axes is time
    others : what is read of each other axis, an index or "max"
    folder : where results go, or are
    **options : of `Session`
    """
    from napari_lazyvos.lazy.session import Session  # torch loads here
    from napari_lazyvos.video import open_video

    return Session(open_video(layer, time=time, others=others), store=folder, **options)


def layer_of(viewer: Viewer, session: Session) -> Image:
    """Return the layer that shows a session's video; add one if there is none."""
    video = session.video
    size = (video.height, video.width)
    for layer in viewer.layers:
        if isinstance(layer, Image) and layer.name == video.name:
            data = layer.data[0] if layer.multiscale else layer.data
            shape = tuple(data.shape[: layer.ndim])
            if shape[-2:] == size and video.frames in shape[:-2]:
                return layer
    frames = LazyFrames(video.source)
    return viewer.add_image(frames, **layer_arguments(frames))


def axes_of(session: Session, layer: Image) -> Axes:
    """Return the axes of the layer that shows a session's video."""
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(length) for length in data.shape[: layer.ndim])
    origin = session.video.source.origin
    # Both are None, or missing, where the source was not told: a movie, or a DICOM clip.
    letters, time = origin.get("axes") or "", origin.get("time") or ""
    known = bool(time) and time in letters and len(letters.replace("S", "")) == len(shape)
    first = next(i for i, length in enumerate(shape[:-2]) if length == session.video.frames)
    return Axes(shape, letters.index(time) if known else first, (0,) * len(shape))

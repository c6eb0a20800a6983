"""Open anything that holds a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.array import ArraySource
from napari_lazyvos.video.axes import Pick
from napari_lazyvos.video.intensity import Limits
from napari_lazyvos.video.source import Source
from napari_lazyvos.video.video import Video

__all__ = ["open_video"]

MOVIES = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"}


def open_video(
    what: Any,
    *,
    axes: str | None = None,
    time: str | int | None = None,
    others: Mapping[str | int, Pick] | None = None,
    channels: Sequence[int] | None = None,
    contrast_limits: Limits | None = None,
) -> Video:
    """Open a file, a folder, an array or a napari Image layer as a video."""
    if isinstance(what, Video):
        return what
    if isinstance(what, (str, Path)):
        path = Path(what)
        if path.is_dir():
            from napari_lazyvos.video.folder import FolderSource

            source: Source = FolderSource(path)
        else:
            from napari_lazyvos.video.movie import MovieSource

            source = MovieSource(path)
    elif isinstance(what, Source):
        source = what
    elif hasattr(what, "shape"):
        source = ArraySource(what, axes=axes, time=time, others=others)
    else:
        raise LazyVosError(f"cannot open {what!r}")
    return Video(source, channels=channels, contrast_limits=contrast_limits)

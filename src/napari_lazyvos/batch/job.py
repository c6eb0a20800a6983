"""What is to be done in a batch: which videos, from which clicks, how, and where to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_lazyvos.batch.clicks_table import TableClick, read_clicks
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.listing import is_video, list_videos
from napari_lazyvos.video.naming import video_name

__all__ = ["Job", "make_jobs"]


@dataclass(frozen=True, slots=True)
class Job:
    """One video of a batch; picklable. Paths are absolute, as other processes see them."""

    name: str
    video: Path
    folder: Path  # for the results of this video alone
    clicks: tuple[TableClick, ...]
    methods: Mapping[str, Any] = field(default_factory=dict)  # options of `Session`
    formats: tuple[str, ...] = ()  # exports beside the masks

    @property
    def store(self) -> Path:
        """Folder of the session."""
        return self.folder / f"{self.name}.lazyvos"


def make_jobs(
    inputs: Iterable[Path],
    table: Path,
    out: Path,
    *,
    methods: Mapping[str, Any] | None = None,
    formats: Sequence[str] = (),
) -> tuple[list[Job], list[str]]:
    """Find the videos, read their clicks, and say where results go.

    Parameters
    ----------
    inputs : videos (files, or folders of pictures) and folders of videos
    table : see `clicks_table`
    out : folder of the batch; each video has a folder of its name in it
    methods : options of `Session`; None: the defaults
    formats : exports beside the masks

    Returns
    -------
    jobs in the order of the inputs, and the names of videos that have no clicks

    Raises
    ------
    LazyVosError
        If there is no such file, two videos have one name, or anything in the table is wrong.
    """
    out = out.resolve()
    videos = _find_videos(inputs, out)
    clicks = read_clicks(table, videos)
    jobs = [
        Job(name, video, out / name, clicks[name], dict(methods or {}), tuple(formats))
        for name, video in videos.items()
        if name in clicks
    ]
    return jobs, [name for name in videos if name not in clicks]


def _find_videos(inputs: Iterable[Path], out: Path) -> dict[str, Path]:
    """Return the absolute path of each video by its name, which is that of its results, too."""
    videos: dict[str, Path] = {}
    for path in (each.expanduser().resolve() for each in inputs):
        if not path.exists():
            raise LazyVosError(f"there is no file or folder {path}.")
        found = {video_name(path): path} if is_video(path) else list_videos(path)
        for name, video in found.items():
            if video == out or videos.get(name) == video:
                continue
            if name in videos:
                raise LazyVosError(
                    f"{videos[name]} and {video} are both called {name}, and so would their "
                    "results be: rename one of them."
                )
            videos[name] = video
    return videos

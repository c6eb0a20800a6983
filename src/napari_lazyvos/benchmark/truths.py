"""Videos and the masks that somebody made of them."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import Video, open_video
from napari_lazyvos.video.folder import FolderSource, list_frames
from napari_lazyvos.video.label_file import read_labels, to_labels
from napari_lazyvos.video.listing import is_video, list_videos
from napari_lazyvos.video.omezarr import is_zarr

__all__ = ["Truths", "files_by_frame", "find_pairs", "frame_names"]


class Truths:
    """The label maps of a video, from a folder of pictures or from a stack.

    In a folder, each picture belongs to the frame that bears its name. Where frames have no names,
    as in a movie, there is one picture per frame, or each is named by the number of its frame.
    Frames may be left out. A stack has as many label maps as the video has frames.

    Parameters
    ----------
    path : folder of png or tif, TIFF stack, or npy
    video : Video

    Raises
    ------
    LazyVosError
        If they do not belong to the video, have another size, or show no object at all.
    """

    def __init__(self, path: Path, video: Video) -> None:
        self.path = path
        self._video = video
        self._files: dict[int, Path] = {}
        self._stack: Video | None = None
        if path.is_dir() and not is_zarr(path):
            self._files = files_by_frame(path, video)
        else:
            self._stack = _open_stack(path, video)
        self.first = self._find_first()

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects that are shown in any frame, sorted; reads all masks once."""
        shown: set[int] = set()
        for t in range(self.first, self._video.frames or 0):
            label_map = self.at(t)
            if label_map is not None:
                shown.update(np.unique(label_map[label_map > 0]).tolist())
        return tuple(sorted(shown))

    def at(self, t: int) -> np.ndarray | None:
        """Return the (H, W) label map of frame `t`; None if there is none."""
        if self._stack is not None:
            labels, place = to_labels(self._stack.raw(t)[0], self.path), self.path
        elif t in self._files:
            labels, place = read_labels(self._files[t], t), self._files[t]
        else:
            return None
        size = (self._video.height, self._video.width)
        if labels.shape != size:
            raise LazyVosError(
                f"the masks {place} are {labels.shape[0]} x {labels.shape[1]}, but the video "
                f"{self._video.name} is {size[0]} x {size[1]} (rows x columns): bring them to one "
                "size."
            )
        return labels

    def close(self) -> None:
        """Let go of files; safe to call twice."""
        if self._stack is not None:
            self._stack.close()

    def _find_first(self) -> int:
        """Return the first frame of which the masks show an object."""
        for t in range(self._video.frames or 0):
            labels = self.at(t)
            if labels is not None and labels.any():
                return t
        self.close()
        raise LazyVosError(
            f"the masks {self.path} show no object in any frame of {self._video.name}: draw the "
            "objects, or leave this video out."
        )


def find_pairs(videos: Path, masks: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Match videos with the masks of the same name.

    Parameters
    ----------
    videos : a video, or a folder of videos
    masks : its masks, or a folder with the masks of each

    Returns
    -------
    pairs of a video and its masks, and the names of the videos that have none

    Raises
    ------
    LazyVosError
        If there is no pair.
    """
    for path in (videos, masks):
        if not path.exists():
            raise LazyVosError(f"there is no file or folder {path}.")
    if is_video(videos):
        return [(videos, masks)], []
    if not masks.is_dir():
        raise LazyVosError(
            f"{videos} is a folder of several videos, but {masks} is one file: give a folder with "
            "the masks of each."
        )
    found, known = list_videos(videos), list_videos(masks)
    pairs = [(video, known[name]) for name, video in found.items() if name in known]
    if not pairs:
        raise LazyVosError(
            f"no video in {videos} ({_listed(found)}) has masks of the same name in {masks} "
            f"({_listed(known)}): name the masks after the videos."
        )
    return pairs, [name for name in found if name not in known]


def _listed(found: dict[str, Path]) -> str:
    names = [*found][:5] + ["..."] * (len(found) > 5)
    return ", ".join(names) or "which is empty"


def files_by_frame(path: Path, video: Video) -> dict[int, Path]:
    """Find which picture of labels belongs to which frame of a video.

    Parameters
    ----------
    path : folder of png, jpg or tif; see `Truths` for how they are named
    video : Video

    Raises
    ------
    LazyVosError
        If it is not clear which frames they are of.
    """
    files, frames = list_frames(path), video.frames or 0
    names = {}
    if isinstance(video.source, FolderSource):
        names = {name: t for t, name in enumerate(frame_names(video))}
    if all(file.stem in names for file in files):
        return {names[file.stem]: file for file in files}
    if len(files) == frames:
        return dict(enumerate(files))
    numbers = {
        int(found[0]): file
        for file in files
        if (found := re.search(r"\d+$", file.stem)) is not None
    }
    if names or len(numbers) < len(files) or max(numbers) >= frames:
        how = "with the names of their frames" if names else f"numbered from 0 to {frames - 1}"
        raise LazyVosError(
            f"{path} holds {len(files)} masks, and the video {video.name} has {frames} frames: "
            f"give one mask for each frame, or some of them {how}."
        )
    return numbers


def frame_names(video: Video) -> list[str]:
    """Return the names of the frames: of their files, or else their numbers, from 00000."""
    if isinstance(video.source, FolderSource):
        return [path.stem for path in list_frames(Path(video.source.origin["what"]))]
    return [f"{t:05d}" for t in range(video.frames or 0)]


def _open_stack(path: Path, video: Video) -> Video:
    stack = open_video(path)
    if stack.frames == video.frames and stack.source.channels == 1:
        return stack
    stack.close()
    if stack.source.channels != 1:
        raise LazyVosError(
            f"{path} holds colours instead of labels: give one value per pixel, 0 for background."
        )
    raise LazyVosError(
        f"{path} holds the masks of {stack.frames} frames, but the video {video.name} has "
        f"{video.frames}: give one mask for each frame."
    )

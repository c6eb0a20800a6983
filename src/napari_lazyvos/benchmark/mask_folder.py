"""Masks of a clip in a folder, as challenges want them, and read from there again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.truths import files_by_frame, frame_names
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.export.png import write_label_map
from napari_lazyvos.video import Video
from napari_lazyvos.video.label_file import read_labels

__all__ = ["MaskFolder", "save_masks"]


def save_masks(clip: Clip, video: Video, found: Callable[[int], np.ndarray], folder: Path) -> None:
    """Write one PNG for each frame, under the frame's name, indexed with the DAVIS palette.

    Where the data set says which frames are handed in, these alone.

    Parameters
    ----------
    clip, video : whose frames they are
    found : t -> (H, W) uint8 or uint16 label map
    folder : Path, made if it is not there; files of the same names are replaced
    """
    folder.mkdir(parents=True, exist_ok=True)
    for t, name in enumerate(frame_names(video)):
        if clip.saved is None or name in clip.saved:
            write_label_map(found(t), folder / f"{name}.png")


class MaskFolder:
    """The masks of a clip that somebody's method wrote, by frame.

    Parameters
    ----------
    folder : Path
        Pictures of labels with the names of the frames, or one for each frame in their order; see
        `Truths`.
    video : Video

    Raises
    ------
    LazyVosError
        If there is no such folder, or no mask in it, or it is not clear which frames they are of.
    """

    def __init__(self, folder: Path, video: Video) -> None:
        if not folder.is_dir():
            raise LazyVosError(f"there are no masks of {video.name}: {folder} is no folder.")
        self._files = files_by_frame(folder, video)
        self._size = (video.height, video.width)

    def at(self, t: int) -> np.ndarray:
        """Return the (H, W) label map of frame `t`; a mask that is missing is an empty one."""
        if t not in self._files:
            return np.zeros(self._size, np.uint8)
        return read_labels(self._files[t], t)

"""References that somebody drew: one picture of labels for each annotated frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.folder import list_frames
from napari_lazyvos.video.label_file import read_labels
from napari_lazyvos.video.picture import read_size

__all__ = ["LabelMasks", "PictureReferences", "check_size", "frame_size"]

VOID = 255  # pixels of which nobody says what they show, as in DAVIS 2017 and YouTube-VOS


class LabelMasks(Mapping[int, np.ndarray]):
    """Masks that are cut out of a label map when they are asked for: there may be hundreds.

    Parameters
    ----------
    label_map : (H, W) integers
    labels : of the objects of which something is known; one that is not drawn is not there
    """

    def __init__(self, label_map: np.ndarray, labels: Collection[int]) -> None:
        self._label_map = label_map
        self._labels = dict.fromkeys(sorted(labels))

    def __getitem__(self, label: int) -> np.ndarray:
        """Return the (H, W) bool mask of an object."""
        if label not in self._labels:
            raise KeyError(label)
        mask: np.ndarray = self._label_map == label
        return mask

    def __contains__(self, label: object) -> bool:
        return label in self._labels  # without cutting out a mask

    def __iter__(self) -> Iterator[int]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)


@dataclass(frozen=True)
class PictureReferences:
    """The references of a video, from one picture of labels for each annotated frame.

    A picture shows all objects of the video that are there in its frame. Its values are labels, 0
    is background, and a picture whose only other value is 255 shows object 1.
    """

    video: Path  # folder of pictures; its frames have the size of the pictures of labels
    files: Mapping[int, Path]  # by frame
    only_new: bool = False  # pictures show an object once, so of later frames nothing is known
    void: bool = False  # 255 beside other labels is no object, but pixels that are left open

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects that ever have a mask, sorted; reads all pictures once."""
        return tuple(sorted(self._find_labels()))

    def at(self, t: int) -> Mapping[int, np.ndarray]:
        """Return what is known of frame `t`; see `References`."""
        if t not in self.files:
            return {}
        picture = self._picture(t)
        return LabelMasks(picture, self._known(t, picture))

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""

    def _find_labels(self) -> set[int]:
        return set().union(*(self._drawn(self._picture(t)) for t in self.files))

    def _known(self, t: int, picture: np.ndarray) -> Collection[int]:
        """Return the labels of which a picture says whether they are there."""
        return self._drawn(picture) if self.only_new else self.labels

    def _drawn(self, picture: np.ndarray) -> set[int]:
        return set(np.unique(picture[picture > 0]).tolist()) - ({VOID} if self.void else set())

    def _picture(self, t: int) -> np.ndarray:
        """Return the (H, W) label map of an annotated frame."""
        picture = read_labels(self.files[t], t)
        check_size(self.files[t], picture.shape, self.video, self._size)
        return picture

    @cached_property
    def _size(self) -> tuple[int, int]:
        return frame_size(self.video)


def frame_size(folder: Path) -> tuple[int, int]:
    """Return the rows and columns of the frames in a folder of pictures."""
    return read_size(list_frames(folder)[0])


def check_size(masks: Path, size: tuple[int, ...], video: Path, expected: tuple[int, int]) -> None:
    """Raise a `LazyVosError` if masks have not the size of the frames, in rows and columns."""
    if size != expected:
        raise LazyVosError(
            f"the masks {masks} are {size[0]} x {size[1]}, but the frames in {video} are "
            f"{expected[0]} x {expected[1]} (rows x columns): take both from the same package of "
            "the data set."
        )

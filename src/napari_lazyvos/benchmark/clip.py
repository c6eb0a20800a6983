"""One video of a data set, and what is known of the objects in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

__all__ = ["Clip", "References"]


class References(Protocol):
    """The masks that somebody made of the objects in a video.

    They go to other processes by pickling: files are opened when they are first read.
    """

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of all objects that ever have a mask, sorted."""
        ...

    def at(self, t: int) -> Mapping[int, np.ndarray]:
        """Return what is known of frame `t`.

        Returns
        -------
        mapping of labels to (H, W) bool masks
            An empty mask says that the object is not there. Of an object that is missing nothing
            is known; so it is of all objects in a frame that nobody annotated.

        Raises
        ------
        LazyVosError
            If a file cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of files; safe to call twice, and `at` opens them again."""
        ...


@dataclass(frozen=True, slots=True)
class Clip:
    """One video with its references, as a layout finds them; picklable."""

    name: str
    video: Path  # what `open_video` reads, such as a folder of pictures
    references: References
    fps: float | None = None  # of the frames as they are stored; None: nobody says
    judge_last: bool = True  # False: the last frame does not count, as in the set's own toolkit
    unseen: frozenset[int] | None = None  # labels whose category no training set has; None: unknown
    saved: frozenset[str] | None = None  # names of the frames whose masks are handed in; None: all

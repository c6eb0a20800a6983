"""What has become of the videos of a batch, and the file that says so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

from napari_lazyvos import __version__
from napari_lazyvos.store import atomic

__all__ = ["SUMMARY", "Outcome", "Summary", "VideoState"]

SUMMARY = "batch.json"


class VideoState(StrEnum):
    """How far a video is."""

    WAITING = auto()  # its turn has not come, or it was stopped halfway
    FINISHED = auto()  # every frame is tracked, and all is exported
    FAILED = auto()  # `Outcome.error` says why; it is tried again in the next run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a video."""

    video: str
    state: VideoState
    frames: int | None = None
    tracked: int | None = None  # frames, in the run that finished it
    seconds: float | None = None  # of that run: decoding, tracking and writing
    fps: float | None = None
    calls: int = 0  # for help, that wait for an answer
    error: str | None = None  # a sentence
    worker: str | None = None  # host and number of the process


class Summary:
    """The file ``batch.json``: what has become of each video of a batch.

    Parameters
    ----------
    folder : of the batch
    names : of all its videos
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._path = folder / SUMMARY
        self.outcomes = {name: Outcome(name, VideoState.WAITING) for name in names}

    def put(self, *outcomes: Outcome) -> None:
        """Note what has become of videos, and write the file anew."""
        self.outcomes |= {outcome.video: outcome for outcome in outcomes}
        atomic.write_bytes(self._path, (json.dumps(self.content, indent=2) + "\n").encode())

    @property
    def content(self) -> dict[str, Any]:
        """What is in the file, in JSON's types."""
        videos = [asdict(outcome) for outcome in self.outcomes.values()]
        return {"videos": videos, "version": __version__}

    @property
    def finished(self) -> list[Outcome]:
        """Outcomes of the videos that are done."""
        return [each for each in self.outcomes.values() if each.state is VideoState.FINISHED]

    @property
    def failed(self) -> list[Outcome]:
        """Outcomes of the videos that failed."""
        return [each for each in self.outcomes.values() if each.state is VideoState.FAILED]

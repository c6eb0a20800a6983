"""What a benchmark found: per object, per sequence, and in short; as JSON and back.

The file is made of what was measured, frame by frame; all means are computed from that when they
are asked for. So two files can be compared by any of them, and a measure that is added later can be
had of an old file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from napari_lazyvos.benchmark.means import means
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.atomic import write_bytes

__all__ = ["ObjectResult", "Picture", "Report", "SequenceResult"]

VERSION = 1  # of the file; one with a newer one is refused


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """How one object was followed; N frames in which it is judged."""

    label: int
    given: int  # frame in which it was given
    end: int  # its last frame, judged or not
    frames: tuple[int, ...]  # (N,)
    region: tuple[float, ...]  # (N,) J
    contour: tuple[float, ...]  # (N,) F
    present: tuple[bool, ...]  # (N,) the references have it
    predicted: tuple[bool, ...]  # (N,) its mask is not empty
    scores: tuple[float | None, ...] = ()  # (N,) of the plain prediction; None: there was none
    corrections: tuple[int, ...] = ()  # frames in which the person corrected it
    idle: tuple[int, ...] = ()  # frames in which help was asked for, and the object is not there
    pseudo: tuple[int, ...] = ()  # frames in which the tracker corrected itself
    unseen: bool | None = None  # whether its category is in no training set; None: unknown

    @property
    def judged(self) -> bool:
        """Whether any frame says how well it was followed."""
        return bool(self.frames)


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame to look at: what was found, and the outline of what is there."""

    label: int
    t: int
    region: float  # J
    jpeg: str  # base64


@dataclass(frozen=True, slots=True)
class SequenceResult:
    """How one video was followed."""

    name: str
    frames: int
    height: int
    width: int
    objects: tuple[ObjectResult, ...]
    tracked: int | None = None  # frames that were tracked, all rounds together; None: not by us
    seconds: float | None = None  # of tracking, without the person and the measuring
    peak_mb: float | None = None  # the largest memory of the process, up to the end of this video
    fps: float | None = None  # of the video
    rounds: tuple[float, ...] = ()  # J&F after each round, where there are rounds
    cells: Mapping[str, float] | None = None  # SEG, DET and TRA
    worst: tuple[Picture, ...] = ()

    @property
    def judged(self) -> tuple[ObjectResult, ...]:
        """The objects that are judged at all."""
        return tuple(each for each in self.objects if each.judged)


@dataclass(frozen=True, slots=True)
class Report:
    """One run over a data set."""

    settings: Mapping[str, Any]  # what was asked for, in JSON's types
    versions: Mapping[str, str]  # of this package and those that its figures depend on
    sequences: tuple[SequenceResult, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)  # name of a sequence to what was wrong

    def with_sequence(self, result: SequenceResult) -> Report:
        """Return the report with one sequence more, sorted by name."""
        others = [each for each in self.sequences if each.name != result.name]
        ordered = sorted((*others, result), key=lambda each: each.name)
        failed = {name: why for name, why in self.failed.items() if name != result.name}
        return replace(self, sequences=tuple(ordered), failed=failed)

    def with_failure(self, name: str, why: str) -> Report:
        """Return the report with one failure more."""
        return replace(self, failed={**self.failed, name: why})

    @property
    def means(self) -> dict[str, float]:
        """The measures over all sequences; see `means.means`."""
        return means(self.sequences)

    def write(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all; its means are there for readers."""
        content = {"version": VERSION, "means": self.means, **asdict(self)}
        text = json.dumps(content, indent=1, allow_nan=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, (text + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Report:
        """Return the report that a file holds.

        Raises
        ------
        LazyVosError
            If it is no report, or a newer version wrote it.
        """
        try:
            content = json.loads(path.read_text("utf-8"))
            version = int(content["version"])
            if version <= VERSION:
                sequences = tuple(_sequence(each) for each in content["sequences"])
                return cls(content["settings"], content["versions"], sequences, content["failed"])
        except FileNotFoundError:
            raise LazyVosError(
                f"there is no report {path}: make one with lazyvos benchmark --json."
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LazyVosError(
                f"{path} is no report of a benchmark ({error}): give a file that lazyvos benchmark "
                "or lazyvos score wrote."
            ) from error
        raise LazyVosError(
            f"{path} was written by a newer napari-lazyvos (its version is {version}, this one "
            f"reads up to {VERSION}): update napari-lazyvos."
        )


def _sequence(content: Mapping[str, Any]) -> SequenceResult:
    own = _known(SequenceResult, content)
    own["objects"] = tuple(_object(each) for each in content["objects"])
    own["rounds"] = tuple(content["rounds"])
    own["worst"] = tuple(Picture(**each) for each in content["worst"])
    return SequenceResult(**own)


def _object(content: Mapping[str, Any]) -> ObjectResult:
    own = _known(ObjectResult, content)
    own |= {name: tuple(values) for name, values in own.items() if isinstance(values, list)}
    return ObjectResult(**own)


def _known(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: content[each.name] for each in fields(kind)}

"""Does uncertainty tell how wrong a mask is? The study of Lazy-XMem (thesis Fig. 6.5).

The objects of videos whose masks are known are followed without help. In each frame the uncertainty
of each object is measured in several ways, its variants, beside its J. The rank correlation of the
two is a number for each object and variant, and how it is distributed says which variant to trust.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from napari_lazyvos import metrics
from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.following import Moment, Prediction, follow
from napari_lazyvos.benchmark.targets import Target, find_targets
from napari_lazyvos.benchmark.variants import VARIANTS, Sight
from napari_lazyvos.store.atomic import write_bytes
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.video import Video, ahead, open_video

__all__ = ["ObjectCorrelation", "Study", "correlate"]

_Row: TypeAlias = tuple[Any, ...]  # frame, J, and the value of each variant


@dataclass(frozen=True, slots=True)
class ObjectCorrelation:
    """One object in N frames in which it was predicted, and is known."""

    sequence: str
    label: int
    frames: tuple[int, ...]  # (N,)
    region: tuple[float, ...]  # (N,) J
    uncertainty: Mapping[str, tuple[float | None, ...]]  # (N,) of each variant; None: not known

    def correlation(self, variant: str) -> float:
        """Return the rank correlation of J and certainty; nan where there is none."""
        values = [np.nan if value is None else value for value in self.uncertainty[variant]]
        # `spearman` leaves out the frame in which the object was given, which is not among these.
        return metrics.spearman((1.0, *self.region), (0.0, *values))


@dataclass(frozen=True, slots=True)
class Study:
    """What was found in a data set."""

    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    objects: tuple[ObjectCorrelation, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)  # name of a sequence to what was wrong

    def with_objects(self, objects: Sequence[ObjectCorrelation]) -> Study:
        """Return the study with the objects of one sequence more, in order."""
        every = (*self.objects, *objects)
        ordered = sorted(every, key=lambda each: (each.sequence, each.label))
        return replace(self, objects=tuple(ordered))

    def with_failure(self, name: str, why: str) -> Study:
        """Return the study with one failure more."""
        return replace(self, failed={**self.failed, name: why})

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants that were measured, in the order of `VARIANTS`."""
        measured = {name for each in self.objects for name in each.uncertainty}
        return tuple(name for name in VARIANTS if name in measured)

    def correlations(self, variant: str) -> np.ndarray:
        """Return those of all objects that have one, (N,) float64."""
        values = np.array([each.correlation(variant) for each in self.objects], float)
        known: np.ndarray = values[np.isfinite(values)]
        return known

    def quartiles(self, variant: str) -> tuple[float, float, float]:
        """Return the lower quartile, the median and the upper one; nan without any object."""
        values = self.correlations(variant)
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75)) if len(values) else [np.nan] * 3
        return float(low), float(median), float(high)

    def write(self, path: Path) -> None:
        """Write the study as JSON, whole or not at all; its quartiles are there for readers."""
        summary = {
            name: {"quartiles": quartiles, "objects": len(self.correlations(name))}
            for name in self.variants
            if np.isfinite(quartiles := self.quartiles(name)).all()
        }
        text = json.dumps({"summary": summary, **asdict(self)}, indent=1, allow_nan=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, (text + "\n").encode())


def correlate(
    clip: Clip,
    folder: Path,
    on_frame: Callable[[], object] = lambda: None,
    *,
    load: Callable[[], Tracker],
    variants: Sequence[str],
    most_objects: int | None = None,
) -> tuple[ObjectCorrelation, ...]:
    """Follow the objects of a clip without help, and measure J and uncertainty.

    Parameters
    ----------
    clip : Clip
    folder : not needed, see `runner.Work`
    on_frame : called after each frame that was predicted
    load : makes the tracker
    variants : names of `VARIANTS`
    most_objects : see `find_targets`

    Raises
    ------
    LazyVosError
        If the video or a reference cannot be read, or no object is shown.
    """
    with open_video(clip.video) as video, closing(clip.references):
        targets = find_targets(clip, video.frames or 0, most=most_objects)
        judged = {each.label: frozenset(each.judged) for each in targets}
        rows: dict[int, list[_Row]] = {each.label: [] for each in targets}

        def note(moment: Moment, prediction: Prediction) -> None:
            for label in prediction.labels:
                if moment.t in judged[label]:
                    sight = Sight(prediction, label, moment.truth[label])
                    values = [VARIANTS[name].measure(sight) for name in variants]
                    region = metrics.jaccard(sight.mask, sight.truth)
                    rows[label].append((moment.t, region, *map(_finite, values)))
            on_frame()

        with closing(_moments(clip, video, targets)) as moments:
            follow(load(), moments, note)
    return tuple(_in_columns(clip, label, of, variants) for label, of in rows.items() if of)


def _moments(
    clip: Clip, video: Video, targets: tuple[Target, ...]
) -> Generator[Moment, None, None]:
    """Yield the frames from the first object to the last judgement."""
    first = min(each.given for each in targets)
    last = max((t for each in targets for t in each.judged), default=first)
    with closing(ahead(video, range(first, last + 1))) as decoded:
        for t, frame in decoded:
            truth = clip.references.at(t)
            labels = (each.label for each in targets)
            yield Moment(t, frame, {label: truth[label] for label in labels if label in truth})


def _in_columns(
    clip: Clip, label: int, rows: list[_Row], variants: Sequence[str]
) -> ObjectCorrelation:
    frames, region, *values = zip(*rows, strict=True)
    measured = dict(zip(variants, values, strict=True))
    return ObjectCorrelation(clip.name, label, frames, region, measured)


def _finite(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None

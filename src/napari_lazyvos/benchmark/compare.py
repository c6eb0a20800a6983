"""Whether two reports differ by more than chance: a paired bootstrap over sequences.

Objects of one sequence succeed and fail together, so what is drawn by chance are sequences: as many
as there are, with replacement, the same ones of both reports (Efron & Tibshirani 1993). In each of
10 000 such resamples the difference of the means is computed anew. The middle 95 % of these
differences are the interval (the percentile interval), and p is twice the share of them that lie on
the other side of 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_lazyvos.benchmark.means import means
from napari_lazyvos.benchmark.results import Report, SequenceResult
from napari_lazyvos.errors import LazyVosError

__all__ = ["COMPARED", "Comparison", "Difference", "compare"]

# What `means` takes the mean over.
OF_OBJECTS = (
    "J&F", "J", "F", "J recall", "F recall", "J decay", "F decay", "R@0.1", "R@0.25", "R@0.5",
    "ACI",
)  # fmt: skip
OF_SEQUENCES = ("Q", "ACC", "ROB", "NRE", "DRE", "ADQ", "SEG", "DET", "TRA", "R-AUC")
COMPARED = (*OF_OBJECTS[:-1], *OF_SEQUENCES, "ACI")
"""The measures that can be compared, in the order in which they are shown."""
LESS_IS_BETTER = {"J decay", "F decay", "NRE", "DRE", "ACI"}

RESAMPLES = 10_000
SEED = 0
CONFIDENCE = 0.95
FEWEST = 6  # that five all point one way has a chance of 2 / 2**5, which is above 1 - CONFIDENCE


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of two reports, A and B."""

    measure: str
    first: float  # A, over what both have
    second: float  # B
    low: float  # the interval of B - A ...
    high: float
    p: float  # two-sided, in (0, 1]
    sequences: int  # that have the measure in both

    @property
    def difference(self) -> float:
        """B - A."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """What it comes to, in words."""
        if self.sequences < FEWEST:
            few = "1 video is" if self.sequences == 1 else f"{self.sequences} videos are"
            return f"{few} too few to tell: {FEWEST} or more may do"
        if self.low <= 0 <= self.high:
            return f"no difference that these {self.sequences} videos could show"
        which = "B" if (self.difference > 0) != (self.measure in LESS_IS_BETTER) else "A"
        size, *ends = abs(self.difference), *sorted((abs(self.low), abs(self.high)))
        return f"{which} is better by {size:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports, A and B, measured by what both have."""

    differences: tuple[Difference, ...]
    sequences: int  # that both have
    objects: int  # that both have, judged in the same frames
    sequences_left_out: int  # of either report
    objects_left_out: int  # of either report, in the sequences that both have
    settings: Mapping[str, tuple[Any, Any]]  # those that differ: of A and of B


def compare(first: Report, second: Report, *, measures: Collection[str] = ()) -> Comparison:
    """Compare two reports on the sequences and objects that both have.

    Parameters
    ----------
    first, second : Report
        A and B.
    measures : names of `COMPARED`, optional
        Without them, all that both reports have.

    Returns
    -------
    Comparison

    Raises
    ------
    LazyVosError
        If the reports have nothing in common, or not a measure that is asked for.
    """
    pairs = _pairs(first.sequences, second.sequences)
    if not pairs:
        raise LazyVosError(
            "the two reports have no object in common that was judged in the same frames: compare "
            "reports of the same videos."
        )
    measured = [(_measure(one), _measure(other)) for one, other in pairs]
    found = {name: each for name in COMPARED if (each := _difference(name, measured))}
    for name in measures:
        if name not in found:
            raise LazyVosError(
                f"the reports cannot be compared by {name!r}: choose from {', '.join(found)}."
            )
    kept = {one.name: len(one.objects) for one, _ in pairs}
    every = (*first.sequences, *second.sequences)
    names = {each.name for each in every}
    objects = {(each.name, own.label) for each in every if each.name in kept for own in each.judged}
    return Comparison(
        tuple(each for name, each in found.items() if name in measures or not measures),
        len(kept),
        sum(kept.values()),
        len(names) - len(kept),
        len(objects) - sum(kept.values()),
        _different(first.settings, second.settings),
    )


def _pairs(
    first: Iterable[SequenceResult], second: Iterable[SequenceResult]
) -> list[tuple[SequenceResult, SequenceResult]]:
    """Return the sequences that both have, with the objects that both judge in the same frames."""
    others = {each.name: each for each in second}
    pairs = []
    for one in sorted(first, key=lambda each: each.name):
        if (other := others.get(one.name)) is None:
            continue
        frames = {each.label: each.frames for each in other.judged}
        kept = {each.label for each in one.judged if frames.get(each.label) == each.frames}
        if kept:
            pairs.append((_only(one, kept), _only(other, kept)))
    return pairs


def _only(sequence: SequenceResult, labels: Collection[int]) -> SequenceResult:
    kept = (each for each in sequence.objects if each.label in labels)
    return replace(sequence, objects=tuple(sorted(kept, key=lambda each: each.label)))


@dataclass(frozen=True, slots=True)
class _Measured:
    """The measures of one sequence, by name."""

    sequence: dict[str, float]
    objects: list[dict[str, float]]

    def values(self, name: str) -> list[float | None]:
        """Return one of its objects, or of itself, if the mean is one over sequences."""
        rows = [self.sequence] if name in OF_SEQUENCES else self.objects
        return [row.get(name) for row in rows]


def _measure(sequence: SequenceResult) -> _Measured:
    objects = [means([replace(sequence, objects=(each,))]) for each in sequence.objects]
    return _Measured(means([sequence]), objects)


def _difference(name: str, pairs: list[tuple[_Measured, _Measured]]) -> Difference | None:
    """Compare by one measure; None if no sequence has it in both reports."""
    rows = [
        (*np.sum(both, axis=0), len(both))
        for one, other in pairs
        if (both := _known(one.values(name), other.values(name)))
    ]
    if not rows:
        return None
    # The sums of each sequence and of how many values they are: (N,) float64 each.
    first, second, counts = np.array(rows, float).T
    # How often each sequence is drawn: a resample is a row of weights.
    drawn = np.random.default_rng(SEED).multinomial(
        len(rows), np.full(len(rows), 1 / len(rows)), RESAMPLES
    )
    # What is left of sums that cancel points nowhere.
    values = np.round(drawn @ (second - first) / (drawn @ counts), 9)
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    # The data are one more resample, so that no p is 0.
    beyond = 1 + min(np.count_nonzero(values <= 0), np.count_nonzero(values >= 0))
    return Difference(
        name,
        float(first.sum() / counts.sum()),
        float(second.sum() / counts.sum()),
        float(low),
        float(high),
        min(1.0, 2 * int(beyond) / (1 + RESAMPLES)),
        len(rows),
    )


def _known(first: list[float | None], second: list[float | None]) -> list[tuple[float, float]]:
    """Return the values that are known in both reports."""
    pairs = zip(first, second, strict=True)
    return [(one, other) for one, other in pairs if one is not None and other is not None]


def _different(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys((*first, *second))
    return {
        name: (first.get(name), second.get(name))
        for name in names
        if first.get(name) != second.get(name)
    }

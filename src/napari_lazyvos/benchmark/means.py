"""Many measurements in short: every measure that a benchmark's results have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from napari_lazyvos import metrics
from napari_lazyvos.metrics.robustness import TAUS

if TYPE_CHECKING:
    from napari_lazyvos.benchmark.results import ObjectResult, SequenceResult

__all__ = ["MEASURES", "means"]

MEASURES: Mapping[str, str] = {
    "J&F": "mean of J and F",
    "J": "region similarity",
    "F": "contour accuracy",
    "J recall": "share of frames with J above .5",
    "F recall": "share of frames with F above .5",
    "J decay": "J of the first quarter less that of the last",
    "F decay": "F of the first quarter less that of the last",
    **{f"R@{tau:g}": f"share of frames with J of {tau:g} or more" for tau in TAUS},
    "J&F LVOS": "mean over seen and unseen categories",
    "Q": "VOTS quality",
    "ACC": "VOTS accuracy",
    "ROB": "VOTS robustness",
    "NRE": "VOTS: not reported",
    "DRE": "VOTS: drifted",
    "ADQ": "VOTS: absence noticed",
    "SEG": "cells: segmentation",
    "DET": "cells: detection",
    "TRA": "cells: tracking",
    "Spearman": "rank correlation of J and certainty, median over objects",
    "R-AUC": "area under J&F over rounds",
    "NoC": "corrections by the person",
    "IDI": "seconds between two interactions",
    "ACI": "corrections per object (Eq. 6.7)",
    "frames/s": "tracked frames by seconds of tracking",
}
"""What `means` may return, in the order in which it is shown, with its title."""


def means(sequences: Iterable[SequenceResult]) -> dict[str, float]:
    """Return all of `MEASURES` that these sequences have, in that order.

    Of J, F and what follows from them every object weighs the same; of VOTS and of cells, every
    sequence.
    """
    chosen = [each for each in sequences if each.judged]
    objects = [each for sequence in chosen for each in sequence.judged]
    if not objects:
        return {}
    found = _of_masks(objects) | _of_vots(chosen) | _of_people(chosen) | _of_time(chosen)
    cells = [each.cells for each in chosen if each.cells]
    for name in ("SEG", "DET", "TRA"):
        found[name] = float(np.mean([each[name] for each in cells])) if cells else math.nan
    return {name: found[name] for name in MEASURES if not math.isnan(found.get(name, math.nan))}


def _of_masks(objects: list[ObjectResult]) -> dict[str, float]:
    region = [metrics.statistics(each.region) for each in objects]
    contour = [metrics.statistics(each.contour) for each in objects]
    of_j, of_f = ([each.mean for each in column] for column in (region, contour))
    found = {"J&F": metrics.j_and_f(of_j, of_f)}
    for name, column in (("J", region), ("F", contour)):
        found[name] = float(np.mean([each.mean for each in column]))
        found[f"{name} recall"] = float(np.mean([each.recall for each in column]))
        found[f"{name} decay"] = float(np.mean([each.decay for each in column]))
    for tau in TAUS:
        found[f"R@{tau:g}"] = metrics.robustness([each.region for each in objects], tau)
    seen = [not each.unseen for each in objects]
    if all(each.unseen is not None for each in objects) and len(set(seen)) == 2:
        found["J&F LVOS"] = metrics.lvos_mean(of_j, of_f, seen)
    return found


def _of_vots(sequences: list[SequenceResult]) -> dict[str, float]:
    """Return the measures of VOTS; the frame in which an object is given does not count."""
    of = metrics.vots(
        [
            [
                metrics.ObjectFrames(
                    (1.0, *each.region), (True, *each.present), (True, *each.predicted)
                )
                for each in sequence.judged
            ]
            for sequence in sequences
        ]
    )
    values = (of.quality, of.accuracy, of.robustness, of.not_reported, of.drift, of.absence)
    return dict(zip(("Q", "ACC", "ROB", "NRE", "DRE", "ADQ"), values, strict=True))


def _of_people(sequences: list[SequenceResult]) -> dict[str, float]:
    """Return what it cost the person, and whether the tracker knew when to ask."""
    tracked = [each for each in sequences if each.tracked is not None]
    if not tracked:
        return {}
    every = [
        (sequence.fps, each, metrics.Interactions(1 + each.end - each.given, _since(each)))
        for sequence in tracked
        for each in sequence.judged
    ]
    interactions = [each for _, _, each in every]
    found = {"NoC": float(metrics.noc(interactions)), "ACI": metrics.aci(interactions)}
    rates = {fps for fps, _, _ in every}
    if len(rates) == 1 and (fps := rates.pop()) is not None:
        found["IDI"] = metrics.idi(interactions, fps=fps)
    known = [_spearman(each) for _, each, _ in every]
    known = [value for value in known if not math.isnan(value)]
    if known:
        found["Spearman"] = float(np.median(known))
    rounds = [metrics.r_auc(each.rounds) for each in tracked if each.rounds]
    if rounds:
        found["R-AUC"] = float(np.mean(rounds))
    return found


def _of_time(sequences: list[SequenceResult]) -> dict[str, float]:
    seconds = sum(each.seconds or 0 for each in sequences)
    frames = sum(each.tracked or 0 for each in sequences)
    return {"frames/s": frames / seconds} if seconds else {}


def _since(each: ObjectResult) -> tuple[int, ...]:
    """Return the frames of the corrections, counted from the one in which the object was given."""
    return tuple(t - each.given for t in each.corrections)


def _spearman(each: ObjectResult) -> float:
    """Return the correlation over the frames that were predicted; the given one is not needed.

    An empty mask has a score of 0, which says nothing: by its area it would be 0 / 0. Nor does that
    of a frame that was corrected: it is of the mask before.
    """
    if not each.scores:
        return math.nan
    corrected = {*each.corrections, *each.pseudo}
    scores = [
        math.nan if score is None or not predicted or t in corrected else score
        for t, score, predicted in zip(each.frames, each.scores, each.predicted, strict=True)
    ]
    return metrics.spearman((1.0, *each.region), (0.0, *scores))

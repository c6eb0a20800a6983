"""Does it pay to be asked? The lazy loop beside no help, and beside help at random moments.

The protocol (ziVOS): each object is clicked once, at the centre of its reference in the first
frame that has objects (at most the 12 largest), and the clip is tracked in one pass. A call for
help is answered with one click at the centre of the object's reference, and not at all where the
reference is empty. The centre is the pixel farthest from the outside. The first frame is not
measured. With ``--start mask`` and ``--answer mask`` the reference itself takes the place of the
click: what a person would draw, and a measure of the policy without the refiner.

* ``none``: no corrections at all
* ``pseudo``: the tracker corrects itself and asks nobody
* ``lazy``: the tracker asks
* ``both``: the tracker corrects itself, and asks
* ``random``: as many calls in each clip as ``lazy`` made, at random objects and frames in which the
  reference shows the object; mean of several draws

    python bench/lazy.py
    python bench/lazy.py --sets davis --start mask --tau-user 0.1 --tau-pseudo 0.05 --jobs 2
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.quality import SHARED, Clip, find_clips, largest
from napari_lazyvos import Corrected, HelpRequest, ObjectScore, Policy, Session, open_video
from napari_lazyvos.lazy.policy import Action
from napari_lazyvos.metrics import contour_accuracy, jaccard, robustness
from napari_lazyvos.metrics.robustness import TAUS

SETS = ("davis", "microscopy", "medical")
ROWS = ("none", "pseudo", "lazy", "both", "random")


@dataclass(frozen=True, kw_only=True)
class AtMoments(Policy):
    """Ask at given moments, whatever the tracker is sure of."""

    moments: frozenset[tuple[int, int]] = frozenset()  # (frame, label)

    def action(self, t: int, score: ObjectScore) -> Action:
        """Ask, if this is one of the moments."""
        return Action.ASK if (t, score.label) in self.moments else Action.GO_ON


@dataclass(frozen=True, slots=True)
class Result:
    """What one policy reached on one clip."""

    region: np.ndarray  # (K, T) J of each object in each frame after the first
    contour: np.ndarray  # (K, T) F
    calls: int  # answered with a click
    idle_calls: int  # for objects that are not there: the person shrugs
    corrected: int  # pseudo-corrections that were accepted
    refused: int

    @property
    def means(self) -> list[float]:
        """J&F, J, F and R@tau, objects weighing the same."""
        region, contour = self.region.mean(), self.contour.mean()
        return [
            (region + contour) / 2,
            region,
            contour,
            *(robustness(self.region, t) for t in TAUS),
        ]


def centre(mask: np.ndarray) -> tuple[float, float]:
    """Return the pixel of a mask that is farthest from the outside; the first of equals."""
    padded = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(y), float(x)


def play(clip: Clip, policy: Policy, chosen: argparse.Namespace) -> Result:
    """Track a clip, and answer as the protocol says."""
    references = clip.label_maps()
    first = next(t for t, reference in enumerate(references) if reference.any())
    references, labels = references[first:], largest(references[first])
    video = open_video(np.stack(clip.frames()[first:]), contrast_limits=(0, 255))
    calls = idle = corrected = refused = 0
    with Session(video, tracker=chosen.tracker, policy=policy, device="cpu") as session:
        for label in labels:
            truth = references[0] == label
            if chosen.start == "mask":
                session.set_mask(0, truth, label=label)
            else:
                session.click(0, *centre(truth), label=label)
        for event in session.run():
            if isinstance(event, Corrected):
                corrected, refused = corrected + event.accepted, refused + (not event.accepted)
            elif isinstance(event, HelpRequest):
                truth = references[event.t] == event.label
                idle += not truth.any()
                if truth.any():
                    calls += 1
                    if chosen.answer == "mask":
                        event.mask(truth)
                    else:
                        event.click(*centre(truth))
        found = [session.store.masks.stored(t) for t in range(1, len(references))]
    pairs = [[(f == k, r == k) for f, r in zip(found, references[1:], strict=True)] for k in labels]
    region = np.array([[jaccard(*pair) for pair in row] for row in pairs])
    contour = np.array([[contour_accuracy(*pair) for pair in row] for row in pairs])
    return Result(region, contour, calls, idle, corrected, refused)


def random_moments(clip: Clip, calls: int, seed: int) -> frozenset[tuple[int, int]]:
    """Choose moments at which the reference shows the object."""
    references = clip.label_maps()
    first = next(t for t, reference in enumerate(references) if reference.any())
    labels = largest(references[first])
    there = [
        (t, k)
        for t, reference in enumerate(references[first:])
        for k in labels
        if t and (reference == k).any()
    ]
    return frozenset(random.Random(f"{clip.name} {seed}").sample(there, min(calls, len(there))))


def compare(clip: Clip, chosen: argparse.Namespace) -> dict[str, list[Result]]:
    """Play a clip under every policy; one result, or for ``random`` one for each draw."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    names = {f"tau_{each}": getattr(chosen, f"tau_{each}") for each in ("user", "pseudo", "memory")}
    given = {name: value for name, value in names.items() if value is not None}
    both = replace(Policy.for_tracker(chosen.tracker), tau_pseudo=None)
    both = replace(both, **given)
    policies = {
        "none": replace(both, tau_user=None, tau_pseudo=None, tau_memory=None),
        "pseudo": replace(both, tau_user=None),
        "lazy": replace(both, tau_pseudo=None),
        "both": both,
    }
    played = {
        name: [play(clip, policy, chosen)]
        for name, policy in policies.items()
        if name in chosen.rows
    }
    played["random"] = []
    for seed in range(chosen.draws):
        moments = random_moments(clip, played["lazy"][0].calls, seed)
        policy = AtMoments(tau_memory=both.tau_memory, moments=moments)
        played["random"].append(play(clip, policy, chosen))
    return played


def line(name: str, results: list[list[Result]]) -> str:
    """Write one row: means over clips, and sums of what was asked and corrected."""
    means = np.mean([np.mean([each.means for each in draws], axis=0) for draws in results], axis=0)
    counts = np.sum([_counts(draws[0]) for draws in results], axis=0)
    cells = [f"{mean:.3f}" for mean in means] + [str(count) for count in counts]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of developers' data")
    parser.add_argument("--sets", default=",".join(SETS), help="comma-separated")
    parser.add_argument("--only", default="", help="clips whose name contains this")
    parser.add_argument("--rows", default=",".join(ROWS), help="comma-separated; lazy is always")
    parser.add_argument("--tracker", default="compact")
    parser.add_argument("--start", choices=("click", "mask"), default="click")
    parser.add_argument("--answer", choices=("click", "mask"), default="click")
    parser.add_argument("--tau-user", type=float, help="instead of the tracker's own")
    parser.add_argument("--tau-pseudo", type=float)
    parser.add_argument("--tau-memory", type=float)
    parser.add_argument("--draws", type=int, default=3, help="of random moments")
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    chosen.rows = {"lazy", *chosen.rows.split(",")}
    clips = [c for c in find_clips(chosen.shared, chosen.sets.split(",")) if chosen.only in c.name]
    head = "| J&F | J | F | R@.1 | R@.25 | R@.5 | calls | absent | corrected | refused |"
    tables: dict[str, list[dict[str, list[Result]]]] = {}
    # Spawned: a forked process would inherit the threads of torch in whatever state they are.
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn")) as pool:
        for clip, played in zip(
            clips, pool.map(compare, clips, [chosen] * len(clips)), strict=True
        ):
            tables.setdefault(clip.group, []).append(played)
            print(f"\n{clip.group}/{clip.name} {head}", flush=True)
            for name in (row for row in ROWS if played.get(row)):
                print(line(name, [played[name]]), flush=True)
    for group, results in _with_all(tables):
        print(f"\n| {group}, {len(results)} clips {head}\n{'|---' * 11}|")
        for name in (row for row in ROWS if results[0].get(row)):
            print(line(name, [played[name] for played in results]))


def _with_all(
    tables: dict[str, list[dict[str, list[Result]]]],
) -> Iterator[tuple[str, list[dict[str, list[Result]]]]]:
    yield from tables.items()
    yield "all", [played for results in tables.values() for played in results]


def _counts(result: Result) -> list[int]:
    return [result.calls, result.idle_calls, result.corrected, result.refused]


if __name__ == "__main__":
    main()

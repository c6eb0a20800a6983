"""Does it pay to be asked? The lazy loop beside no help, and beside help at random moments.

The protocol is ziVOS, see ``lazyvos benchmark`` and the page on benchmarks: each object is clicked
once (at most the 12 that come first, of equals the largest), and a call for help is answered with
one click at the centre of the object.

* ``none``: no corrections at all
* ``pseudo``: the tracker corrects itself and asks nobody
* ``lazy``: the tracker asks
* ``both``: the tracker corrects itself, and asks
* ``random``: as many corrections in each clip as ``lazy`` had, at random objects and moments;
  mean of several draws

    python -m bench.lazy
    python -m bench.lazy --sets davis --start mask --tau-user 0.1 --tau-pseudo 0.05 --jobs 2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.quality import MOST_OBJECTS, SHARED
from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.benchmark.means import means
from napari_lazyvos.benchmark.play import play
from napari_lazyvos.benchmark.results import SequenceResult
from napari_lazyvos.benchmark.runner import Failure, each_clip
from napari_lazyvos.benchmark.settings import Settings
from napari_lazyvos.models.thresholds import thresholds_of

SETS = {
    "davis": ("davis2016/dev", "davis2016"),
    "microscopy": ("microscopy", "folder"),
    "medical": ("medical", "folder"),
}
ROWS = ("none", "pseudo", "lazy", "both", "random")
SHOWN = ("J&F", "J", "F", "R@0.1", "R@0.25", "R@0.5")
TAUS = ("tau_user", "tau_pseudo", "tau_memory")

Played = dict[str, list[SequenceResult]]
"""One result for each row, or for ``random`` one for each draw."""


def compare(
    clip: Clip, folder: Path, on_frame: Callable[[], object], *, chosen: argparse.Namespace
) -> Played:
    """Play a clip under every policy."""
    base = Settings(
        protocol="zivos",
        tracker=chosen.tracker,
        device="cpu",
        start=chosen.start,
        answer=chosen.answer,
        most_objects=MOST_OBJECTS,
    )
    own = thresholds_of(chosen.tracker)
    both = {name: getattr(own, name) for name in TAUS} | {"tau_pseudo": None} | chosen.taus
    policies = {
        "none": dict.fromkeys(TAUS),
        "pseudo": both | {"tau_user": None},
        "lazy": both | {"tau_pseudo": None},
        "both": both,
    }

    def played(name: str, settings: Settings) -> SequenceResult:
        (folder / name).mkdir()
        return play(clip, folder / name, on_frame, settings=settings)

    found = {
        row: [played(row, replace(base, policy=policy))]
        for row, policy in policies.items()
        if row in chosen.rows
    }
    calls = {clip.name: sum(len(each.corrections) for each in found["lazy"][0].objects)}
    control = replace(base, protocol="random", policy=both, calls=calls)
    draws = range(chosen.draws if "random" in chosen.rows else 0)
    return found | {"random": [played(f"random{n}", replace(control, seed=n)) for n in draws]}


def line(name: str, results: list[list[SequenceResult]]) -> str:
    """Write one row: means over clips, and sums of what was asked and corrected."""
    by_clip = [
        np.mean([[means([each])[measure] for measure in SHOWN] for each in draws], axis=0)
        for draws in results
    ]
    objects = [each for draws in results for each in draws[0].objects]
    kinds = ("corrections", "idle", "pseudo")
    counts = [sum(len(getattr(each, kind)) for each in objects) for kind in kinds]
    cells = [f"{mean:.3f}" for mean in np.mean(by_clip, axis=0)] + [str(each) for each in counts]
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
    for tau in TAUS:
        parser.add_argument(f"--{tau.replace('_', '-')}", type=float, help="not the tracker's own")
    parser.add_argument("--draws", type=int, default=3, help="of random moments")
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    chosen.rows = {"lazy", *chosen.rows.split(",")}
    chosen.taus = {tau: value for tau in TAUS if (value := getattr(chosen, tau)) is not None}
    head = f"| {' | '.join(SHOWN)} | corrections | absent | pseudo |"
    tables: dict[str, list[Played]] = {}
    for group in chosen.sets.split(","):
        folder, layout = SETS[group]
        clips = find_clips(chosen.shared / "data" / folder, layout, only=chosen.only)
        work = partial(compare, chosen=chosen)
        for played in each_clip(clips, work, jobs=chosen.jobs):
            if isinstance(played, Failure):
                print(f"\n{played.name}: {played.message}", flush=True)
                continue
            tables.setdefault(group, []).append(played)
            print(f"\n{group}/{played['lazy'][0].name} {head}", flush=True)
            for row in (row for row in ROWS if played.get(row)):
                print(line(row, [played[row]]), flush=True)
    for group, results in _with_all(tables):
        print(f"\n| {group}, {len(results)} clips {head}\n{'|---' * 10}|")
        for row in (row for row in ROWS if results[0].get(row)):
            print(line(row, [played[row] for played in results]))


def _with_all(tables: dict[str, list[Played]]) -> Iterator[tuple[str, list[Played]]]:
    yield from tables.items()
    yield "all", [played for results in tables.values() for played in results]


if __name__ == "__main__":
    main()

"""Measure what a frame costs MAVOS late in a long video, beside DeAOT, which it was made from.

Both are the same network with the same weights and see the same frames in turns; one takes every
tenth frame into a slot that keeps its size, the other remembers it as it was. Weights are random:
they cost as much as learned ones. Times are CPU times of one thread, of whole cycles of ten frames,
medians; what is remembered is measured in the snapshots of the two.

    python -m bench.mavos
    python -m bench.mavos --frames 3000 --height 48 --out mavos-memory.png
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.readmem_hosts import EVERY, begin, go_on
from bench.xmem import cut
from napari_lazyvos import trackers
from napari_lazyvos.nets.mavos import MavosNet
from napari_lazyvos.trackers.protocol import Tracker

MEMORIES = {"mca": "MAVOS", "deaot": "DeAOT"}
POINTS = 30  # at which both are looked at
SHOWN = (1 / POINTS, 1 / 6, 1 / 3, 2 / 3, 1.0)  # of the video, in the table


def load(encoder: str) -> dict[str, Tracker]:
    torch.manual_seed(0)
    weights = MavosNet(encoder).state_dict()
    options = {"weights": weights, "device": "cpu", "size": -1, "long_term_mem_gap": EVERY}
    return {memory: trackers.load("mavos", memory=memory, **options) for memory in MEMORIES}


def size_of(packed: Any) -> int:
    """Return the bytes of all tensors in nested dicts and lists."""
    if isinstance(packed, torch.Tensor):
        return packed.nbytes
    inner = packed.values() if isinstance(packed, dict) else packed
    return sum(map(size_of, inner)) if isinstance(packed, dict | list | tuple) else 0


def measured(chosen: argparse.Namespace) -> dict[str, np.ndarray]:
    """Track a video, and return (points, 3) for each memory: frames passed, ms a frame, MB."""
    found: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    rows, frames = load(chosen.encoder), cut(1, chosen.height)
    first = next(frames)
    for tracker in rows.values():
        begin(tracker, *first)
    span = chosen.frames // POINTS // EVERY * EVERY
    for start in range(1, chosen.frames, span):
        seconds: dict[str, list[float]] = defaultdict(list)
        for t in range(start, start + span):
            frame = next(frames)[0]
            for memory, tracker in rows.items():
                seconds[memory].append(go_on(tracker, t, frame))
        for memory, tracker in rows.items():
            cycles = np.reshape(seconds[memory], (-1, EVERY)).mean(1)
            megabytes = size_of(tracker.snapshot()["now"]) / 1e6
            found[memory].append((start + span - 1, 1e3 * float(np.median(cycles)), megabytes))
    return {memory: np.array(own) for memory, own in found.items()}


def print_table(found: dict[str, np.ndarray]) -> None:
    """Print what both cost, and the ratios."""
    print("| frames passed | MAVOS, frames/s | DeAOT, frames/s | ratio | MAVOS, MB | DeAOT, MB |")
    print("|---|---|---|---|---|---|")
    ours, theirs = found["mca"], found["deaot"]
    for share in SHOWN:
        point = round(share * len(ours)) - 1
        (t, a, small), (_, b, large) = ours[point], theirs[point]
        print(
            f"| {t:.0f} | {1e3 / a:.1f} | {1e3 / b:.1f} | {b / a:.2f} | {small:.1f} | {large:.1f} |"
        )
    for memory, name in MEMORIES.items():
        early, late = found[memory][1:4, 1].mean(), found[memory][-3:, 1].mean()
        print(f"{name}: a late frame costs {late / early:.2f} times an early one")


def draw(found: dict[str, np.ndarray], out: Path) -> None:
    """Draw time and memory over the video."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for key, name in MEMORIES.items():
        time.plot(found[key][:, 0], found[key][:, 1], label=name)
        memory.plot(found[key][:, 0], found[key][:, 2])
    time.set(xlabel="frame", ylabel="ms per frame", ylim=(0, None))
    memory.set(xlabel="frame", ylabel="MB remembered", ylim=(0, None))
    for axes in (time, memory):
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=2)
    figure.savefig(out, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--height", type=int, default=48, help="of frames, in pixels")
    parser.add_argument("--encoder", choices=("mobilenetv2", "r50", "swinb"), default="mobilenetv2")
    parser.add_argument("--out", type=Path, help="where a plot is written")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found = measured(chosen)
    print_table(found)
    if chosen.out:
        draw(found, chosen.out)


if __name__ == "__main__":
    main()

"""Measure how much of a frame's time goes into its uncertainty: entropy, and a score per object.

The scene is that of `speed.py`: textured discs of 45 pixels that move over a texture, 480 x 854. A
frame is step and commit of the tracker; both are timed in the same frames, and medians are taken.
It is the CPU time of all threads, so that other programs on the machine count less. With --samples,
also what the samples of a frame and their spread cost, in frames.

    python -m bench.uncertainty
    python -m bench.uncertainty --samples 5
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from bench.speed import scene
from napari_lazyvos import trackers
from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.trackers.protocol import SamplingTracker
from napari_lazyvos.uncertainty import entropy, region_scores, spread


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(name: str, objects: int, frames: int, sampled: int) -> np.ndarray:
    """Return median CPU seconds of a frame, its entropy, its scores, and its samples (else NaN)."""
    tracker = trackers.load(name, device="cpu")
    source = scene(objects)
    frame, first = next(source)
    labels = tuple(range(1, objects + 1))
    tracker.commit(0, frame, one_hot(first, labels, tracker.device), labels, permanent=True)
    rows = []
    for t in range(1, frames):
        frame, _ = next(source)
        began = time.process_time()
        found = tracker.step(frame)
        stepped = time.process_time() - began
        samples = np.nan
        if t >= frames - sampled and isinstance(tracker, SamplingTracker):
            samples = timed(lambda: spread(tracker.samples()))
        winners = label_map(found, labels, np.dtype(np.uint8))
        unsure = entropy(found)
        of_entropy = timed(lambda: entropy(found))  # noqa: B023
        of_scores = timed(lambda: region_scores(unsure, winners, labels))  # noqa: B023
        committed = timed(lambda: tracker.commit(t, frame, found, labels))  # noqa: B023
        rows.append((stepped + committed, of_entropy, of_scores, samples))
    times = np.array(rows)
    some = times[:, 3][~np.isnan(times[:, 3])]
    return np.array([*np.median(times[:, :3], axis=0), np.median(some) if len(some) else np.nan])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tracker", default="compact")
    parser.add_argument("--objects", default="1,5", help="numbers of objects, comma-separated")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--samples", type=int, default=0, help="frames whose samples are drawn")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"threads {arguments.threads}")
    columns = ("tracker", "objects", "frame, ms", "entropy, ms", "scores, ms", "share of frame",
               "samples, frames")  # fmt: skip
    print(f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|")
    for objects in map(int, arguments.objects.split(",")):
        frame, pixels, scores, samples = measure(
            arguments.tracker, objects, arguments.frames, arguments.samples
        )
        share = (pixels + scores) / frame
        drawn = "" if np.isnan(samples) else f"{samples / frame:.1f}"
        print(f"| {arguments.tracker} | {objects} | {1000 * frame:.1f} | {1000 * pixels:.2f} "
              f"| {1000 * scores:.2f} | {share:.1%} | {drawn} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

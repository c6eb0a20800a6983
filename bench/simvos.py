"""Measure what within-frame attention and token refinement save SimVOS: table 2 of its paper.

Four rows in one run, with one and the same random ViT-B: in the first blocks a token looks at all
frames, or at its own frame only; remembered frames are whole, or reduced to 768 tokens of an
object. A frame is looked at beside two remembered ones, with one object. All four see each frame
in turns. Times are CPU times of one thread, medians; on a GPU, wall times.

    OMP_NUM_THREADS=1 python -m bench.simvos
    OMP_NUM_THREADS=1 python -m bench.simvos --height 480
    python -m bench.simvos --device cuda --height 480 --repeats 20

Where frames have fewer than 768 tokens, as with 240 pixels, refinement adds to them: slower.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import defaultdict

import numpy as np
import torch

from bench.livos import sized
from napari_lazyvos import trackers
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.simvos import PROTOTYPES, SimVosNet
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.trackers.simvos import BS_LAYER_INDEX

WARM = 2  # frames that do not count: before there are two in memory
ROWS = tuple(itertools.product((0, BS_LAYER_INDEX), (False, True)))
"""Blocks with within-frame attention, and whether tokens are refined; the paper's B, and last BS"""


def made(chosen: argparse.Namespace) -> list[Tracker]:
    """Return a tracker for each row, all with the same weights."""
    torch.manual_seed(0)
    weights = SimVosNet(refined=True).state_dict()
    return [
        trackers.load(
            "simvos",
            weights=weights,
            device=chosen.device,
            size=-1,
            layer_index=layers,
            use_token_learner=refined,
        )
        for layers, refined in ROWS
    ]


def go_on(tracker: Tracker, t: int, frame: np.ndarray) -> float:
    """Track a frame, and return its seconds."""
    began = now(tracker.device)
    tracker.commit(t, frame, tracker.step(frame), (1,))
    return now(tracker.device) - began


def now(device: torch.device) -> float:
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def measure(chosen: argparse.Namespace) -> list[float]:
    """Return the seconds of a frame for each row."""
    found, source = made(chosen), sized(1, chosen.height)
    frame, label_map = next(source)
    for tracker in found:
        masks = one_hot(label_map, (1,), tracker.device)
        tracker.commit(0, frame, masks, (1,), permanent=True)
    seconds: dict[int, list[float]] = defaultdict(list)
    for t in range(1, WARM + chosen.repeats):
        frame, _ = next(source)
        for row, tracker in enumerate(found):
            seconds[row].append(go_on(tracker, t, frame))
    return [float(np.median(each[WARM - 1 :])) for each in seconds.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--repeats", type=int, default=2, help="frames that are timed")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    seconds = measure(chosen)
    width = round(854 * chosen.height / 480)
    places = -(-chosen.height // 16) * -(-width // 16)
    print(f"{chosen.height} x {width} pixels, {places} tokens of a frame, {chosen.device}\n")
    print("| own frame only | refinement | tokens in the last blocks | frames/s | times as fast |")
    print("|---|---|---|---|---|")
    for (layers, refined), each in zip(ROWS, seconds, strict=True):
        tokens = places + 2 * (2 * PROTOTYPES if refined else places)
        where = f"blocks 1 to {layers}" if layers else "no block"
        speed = f"{1 / each:.3f} | {seconds[0] / each:.2f}"
        print(f"| {where} | {'yes' if refined else 'no'} | {tokens} | {speed} |")


if __name__ == "__main__":
    main()

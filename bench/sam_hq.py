"""Time SAM-HQ: looking at a frame, and answering a click on it, beside the package's own predictor.

Without weights they are random, which costs the same. Both do the same work on the same frame, of
480 x 854 unless told otherwise, turn by turn; figures are medians.

    python bench/sam_hq.py
    python bench/sam_hq.py --models vit_tiny,vit_b --threads 2
    python bench/sam_hq.py --size 2160x3840    # a small object in a large frame: with a crop

A mask from random weights is cut by its crop, so that a click asks for that of the frame as well.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_lazyvos import refine
from napari_lazyvos.refine import Click

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from segment_anything_hq import SamPredictor, sam_model_registry

LOOKS = 3


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def row(model: str, device: str, weights: Path | None, size: tuple[int, int], clicks: int) -> str:
    """Return a row of the table."""
    torch.manual_seed(0)
    net = sam_model_registry[model]()
    refiner = refine.load("sam_hq", weights=weights or net.state_dict(), device=device)
    package = SamPredictor(net.to(device).eval())
    levels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    frame = (levels / np.float32(255)).transpose(2, 0, 1)
    looks = [
        (seconds(lambda: refiner.embed(frame)), seconds(lambda: package.set_image(levels)))
        for _ in range(LOOKS)
    ]
    embedding = refiner.embed(frame)
    before = np.zeros(size, bool)
    y, x = size[0] // 2, size[1] // 2
    before[y - 20 : y + 20, x - 20 : x + 20] = True
    click, place, kind = [Click(y, x)], np.array([[x, y]]), np.array([1])
    first = seconds(lambda: refiner.refine(embedding, click, before))
    busy = time.process_time()
    for _ in range(clicks):
        refiner.refine(embedding, click, before)
    busy = (time.process_time() - busy) / clicks
    answers = [
        (
            seconds(lambda: refiner.refine(embedding, click, before)),
            seconds(lambda: package.predict(place, kind, hq_token_only=True)),
        )
        for _ in range(clicks)
    ]
    look, its_look = np.median(looks, axis=0) * 1000
    answer, its_answer = np.median(answers, axis=0) * 1000
    return (
        f"| {model} | {device} | {look:.0f} | {look / its_look:.2f} | {first * 1000:.0f} "
        f"| {answer:.0f} | {min(ours for ours, _ in answers) * 1000:.0f} "
        f"| {busy * 1000:.0f} | {answer / its_answer:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    here = "cpu,cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--models", default="vit_tiny", help="comma-separated")
    parser.add_argument("--devices", default=here, help="comma-separated")
    parser.add_argument("--weights", type=Path, help="of the one model; else they are random")
    parser.add_argument("--size", default="480x854", help="height x width of the frame")
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    height, width = map(int, chosen.size.split("x"))
    print(f"frame {height} x {width}, threads {chosen.threads}; of package: ours / the package's")
    columns = ("model", "device", "look, ms", "of package", "first click, ms", "click, ms",
               "fastest, ms", "CPU ms", "of package")  # fmt: skip
    print(f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|")
    for model in chosen.models.split(","):
        for device in chosen.devices.split(","):
            size = (height, width)
            print(row(model, device, chosen.weights, size, chosen.clicks), flush=True)


if __name__ == "__main__":
    main()

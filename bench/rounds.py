"""Measure what a second round over the same frames costs, beside the first one.

A video is cut to its first frames. In the first round its first frame is annotated, in the second
one a frame in the middle, and both rounds go over all other frames, with fusion in the second. The
rival is the same session in which nothing that was seen is kept. Times are CPU times of one thread
for a frame that was tracked, everything included; the masks of both sessions are compared.

Weights of STCN, XMem and MiVOS are random: they cost as much as learned ones. `compact` keeps
nothing in either session.

    python -m bench.rounds VIDEO --click 141,118
    python -m bench.rounds VIDEO --click 141,118 --tracker stcn xmem mivos --frames 9
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from napari_lazyvos import Session, refine, trackers
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers import encodings
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.video import open_video

NETS = {"stcn": StcnNet, "xmem": XMemNet, "mivos": MivosNet}


def load(name: str) -> Tracker:
    """Return a tracker, with random weights where they are not bundled."""
    torch.manual_seed(0)
    own = {"weights": NETS[name]().state_dict()} if name in NETS else {}
    return trackers.load(name, device="cpu", **own)


def play(
    movie: np.ndarray, tracker: Tracker, click: tuple[float, float]
) -> tuple[list[float], np.ndarray]:
    """Return the CPU seconds for a tracked frame in two rounds, and all masks after them."""
    found = []
    with Session(movie, tracker=tracker, refiner=refine.load("compact", device="cpu")) as session:
        session.click(0, *click)
        for t in (0, len(movie) // 2):
            if t:
                session.set_mask(t, session.store.masks.stored(t) == 1)
            began = time.process_time()
            tracked = session.rounds.track(t).tracked
            found.append((time.process_time() - began) / tracked)
        masks = np.stack([session.store.masks.stored(t) for t in range(len(movie))])
    return found, masks


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("video", type=Path)
    parser.add_argument("--click", required=True, help="y,x in the first frame")
    parser.add_argument("--tracker", nargs="+", default=["compact"], choices=["compact", *NETS])
    parser.add_argument("--frames", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    y, x = map(float, arguments.click.split(","))
    with open_video(arguments.video) as video:
        frames = [video.frame(t) for t in range(arguments.frames)]
    movie = np.stack([np.rint(f * 255).astype(np.uint8).transpose(1, 2, 0) for f in frames])
    usual = encodings.BYTES
    print("| tracker | kept | round 1, s a frame | round 2, s a frame | times as fast |")
    print("|---|---|---|---|---|")
    for name in arguments.tracker:
        seen = []
        for kept, limit in (("nothing", 0), ("what was seen", usual)):
            encodings.BYTES = limit
            (first, second), masks = play(movie, load(name), (y, x))
            seen.append(masks)
            print(f"| {name} | {kept} | {first:.3f} | {second:.3f} | {first / second:.2f} |")
        if not np.array_equal(*seen):
            raise SystemExit(f"the masks of {name} differ")


if __name__ == "__main__":
    main()

"""Measure what READMem costs the trackers that have it, and how diverse it makes their memory.

Three measurements, one a call. Weights of STCN are random: they cost as much as learned ones.

The first table is of full memories of the latest frames and of READMem's, of the same size. All
trackers see the same frames in turns. A frame that is offered to the memory costs more than
another, and both kinds are timed by themselves; frames/s are those of a video in which every tenth
is offered, or every one. `with last` is a host that reads the frame that was passed last, too, as
READMem does: what that costs is not the diversity's. Times are CPU times of one thread, medians.

    python -m bench.readmem_hosts overhead
    python -m bench.readmem_hosts overhead --tracker compact --cycles 20

The second is of READMem alone, and compares whole cycles around an early frame with the last ones.

    python -m bench.readmem_hosts long --frames 5000 --height 48

The third draws how diverse the memory of the bundled tracker becomes in a real video, beside that
of the latest frames.

    python -m bench.readmem_hosts growth VIDEO --click 0,141,118 --out readmem-diversity.png
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.xmem import cut
from napari_lazyvos import refine, trackers
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.memory.readmem import ReadMem
from napari_lazyvos.memory.retention import Remembered
from napari_lazyvos.nets.stcn import StcnNet
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.trackers.windowed.tracker import MOST_READ

EVERY = 10  # frames for one that is offered; READMem, thesis sec. 5.8
HOSTS: dict[str, dict[str, dict[str, Any]]] = {
    "stcn": {
        "host": {"memory": "fifo"},
        "with last": {"memory": "fifo", "adjacent": True},
        "READMem": {"memory": "readmem"},
    },
    "compact": {"host": {"memory": "fifo"}, "READMem": {"memory": "readmem"}},
}


def load(name: str, **options: Any) -> Tracker:
    weights = None
    if name == "stcn":
        torch.manual_seed(0)
        weights = StcnNet().state_dict()
        options["sampling_interval"] = EVERY
    return trackers.load(name, weights=weights, device="cpu", **{"size": -1} | options)


def begin(tracker: Tracker, frame: np.ndarray, label_map: np.ndarray) -> None:
    masks = one_hot(label_map, (1,), tracker.device)
    tracker.commit(0, frame, masks, (1,), permanent=True)


def go_on(tracker: Tracker, t: int, frame: np.ndarray) -> float:
    """Track a frame, and return its seconds of the processor."""
    began = time.process_time()
    tracker.commit(t, frame, tracker.step(frame), (1,))
    return time.process_time() - began


def fill(name: str, height: int, size: int) -> tuple[dict[str, Any], int]:
    """Return a full memory of the latest frames, and the number of the frame offered last.

    To an untrained network the frames say nothing: their masks are given.
    """
    tracker = load(name, memory_size=size, **HOSTS[name]["host"])
    for n, (frame, labels) in enumerate(itertools.islice(cut(1, height), size + 1)):
        masks = one_hot(labels, (1,), tracker.device)
        tracker.commit(n * EVERY, frame, masks, (1,), permanent=n == 0)
    return tracker.snapshot(), size * EVERY


def restored(name: str, snapshot: dict[str, Any], /, **options: Any) -> Tracker:
    tracker = load(name, **options)
    tracker.restore(snapshot)
    return tracker


def overhead(chosen: argparse.Namespace) -> None:
    """Print the first table."""
    print("| N | | other frame, ms | offered frame, ms | frames/s, 1 of 10 | frames/s, all |")
    print("|---|---|---|---|---|---|")
    sizes = [int(size) for size in chosen.sizes.split(",")]
    snapshot, t = fill(chosen.tracker, chosen.height, max(sizes))
    frames = itertools.islice(cut(1, chosen.height), max(sizes) + 1, None)
    for size in sizes:
        rows = {
            row: restored(chosen.tracker, snapshot, memory_size=size, **options)
            for row, options in HOSTS[chosen.tracker].items()
        }
        plain: dict[str, list[float]] = defaultdict(list)
        offered: dict[str, list[float]] = defaultdict(list)
        at = t
        for _ in range(chosen.cycles):
            for seconds, step in ((plain, 1), (offered, EVERY - 1)):
                frame, at = next(frames)[0], at + step
                for row, tracker in rows.items():
                    seconds[row].append(go_on(tracker, at, frame))
        print_overhead(size, plain, offered)


def print_overhead(
    size: int, plain: dict[str, list[float]], offered: dict[str, list[float]]
) -> None:
    """Print the rows of one size."""
    speeds = {}
    for row in plain:
        other, more = float(np.median(plain[row])), float(np.median(offered[row]))
        speeds[row] = (1 / (0.9 * other + 0.1 * more), 1 / more)
        cells = [f"{1e3 * other:.0f}", f"{1e3 * more:.0f}"]
        for speed, own in zip(speeds["host"], speeds[row], strict=True):
            less = 100 * (1 - own / speed)
            cells.append(f"{own:.2f}" + (f" ({less:.0f} % less)" if row != "host" else ""))
        print(f"| {size} | {row} | {' | '.join(cells)} |", flush=True)


def go_long(chosen: argparse.Namespace) -> None:
    """Print how much a late frame costs beside an early one."""
    tracker = load("stcn", memory="readmem", memory_size=20, readmem_bound=None)
    frames = cut(1, chosen.height)
    begin(tracker, *next(frames))
    seconds = [go_on(tracker, t, next(frames)[0]) for t in range(1, chosen.frames + 1)]
    cycles = np.array(seconds[: len(seconds) // EVERY * EVERY]).reshape(-1, EVERY).sum(1) / EVERY
    span = 10  # cycles
    early = float(np.median(cycles[500 // EVERY - span : 500 // EVERY + span]))
    late = float(np.median(cycles[-2 * span :]))
    print(f"around frame 500: {1e3 * early:.1f} ms; up to {chosen.frames}: {1e3 * late:.1f} ms")
    print(f"late / early: {late / early:.3f}; {len(tracker.memory_frames)} frames in memory")


def diversity(tracker: Tracker) -> float:
    """Return log |det G| of what a bundled tracker remembers, compared all anew."""
    cells = tracker.snapshot()["mind"]["cells"]
    kept = [Remembered(each["t"], each["permanent"], {0: each["keys"].T}) for each in cells]
    rule = ReadMem(len(kept), bound=None)
    rule.admit(kept[:-1], kept[-1])
    return rule.log_determinant


def followed(chosen: argparse.Namespace) -> Iterator[tuple[int, dict[str, Tracker]]]:
    """Track a click through a video with both memories, and yield each frame's number."""
    from napari_lazyvos.video import open_video

    first, y, x = map(int, chosen.click.split(","))
    # Of the one the annotated frame is not counted in, of the other room for three such ones is.
    beside = {"host": chosen.memory - 1, "READMem": chosen.memory - MOST_READ}
    rows = {
        row: load("compact", memory_size=beside[row], size=chosen.size, **options)
        for row, options in HOSTS["compact"].items()
    }
    with open_video(chosen.video) as video:
        refiner, frame = refine.load("compact", device="cpu"), video.frame(first)
        mask = refiner.refine(refiner.embed(frame), [refine.Click(y, x)]).mask
        for tracker in rows.values():
            begin(tracker, frame, mask.astype(np.uint8))
        for t in range(first + 1, min(video.frames or 0, chosen.frames)):
            frame = video.frame(t)
            for tracker in rows.values():
                go_on(tracker, t, frame)
            yield t, rows


def growth(chosen: argparse.Namespace) -> None:
    """Draw the third."""
    from matplotlib.figure import Figure

    times: list[int] = []
    values: dict[str, list[float]] = defaultdict(list)
    for t, rows in followed(chosen):
        counts = [len(each.snapshot()["mind"]["cells"]) for each in rows.values()]
        if t % chosen.every == 0 and min(counts) == chosen.memory:
            times.append(t)
            for row, tracker in rows.items():
                values[row].append(diversity(tracker))
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot(xlabel="frame", ylabel="log |det G|")
    for row, label in (("READMem", "the frames that differ most"), ("host", "the latest frames")):
        axes.plot(times, values[row], label=label)
        shown = [f"{values[row][round(share * (len(times) - 1))]:.1f}" for share in (0, 0.5, 1)]
        print(f"{label}: {', '.join(shown)} at the begin, in the middle and at the end")
    figure.legend(frameon=False, loc="outside upper center", ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(chosen.out, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = partial(parser.add_subparsers(required=True).add_parser)
    one = add("overhead")
    one.add_argument("--tracker", choices=tuple(HOSTS), default="stcn")
    one.add_argument("--sizes", default="10,20,30", help="of the memory, comma-separated")
    one.add_argument("--cycles", type=int, default=5, help="frames of each kind that are timed")
    one.add_argument("--height", type=int, default=480)
    one.set_defaults(do=overhead)
    two = add("long")
    two.add_argument("--frames", type=int, default=5000)
    two.add_argument("--height", type=int, default=96)
    two.set_defaults(do=go_long)
    three = add("growth")
    three.add_argument("video", type=Path)
    three.add_argument("--click", default="0,141,118", help="frame, row and column")
    three.add_argument("--out", type=Path, default=Path("readmem-diversity.png"))
    three.add_argument("--memory", type=int, default=20, help="frames in it")
    three.add_argument("--size", type=int, default=240, help="short side of frames, in pixels")
    three.add_argument("--every", type=int, default=25, help="frames between two points")
    three.add_argument("--frames", type=int, default=1_000_000)
    three.set_defaults(do=growth)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.do(chosen)


if __name__ == "__main__":
    main()

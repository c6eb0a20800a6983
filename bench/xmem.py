"""Our XMem beside its authors' code: same weights, same video, same settings, on one machine.

    git clone https://github.com/hkchengrex/XMem /somewhere/XMem
    python bench/xmem.py --reference /somewhere/XMem
    python bench/xmem.py --reference /somewhere/XMem --objects 5 --device cuda
    python bench/xmem.py --long 2000 --height 160

Each run is a process of its own, and the two programs take turns, so that a slow minute of the
machine meets both. Weights are random unless given: they cost as much as learned ones. Without the
reference only ours is measured. ``--long`` tracks on and compares frames around 200 with the last
ones, when the long-term memory is full.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import torch

from bench.speed import scene
from napari_lazyvos import trackers
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.xmem import XMemNet
from napari_lazyvos.trackers.canvas import Canvas

WARM = 6  # frames that do not count: the first memory frames among them
SPAN = 25  # frames over which a median is taken: five memory frames, one consolidation

Track = Callable[[np.ndarray, np.ndarray | None], None]
"""Take a (3, H, W) float32 frame in [0, 1] and, for the first, its label map."""


def ours(weights: Path, objects: int, device: str) -> Track:
    """Return our tracker."""
    tracker = trackers.load("xmem", weights=weights, device=device, size=-1)
    labels = tuple(range(1, objects + 1))
    t = -1

    def track(frame: np.ndarray, first: np.ndarray | None) -> None:
        nonlocal t
        t += 1
        if first is not None:
            given = one_hot(first, labels, tracker.device)
            tracker.commit(t, frame, given, labels, permanent=True)
        else:
            tracker.commit(t, frame, tracker.step(frame), labels)

    return track


def reference(checkout: Path, weights: Path, objects: int, device: str, *, amp: bool) -> Track:
    """Return the authors' program, as their eval.py drives it."""
    sys.path.insert(0, str(checkout))
    from inference.inference_core import InferenceCore  # type: ignore[import-not-found]
    from model import resnet  # type: ignore[import-not-found]
    from model.network import XMem  # type: ignore[import-not-found]

    # It would download what it learned from ImageNet, only to replace it.
    resnet.model_zoo.load_url = resnet.load_weights_add_extra_dim = lambda *_: {}

    sizes = {"hidden_dim": 64, "key_dim": 64, "value_dim": 512}
    limits = {"max_mid_term_frames": 10, "min_mid_term_frames": 5, "num_prototypes": 128}
    config = sizes | limits | {
        "top_k": 30, "mem_every": 5, "deep_update_every": -1, "enable_long_term": True,
        "max_long_term_elements": 10_000, "enable_long_term_count_usage": True,
    }  # fmt: skip
    net = XMem(dict(config)).to(device).eval()
    net.load_weights(torch.load(weights, weights_only=True, map_location=device))
    core = InferenceCore(net, config=config)
    labels = list(range(1, objects + 1))
    core.set_all_labels(labels)

    def track(frame: np.ndarray, first: np.ndarray | None) -> None:
        canvas = Canvas(frame.shape[1], frame.shape[2], -1, stride=1)
        image = canvas.image(frame, torch.device(device))[0]
        masks = None
        if first is not None:
            masks = one_hot(first, tuple(labels), torch.device(device))[1:]
        with torch.no_grad(), torch.autocast(device, enabled=amp):
            core.step(image, masks, labels if first is not None else None)

    return track


def run(track: Track, frames: int, objects: int, height: int, device: str) -> list[float]:
    """Return the seconds of each frame."""
    seconds = []
    for t, (frame, label_map) in zip(range(frames), cut(objects, height), strict=False):
        began = time.perf_counter()
        track(frame, None if t else label_map)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return seconds


def cut(objects: int, height: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield frames and label maps of the scene, brought to a height."""
    for frame, label_map in scene(objects):
        step = max(1, round(frame.shape[1] / height))
        yield np.ascontiguousarray(frame[:, ::step, ::step]), label_map[::step, ::step]


def child(chosen: argparse.Namespace) -> None:
    """Measure one program in this process, and print json."""
    torch.set_num_threads(chosen.threads)
    if chosen.run == "ours":
        track = ours(chosen.weights, chosen.objects, chosen.device)
    else:
        track = reference(
            chosen.reference, chosen.weights, chosen.objects, chosen.device, amp=chosen.amp
        )
    seconds = run(track, chosen.frames, chosen.objects, chosen.height, chosen.device)
    peak = psutil.Process().memory_info()
    most = getattr(peak, "peak_wset", None) or _peak_bytes()
    if chosen.device == "cuda":
        most = torch.cuda.max_memory_allocated()
    print(json.dumps({"seconds": seconds, "peak_mb": most / 2**20}))


def _peak_bytes() -> int:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure(name: str, chosen: argparse.Namespace, frames: int) -> tuple[np.ndarray, float]:
    """Run one program in a process of its own; return its seconds by frame, and its peak memory."""
    command = [sys.executable, "-m", "bench.xmem", "--run", name, "--frames", str(frames)]
    for option in ("weights", "objects", "device", "threads", "height", "reference"):
        if (value := getattr(chosen, option)) is not None:
            command += [f"--{option}", str(value)]
    done = subprocess.run(
        [*command, *(["--amp"] if chosen.amp else [])],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return np.array(found["seconds"]), found["peak_mb"]


def compare(chosen: argparse.Namespace) -> None:
    """Let the two take turns, and print a table."""
    names = ["ours", "reference"] if chosen.reference else ["ours"]
    spells: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(chosen.repeats):
        for name in names if turn % 2 == 0 else names[::-1]:
            seconds, peak = measure(name, chosen, chosen.frames)
            spells[name].append(float(seconds[WARM:].mean()))
            peaks[name].append(peak)
    what = f"{chosen.objects} objects, {chosen.device}, {chosen.threads} threads"
    print(f"{what}, frames of height {chosen.height}, {chosen.frames - WARM} frames each\n")
    print("| | frames/s, each turn | median | peak MB |\n|---|---|---|---|")
    for name in names:
        speeds = [1 / spell for spell in spells[name]]
        turns = ", ".join(f"{speed:.2f}" for speed in speeds)
        print(f"| {name} | {turns} | {np.median(speeds):.2f} | {np.median(peaks[name]):.0f} |")
    if chosen.reference:
        pairs = zip(spells["reference"], spells["ours"], strict=True)
        ratios = [theirs / mine for theirs, mine in pairs]
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"\nours / reference, frames/s: {np.median(ratios):.2f} (turns: {each})")


def go_long(chosen: argparse.Namespace) -> None:
    """Print how much a late frame costs beside an early one."""
    seconds, peak = measure("ours", chosen, chosen.long)
    early, late = (
        float(np.median(seconds[t - SPAN : t + SPAN])) for t in (200, chosen.long - SPAN)
    )
    print(f"around frame 200: {1e3 * early:.0f} ms; at frame {chosen.long}: {1e3 * late:.0f} ms")
    print(f"late / early: {late / early:.3f}; peak {peak:.0f} MB")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, help="checkout of the authors' code")
    parser.add_argument("--weights", type=Path, help="published ones; random without")
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--amp", action="store_true", help="of the reference, on CUDA")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--long", type=int, help="track so many frames: late / early")
    parser.add_argument("--run", choices=("ours", "reference"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        child(chosen)
        return
    with TemporaryDirectory() as folder:
        if chosen.weights is None:
            torch.manual_seed(0)
            chosen.weights = Path(folder) / "random.pth"
            torch.save(XMemNet().state_dict(), chosen.weights)
        (go_long if chosen.long else compare)(chosen)


if __name__ == "__main__":
    main()

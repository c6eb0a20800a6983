"""Measure LiVOS's state of constant size beside a memory of all frames, read by softmax.

Both have the same network, with random weights, and see the same frames; only what is remembered
and how it is read differs. The rival keeps keys and values of every frame, as LiVOS takes every
frame into its state, and compares all of them with each place of a new frame, as STCN and XMem do.
(These keep every fifth frame, and theirs grow a fifth as fast; a fused kernel would not hold the
whole matrix of similarities, but compute as much.)

Three measurements, one a call. How long does a frame take, by the number of objects? Memories hold
as many frames as ``--stored`` says. Times are CPU times, medians; on a GPU, wall times.

    OMP_NUM_THREADS=1 python -m bench.livos objects --plot livos-objects.png

How do memory and the time of a frame grow with the video? Each of the two is followed in a process
of its own. The growth of its peak counts from frame 5 on, when all buffers are made.

    OMP_NUM_THREADS=1 python -m bench.livos frames --plot livos-memory.png

How do they grow with the size of frames? The working set is the peak of one whole frame, above the
network alone. 4096 is for a GPU.

    OMP_NUM_THREADS=1 python -m bench.livos sizes
    python -m bench.livos sizes --device cuda --sizes 480,1080,2160,4096
"""

from __future__ import annotations

import argparse
import gc
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import psutil
import torch
from torch import Tensor

from bench.speed import scene
from bench.xmem import _peak_bytes
from napari_lazyvos.label_maps import one_hot
from napari_lazyvos.nets.livos import KEY, OBJECT, LivosNet, Seen, match, remember
from napari_lazyvos.nets.object_transformer import CHANNELS
from napari_lazyvos.trackers.livos import LivosCanvas

MB = 2**20
WARM = 5  # frames after which growth counts
NAMES = {"linear": "remembered: a state (LiVOS)", "softmax": "remembered: all frames (softmax)"}


class Memory(Protocol):
    """What is remembered of objects, and how it is read."""

    parts: tuple[Tensor, ...]  # all that is held

    def add(self, seen: Seen, values: Tensor) -> None:
        """Take in a frame: (K, 256, h, w) values."""

    def read(self, key: Tensor) -> Tensor:
        """Return (K, 256, h, w) for the places of a (1, 64, h, w) key."""


class Linear:
    """LiVOS's."""

    def __init__(self) -> None:
        self.parts: tuple[Tensor, ...] = ()

    def add(self, seen: Seen, values: Tensor) -> None:
        """Add it to the state."""
        if not self.parts:
            state = values.new_zeros(len(values), KEY, CHANNELS)
            self.parts = state, torch.zeros_like(seen.key).expand(len(values), -1, -1, -1)
        state, key_sum = self.parts
        self.parts = remember(state, seen, values), key_sum + seen.key

    def read(self, key: Tensor) -> Tensor:
        """Multiply by the state."""
        state, key_sum = self.parts
        return match(state, key_sum, key)


class Softmax:
    """Keys and values of all frames. What is similar is so for all objects."""

    def __init__(self) -> None:
        self.parts: tuple[Tensor, ...] = ()

    def add(self, seen: Seen, values: Tensor) -> None:
        """Keep its places behind the others."""
        new = seen.key[0].flatten(1), values.flatten(2)
        old = self.parts
        both = zip(old, new, strict=True)
        self.parts = tuple(torch.cat(each, -1) for each in both) if old else new

    def read(self, key: Tensor) -> Tensor:
        """Compare all that is kept with all places."""
        keys, values = self.parts  # (64, N) and (K, 256, N)
        alike = (keys.T @ key[0].flatten(1)).div_(KEY**0.5).softmax(0)  # (N, h * w)
        return (values @ alike).view(*values.shape[:2], *key.shape[2:])


MEMORIES: dict[str, Callable[[], Memory]] = {"linear": Linear, "softmax": Softmax}


class Follower:
    """LiVOS with either memory."""

    def __init__(self, net: LivosNet, memory: Memory, device: torch.device) -> None:
        self.net, self.memory, self.device = net, memory, device
        self.reading = 0.0  # seconds, of the last frame
        self._carried: tuple[Tensor, ...] = ()  # sensory memory, object memory, masks

    @torch.no_grad()
    def begin(self, frame: np.ndarray, label_map: np.ndarray, stored: int = 1) -> None:
        """Take in a frame so many times: to fill a memory, no frame needs to differ."""
        labels = tuple(range(1, int(label_map.max()) + 1))
        seen, canvas = self._look(frame)
        masks = canvas.masks(one_hot(label_map, labels, self.device)[1:])
        sensory = torch.zeros(len(masks), CHANNELS, *canvas.grid, device=self.device)
        values, sensory, more = self.net.encode_masks(seen, masks, sensory)
        self._carried = sensory, torch.zeros(len(masks), *OBJECT, device=self.device) + more, masks
        for _ in range(stored):
            self.memory.add(seen, values)

    @torch.no_grad()
    def go_on(self, frame: np.ndarray, *, adds: bool = True) -> float:
        """Track a frame, and return its seconds."""
        began = self._now()
        seen, _ = self._look(frame)
        sensory, known, masks = self._carried
        asked = self._now()
        readout = self.memory.read(seen.key)
        self.reading = self._now() - asked
        found, sensory = self.net.decode(seen, readout, sensory, masks, known)
        values, sensory, more = self.net.encode_masks(seen, found[1:], sensory)
        if adds:
            self.memory.add(seen, values)
        self._carried = sensory, known + more, found[1:]
        return self._now() - began

    def _look(self, frame: np.ndarray) -> tuple[Seen, LivosCanvas]:
        canvas = LivosCanvas(frame.shape[1], frame.shape[2], -1)
        return self.net.encode_image(canvas.image(frame, self.device)), canvas

    def _now(self) -> float:
        if self.device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def made(name: str, device: str) -> Follower:
    torch.manual_seed(0)
    place = torch.device(device)
    return Follower(LivosNet().eval().to(place), MEMORIES[name](), place)


def sized(objects: int, height: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield frames and label maps of the scene at a height."""
    for frame, label_map in scene(objects):
        size = round(frame.shape[2] * height / frame.shape[1]), height
        picture = cv2.resize(np.ascontiguousarray(frame.transpose(1, 2, 0)), size)
        labels = cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST)
        yield np.ascontiguousarray(picture.transpose(2, 0, 1)), labels


def held(memory: Memory) -> int:
    """Return the bytes of what is remembered."""
    return sum(each.nbytes for each in memory.parts)


def objects(chosen: argparse.Namespace) -> None:
    """Print the first table."""
    print(f"{chosen.height} pixels, {chosen.stored} frames remembered, {chosen.device}\n")
    print("| objects | state, ms | all frames, ms | ratio | of it reading, state | all frames |")
    print("|---|---|---|---|---|---|")
    lines: dict[str, list[float]] = {name: [] for name in MEMORIES}
    for count in chosen.objects:
        found = timed(chosen, count)
        for name, (whole, _) in found.items():
            lines[name].append(whole)
        (one, own), (two, other) = found["linear"], found["softmax"]
        cells = f"{one:.0f} | {two:.0f} | {two / one:.2f} | {own:.1f} | {other:.0f}"
        print(f"| {count} | {cells} |", flush=True)
    if chosen.plot:
        draw(chosen.plot, "objects", "ms per frame", chosen.objects, lines)


def timed(chosen: argparse.Namespace, count: int) -> dict[str, tuple[float, float]]:
    """Return the ms of a frame, and of reading the memory for it, of both in turns."""
    followers = {name: made(name, chosen.device) for name in MEMORIES}
    frames = sized(count, chosen.height)
    first = next(frames)
    for each in followers.values():
        each.begin(*first, stored=chosen.stored)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in followers}
    for frame, _ in itertools.islice(frames, chosen.repeats + 1):
        for name, each in followers.items():
            taken[name].append((1e3 * each.go_on(frame, adds=False), 1e3 * each.reading))
    # The first frame makes buffers, and does not count.
    middle = {name: np.median(pairs[1:], axis=0) for name, pairs in taken.items()}
    return {name: (float(whole), float(reading)) for name, (whole, reading) in middle.items()}


def alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def frames(chosen: argparse.Namespace) -> None:
    """Print the second table."""
    found = {name: alone(follow, name, chosen) for name in MEMORIES}
    print(f"{chosen.height} pixels, 1 object, {chosen.device}; MB\n")
    print("| frame | state | all frames | peak: state | all frames | ms: state | all frames |")
    print("|---|---|---|---|---|---|---|")
    times = [t for t, *_ in found["linear"]]
    for row, t in enumerate(times):
        own = [found[name][row][1:] for name in MEMORIES]
        cells = [f"{each[n]:.{digits}f}" for n, digits in ((0, 2), (1, 0), (2, 0)) for each in own]
        print(f"| {t} | {' | '.join(cells)} |")
    if chosen.plot:
        lines = {name: [row[1] for row in rows] for name, rows in found.items()}
        grown = {name: [row[2] for row in rows] for name, rows in found.items()}
        draw(chosen.plot, "frames", "MB", times, lines, grown)


def follow(name: str, chosen: argparse.Namespace) -> list[tuple[int, float, float, float]]:
    """Track a video.

    Returns
    -------
    of some frames: number, MB remembered, MB by which the peak of the process has grown, ms
    """
    follower, source = made(name, chosen.device), sized(1, chosen.height)
    follower.begin(*next(source))
    rows: list[tuple[int, float, float, float]] = []
    spent: list[float] = []
    before = 0.0
    for t in range(1, chosen.frames + 1):
        spent.append(1e3 * follower.go_on(next(source)[0]))
        if t == WARM:
            before = peak(chosen.device)
        if t == WARM or (t > WARM and t % max(1, chosen.frames // 10) == 0):
            grown = (peak(chosen.device) - before) / MB
            rows.append((t, held(follower.memory) / MB, grown, float(np.median(spent[-WARM:]))))
    return rows


def in_use(device: str) -> float:
    """Return the bytes that this process has of the device's memory."""
    gc.collect()
    if device == "cuda":
        return torch.cuda.memory_allocated()
    return float(psutil.Process().memory_info().rss)


def peak(device: str) -> float:
    """Return the most that this process ever had of it."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else _peak_bytes()


def sizes(chosen: argparse.Namespace) -> None:
    """Print the third table."""
    print(f"{chosen.stored} frames remembered, 1 object, {chosen.device}; MB and ms\n")
    print("| height | state | all frames | working set: state | all frames | ratio | ms: state "
          "| all frames | ratio |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for height in chosen.sizes:
        one, two = (alone(look_once, name, height, chosen) for name in MEMORIES)
        print(
            f"| {height} | {one[0]:.2f} | {two[0]:.1f} | {one[1]:.0f} | {two[1]:.0f} "
            f"| {two[1] / one[1]:.2f} | {one[2]:.0f} | {two[2]:.0f} | {two[2] / one[2]:.2f} |",
            flush=True,
        )


def look_once(name: str, height: int, chosen: argparse.Namespace) -> tuple[float, float, float]:
    """Return MB remembered, MB of the working set, and ms, of one frame."""
    source = sized(1, height)
    given, (frame, _) = next(source), next(source)
    follower = made(name, chosen.device)
    before = in_use(chosen.device)
    follower.begin(*given, stored=chosen.stored)
    if chosen.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    spent = follower.go_on(frame)
    working = peak(chosen.device) - before
    return held(follower.memory) / MB, working / MB, 1e3 * spent


def draw(
    file: Path,
    across: str,
    up: str,
    times: list[int],
    lines: dict[str, list[float]],
    dashed: dict[str, list[float]] | None = None,
) -> None:
    """Draw a line for each memory, and a dashed one of its whole process."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot(xlabel=across, ylabel=up)
    for number, (name, values) in enumerate(lines.items()):
        axes.plot(times, values, color=f"C{number}", label=NAMES[name])
        if dashed:
            label = f"growth of the peak, {('a state', 'all frames')[number]}"
            axes.plot(times, dashed[name], "--", color=f"C{number}", label=label)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=2)
    figure.savefig(file, dpi=120)


def numbers(text: str) -> list[int]:
    """Read '1,4,8' or '1-10'."""
    first, dash, last = text.partition("-")
    return [*range(int(first), int(last) + 1)] if dash else [int(each) for each in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = partial(parser.add_subparsers(required=True).add_parser)
    one = add("objects")
    one.add_argument("--objects", type=numbers, default=numbers("1-10"), help="such as 1-10 or 1,4")
    one.add_argument("--stored", type=int, default=20, help="frames that are remembered")
    one.add_argument("--repeats", type=int, default=3, help="frames that are timed")
    one.add_argument("--height", type=int, default=480)
    one.add_argument("--plot", type=Path, help="a png")
    one.set_defaults(do=objects)
    two = add("frames")
    two.add_argument("--frames", type=int, default=200)
    two.add_argument("--height", type=int, default=240)
    two.add_argument("--plot", type=Path, help="a png")
    two.set_defaults(do=frames)
    three = add("sizes")
    three.add_argument("--sizes", type=numbers, default=numbers("240,480,720,1080"))
    three.add_argument("--stored", type=int, default=5, help="frames that are remembered")
    three.set_defaults(do=sizes)
    for each in (one, two, three):
        each.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    chosen.do(chosen)


if __name__ == "__main__":
    main()

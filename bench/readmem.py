"""Measure what one decision of READMem costs, and how diverse the memory becomes.

The first table is of a frame that is offered to a full memory, at keys of 30 x 54 places and 64
channels. *Published* is how the author decides: for each frame that might leave, all similarities
are computed, with alignment, and then one determinant. It is given the affinities of the frame to
the memory, since he has them from reading; ours compute them. The determinants alone, which is all
the rest, are compared as well. Times are CPU times of one thread, the least of some runs; what
stands in brackets is how many times that is faster than what is published. Below it stands what a
frame costs that is committed again, as by a correction: it alone is compared anew, not all.

The second table is of the scene of `speed.py`: textured discs that move over a moving texture. Keys
are its colours, 4 x 4 of them in one place. Beside READMem there is a memory of the latest frames
and the first. Determinants of one kind of alignment can be compared.

    python -m bench.readmem
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.speed import scene
from napari_lazyvos.memory.diversity import Diversity
from napari_lazyvos.memory.readmem import Align, ReadMem
from napari_lazyvos.memory.retention import Remembered

PLACES, CHANNELS = 30 * 54, 64


def least_seconds(work: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def offer(rule: ReadMem, kept: list[Remembered], new: Remembered) -> None:
    """Do as the rule says."""
    place = rule.admit(kept, new)
    if place is not None:
        kept[place : place + 1] = []
        kept.append(new)


def some_keys(count: int) -> list[Tensor]:
    """Return keys that resemble each other, (PLACES, CHANNELS) each."""
    random = torch.Generator().manual_seed(0)
    common = torch.randn(PLACES, CHANNELS, generator=random)
    return [common + 0.5 * torch.randn(PLACES, CHANNELS, generator=random) for _ in range(count)]


def published(gram: np.ndarray, keys: list[Tensor], new: Tensor, affinities: list[Tensor]) -> int:
    """Return which frame leaves; the affinities are (PLACES of memory, PLACES of new)."""
    found = []
    for leaves in range(1, len(keys)):
        row = []
        for n, (each, affinity) in enumerate(zip(keys, affinities, strict=True)):
            if n != leaves:
                aligned = each[affinity.argmax(0)].flatten()
                row.append(float(F.cosine_similarity(aligned, new.flatten(), dim=0)))
        others = np.delete(np.delete(gram, leaves, 0), leaves, 1)
        whole = np.block([[others, np.array(row)[:, None]], [np.array(row)[None], np.ones((1, 1))]])
        found.append(abs(np.linalg.det(whole)))
    return 1 + int(np.argmax(found))


def determinants(gram: np.ndarray, row: np.ndarray) -> list[float]:
    """Return all determinants, one by one, the frames' similarities being known."""
    found = []
    for leaves in range(1, len(gram)):
        whole = gram.copy()
        whole[leaves] = whole[:, leaves] = row
        whole[leaves, leaves] = 1.0
        found.append(np.linalg.det(whole))
    return found


def decision(align: Align, keys: list[Tensor], new: Tensor, runs: int) -> float:
    """Return the seconds of our decision about a frame that is offered to a full memory."""
    rule = ReadMem(len(keys), align=align)
    kept: list[Remembered] = []
    for t, each in enumerate(keys):
        offer(rule, kept, Remembered(t, t == 0, {0: each}))
    packed, offered = rule.pack(), Remembered(len(keys), False, {0: new})
    seconds = []
    for _ in range(runs):
        rule.unpack(packed)  # as if it had not been offered
        seconds.append(least_seconds(lambda: rule.admit(kept, offered), 1))
    return min(seconds)


def committed_again(size: int, runs: int) -> str:
    """Return in words what it costs that a frame in a full memory has changed."""
    rule = ReadMem(size)
    kept: list[Remembered] = []
    for t, each in enumerate(some_keys(size)):
        offer(rule, kept, Remembered(t, t == 0, {0: each}))
    one = least_seconds(lambda: rule.renew(kept, size // 2), runs)

    def forgotten() -> None:
        rule.unpack({})
        rule.admit(kept[:-1], kept[-1])

    every = least_seconds(forgotten, 1)
    return f"one of {size} committed again: {1e3 * one:.0f} ms; all compared: {1e3 * every:.0f} ms"


def cost(size: int, runs: int) -> str:
    """Return a line of the first table."""
    *keys, new = some_keys(size + 1)
    random = np.random.default_rng(0)
    drawn = random.normal(size=(size + 1, 3 * size)) + 1
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    *_, row = whole = drawn @ drawn.T
    gram, row = whole[:-1, :-1], row[:-1]
    diversity = Diversity(gram)
    one_by_one = least_seconds(lambda: determinants(gram, row), 20 * runs)
    at_once = least_seconds(lambda: diversity.ratios(row, 1.0), 20 * runs)
    squares = [each.square().sum(1, keepdim=True) for each in keys]
    affinities = [2 * each @ new.T - square for each, square in zip(keys, squares, strict=True)]
    theirs = least_seconds(lambda: published(gram, keys, new, affinities), 1)
    ours = [decision(align, keys, new, runs) for align in ("affinity", "fixed", "none")]
    cells = [f"{1e3 * each:.1f} ({theirs / each:.0f} x)" for each in ours]
    return (
        f"| {size} | {1e3 * theirs:.0f} | {' | '.join(cells)} | {1e6 * one_by_one:.0f} "
        f"| {1e6 * at_once:.0f} ({one_by_one / at_once:.0f} x) |"
    )


def colours(frame: np.ndarray) -> Tensor:
    """Return the keys of a frame, (30 * 53, 48): its colours, without their mean."""
    small = F.avg_pool2d(torch.from_numpy(frame)[None], 4)
    keys = F.unfold(small, 4, stride=4)[0].T
    return keys - keys.mean()


def growth(frames: int, every: int, size: int) -> None:
    """Print the second table."""
    aligns: tuple[Align, ...] = ("affinity", "fixed")
    rules = {}
    for align in aligns:
        rules[f"READMem, {align}"] = ReadMem(size, align=align)
        rules[f"latest, {align}"] = ReadMem(size, align=align, bound=None, diversify=False)
    memories: dict[str, list[Remembered]] = {name: [] for name in rules}
    shown = sorted({size * every, *(round(frames * share) for share in (0.25, 0.5, 0.75, 1))})
    logs: dict[str, list[str]] = {name: [] for name in rules}
    for t, (frame, _) in enumerate(itertools.islice(scene(5), frames + 1)):
        if t % every == 0:
            new = Remembered(t, t == 0, {0: colours(frame)})
            for name, rule in rules.items():
                offer(rule, memories[name], new)
        if t in shown:
            for name, rule in rules.items():
                logs[name].append(f"{rule.log_determinant:.1f}")
    print(f"\nlog|det G| of {size} frames, one of {every} offered, after so many frames\n")
    print(f"| rule | {' | '.join(map(str, shown))} |\n" + "|---" * (1 + len(shown)) + "|")
    for name, cells in logs.items():
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="10,20,30", help="of the memory, comma-separated")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--frames", type=int, default=800)
    parser.add_argument("--every", type=int, default=10, help="how many frames for one offered")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    columns = ("frames", "published, ms", "affinity, ms", "fixed, ms", "no alignment, ms",
               "determinants one by one, us", "at once, us")  # fmt: skip
    print(f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|")
    for size in map(int, arguments.sizes.split(",")):
        print(cost(size, arguments.runs), flush=True)
    print(f"\n{committed_again(20, arguments.runs)}")
    growth(arguments.frames, arguments.every, 20)


if __name__ == "__main__":
    main()

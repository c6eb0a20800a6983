"""Measure what a frame costs a tracker, early and late in a long video, beside DIS flow alone.

A textured scene of 480 x 854 moves under textured discs that move on their own. Times are medians
over 20 frames of step and commit; flow is one DIS flow between whole frames on the same machine.

    python bench/speed.py
    python bench/speed.py --frames 300 --objects 1
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import cv2
import numpy as np
import torch

from napari_lazyvos import trackers
from napari_lazyvos.label_maps import one_hot

HEIGHT, WIDTH = 480, 854
EARLY = 50
SPAN = 20  # frames over which a median is taken
RADIUS = 45


def scene(objects: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield frames, (3, H, W) float32, and label maps, without end."""
    rng = np.random.default_rng(0)
    rough = rng.random((objects + 1, HEIGHT // 8, WIDTH // 8, 3), dtype=np.float32)
    surfaces = [cv2.resize(r, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR) for r in rough]
    phases = rng.random((objects, 2)) * 2 * np.pi
    centres = [(WIDTH * (0.1 + 0.8 * ((i * 0.37) % 1)), HEIGHT * (0.25 + 0.5 * (i % 2)))
               for i in range(objects)]  # fmt: skip
    t = 0
    while True:
        image = np.roll(surfaces[0], t, axis=1).copy()
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for i, (x, y) in enumerate(centres):
            shift = 20 * np.sin(0.1 * t + phases[i])
            place = (round(x + shift[0]), round(y + shift[1]))
            disc = cv2.circle(np.zeros_like(labels), place, RADIUS, 1, -1).astype(bool)
            moved = np.roll(surfaces[i + 1], (round(shift[1]), round(shift[0])), axis=(0, 1))
            image[disc] = moved[disc]
            labels[disc] = i + 1
        yield np.ascontiguousarray(image.transpose(2, 0, 1)), labels
        t += 1


def flow_seconds() -> float:
    """Return the median seconds of DIS flow between two whole frames."""
    frames = scene(1)
    grey = [
        cv2.cvtColor(
            (next(frames)[0].transpose(1, 2, 0) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY
        )
        for _ in range(2)
    ]
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    seconds = []
    for _ in range(SPAN):
        began = time.perf_counter()
        method.calc(grey[1], grey[0], None)  # type: ignore[call-overload]
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def tracker_seconds(name: str, objects: int, frames: int) -> tuple[float, float, float]:
    """Return median wall seconds early and late, and CPU seconds late, of one frame."""
    tracker = trackers.load(name, device="cpu")
    source = scene(objects)
    frame, first = next(source)
    labels = tuple(range(1, objects + 1))
    tracker.commit(0, frame, one_hot(first, labels, tracker.device), labels, permanent=True)
    wall, cpu = [], []
    for t in range(1, frames):
        frame, _ = next(source)
        began, busy = time.perf_counter(), time.process_time()
        tracker.commit(t, frame, tracker.step(frame), labels)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)
    early = float(np.median(wall[EARLY - SPAN : EARLY]))
    return early, float(np.median(wall[-SPAN:])), float(np.median(cpu[-SPAN:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trackers", default=",".join(trackers.BUNDLED), help="comma-separated")
    parser.add_argument("--objects", default="1,10", help="numbers of objects, comma-separated")
    parser.add_argument("--frames", type=int, default=2000)
    arguments = parser.parse_args()
    flow = flow_seconds()
    print(f"threads {torch.get_num_threads()}, DIS flow alone {1000 * flow:.0f} ms")
    print(f"| tracker | objects | frame {EARLY}, ms | frame {arguments.frames}, ms "
          "| late / early | of flow | CPU ms | peak RSS, MB |\n" + "|---" * 8 + "|")  # fmt: skip
    for name in arguments.trackers.split(","):
        for objects in map(int, arguments.objects.split(",")):
            early, late, cpu = tracker_seconds(name, objects, arguments.frames)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"| {name} | {objects} | {1000 * early:.0f} | {1000 * late:.0f} "
                  f"| {late / early:.2f} | {late / flow:.1f} | {1000 * cpu:.0f} | {peak:.0f} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

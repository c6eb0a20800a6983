"""Time the whole loop, frame by frame: decode, track, measure, write; early and late in a video.

A textured square of 120 pixels moves over a texture, 480 x 854, generated frame by frame so that
the disk is not measured. The rival in the same run is dense optical flow (DIS, Kroeger et al.
2016) on the same frames, which is the least that any tracker by motion must do.

    python bench/loop.py
    python bench/loop.py --frames 300 --objects 10
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import torch

from napari_lazyvos.lazy import FrameResult
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.scale import PixelScale
from napari_lazyvos.video import Video

HEIGHT, WIDTH, SIDE = 480, 854, 120
SPAN = 20  # frames around the ones that are reported


class MovingSquares:
    """A `Source`: textured squares that go to and fro over a texture."""

    name = "squares"
    height, width, channels = HEIGHT, WIDTH, 3
    rgb = True
    dtype = np.dtype(np.uint8)
    scale = PixelScale()
    origin = {"what": None}  # noqa: RUF012  read-only here

    def __init__(self, frames: int, objects: int) -> None:
        rng = np.random.default_rng(0)
        self.frames = frames
        self._side = SIDE if objects == 1 else SIDE // 2
        self._ground = _texture(rng, HEIGHT, WIDTH)
        self._squares = [_texture(rng, self._side, self._side) for _ in range(objects)]

    def corners(self, t: int) -> Iterator[tuple[int, int]]:
        """Yield the upper left corner of each square in frame `t`."""
        for i in range(len(self._squares)):
            row, column = divmod(i, 5)
            swing = np.sin(t / 25 + i) * 30
            yield 60 + row * 180, round(60 + column * 150 + swing)

    def read(self, t: int) -> np.ndarray:
        """Return frame `t` as (3, H, W) uint8."""
        frame = self._ground.copy()
        for (y, x), square in zip(self.corners(t), self._squares, strict=True):
            frame[:, y : y + self._side, x : x + self._side] = square
        return frame

    def label_map(self) -> np.ndarray:
        """Return the (H, W) label map of frame 0."""
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for label, (y, x) in enumerate(self.corners(0), start=1):
            labels[y : y + self._side, x : x + self._side] = label
        return labels

    def close(self) -> None:
        """Hold nothing."""


def _texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    noise = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    smooth = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.moveaxis(smooth, -1, 0))


def time_flow(source: MovingSquares, frames: int) -> float:
    """Return the median seconds of optical flow between two frames."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [
        cv2.cvtColor(np.moveaxis(source.read(t), 0, -1), cv2.COLOR_RGB2GRAY) for t in range(frames)
    ]
    seconds = []
    for one, other in pairwise(greys):
        began = time.perf_counter()
        method.calc(one, other, None)  # type: ignore[call-overload]
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def time_loop(source: MovingSquares) -> tuple[np.ndarray, np.ndarray]:
    """Track the whole video, and return the seconds and the peak megabytes at each frame."""
    seconds, memory = [], []
    with Session(Video(source), device="cpu") as session:
        session.paint(0, source.label_map())
        began = time.perf_counter()
        for event in session.run():
            if isinstance(event, FrameResult):
                now = time.perf_counter()
                seconds.append(now - began)
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
                began = now
    return np.array(seconds), np.array(memory)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=2020)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    source = MovingSquares(arguments.frames, arguments.objects)
    flow = time_flow(source, 30)
    seconds, memory = time_loop(source)
    print(f"{arguments.objects} objects, {arguments.frames} frames, {arguments.threads} threads")
    print("| around frame | ms per frame | frames/s | times optical flow | peak MB |")
    print("|---|---|---|---|---|")
    for t in (50, arguments.frames - SPAN):
        spell = float(np.median(seconds[t - SPAN : t + SPAN]))
        cells = f"{spell * 1e3:.0f} | {1 / spell:.1f} | {spell / flow:.2f} | {memory[t - 1]:.0f}"
        print(f"| {t} | {cells} |")
    print(f"\noptical flow alone: {flow * 1e3:.0f} ms")
    late, early = (np.median(seconds[t - SPAN : t + SPAN]) for t in (arguments.frames - SPAN, 50))
    print(f"late / early: {late / early:.2f}; all frames: {1 / seconds.mean():.1f} frames/s")


if __name__ == "__main__":
    main()

"""Measure how many frames a second two local workers track together, beside one alone.

Generated cell movies, one cell clicked in each, `lazyvos batch`'s own workers. Each worker has one
thread and has tracked a video before the clock starts: starting a worker is a matter of seconds,
and is printed apart.

    python bench/batch.py
    python bench/batch.py --videos 12 --frames 120 --workers 4
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile
import torch
from distributed import Client

from napari_lazyvos.batch import cluster
from napari_lazyvos.batch.clicks_table import TableClick
from napari_lazyvos.batch.job import Job
from napari_lazyvos.video import samples

CELL = 2  # in the middle of the field of view from the first frame on


def write_movie(folder: Path, frames: int) -> tuple[Path, TableClick]:
    """Write a movie, and return it with a click on a cell."""
    movie, labels = samples.cells(frames)
    path = folder / "cells.tif"
    tifffile.imwrite(path, movie, metadata={"axes": "TYX"})
    y, x = np.argwhere(labels[0] == CELL).mean(axis=0)
    return path, TableClick(2, CELL, 0, float(y), float(x))


def make_jobs(movie: tuple[Path, TableClick], folder: Path, count: int, tracker: str) -> list[Job]:
    """Return jobs on the same movie, with results of their own."""
    path, click = movie
    methods = {"tracker": tracker, "device": "cpu"}
    names = [f"video{i}" for i in range(count)]
    return [Job(name, path, folder / name, (click,), methods) for name in names]


def track(client: Client, jobs: list[Job]) -> tuple[int, float]:
    """Return how many frames were tracked, and the seconds that it took."""
    began = time.perf_counter()
    outcomes = list(cluster.track_videos(client, jobs))
    seconds = time.perf_counter() - began
    failed = [outcome.error for outcome in outcomes if outcome.error]
    if failed:
        raise RuntimeError(failed[0])
    return sum(outcome.tracked or 0 for outcome in outcomes), seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--videos", type=int, default=6)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2, help="beside one")
    parser.add_argument("--tracker", default="compact")
    arguments = parser.parse_args()
    print("| workers | ready after s | frames | s | frames/s | times one worker |")
    print("|---|---|---|---|---|---|")
    alone = 0.0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        movie = write_movie(folder, arguments.frames)
        (folder / "short").mkdir()
        short = write_movie(folder / "short", 3)
        for count in (1, arguments.workers):
            began = time.perf_counter()
            with cluster.start_workers(count) as client:
                client.run(torch.set_num_threads, 1)
                client.run(cv2.setNumThreads, 1)
                track(client, make_jobs(short, folder / f"warm{count}", count, arguments.tracker))
                ready = time.perf_counter() - began
                place = folder / f"with{count}"
                jobs = make_jobs(movie, place, arguments.videos, arguments.tracker)
                frames, seconds = track(client, jobs)
            speed = frames / seconds
            alone = alone or speed
            cells = f"{ready:.1f} | {frames} | {seconds:.1f} | {speed:.1f} | {speed / alone:.2f}"
            print(f"| {count} | {cells} |", flush=True)


if __name__ == "__main__":
    main()

"""Measure whether the tracker follows a video better after seeing clips made from its first frame.

    python -m training.adapt                          # the developers' clips, as bench/quality.py
    python -m training.adapt --only davis --steps 300

The annotated first frame is the only picture: its objects are cut out and moved over it, or it
moves as a whole. A copy of the bundled network takes so many steps on such clips, and then tracks
the video; the table shows J before and after, and the seconds of training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import torch

from bench import quality
from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.models import bundled
from napari_lazyvos.nets.compact import CompactNet
from napari_lazyvos.nets.weights import fill
from napari_lazyvos.trackers.windowed.window import Detail, Grid
from training.data import Generator
from training.data.pictures import Picture
from training.run import SHARED
from training.tracker.loader import batch_of
from training.tracker.rollout import Batch, rollout

CLIPS, FRAMES, SIZE = 2, 3, 128
RATE = 1e-4
SPANS = (0.4, 0.8)  # extents of object 1: about as the tracker sees it


def main() -> None:
    """Print J of each clip before and after."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", default=",".join(quality.SETS))
    parser.add_argument("--only", default="", help="clips whose name contains this")
    parser.add_argument("--steps", type=int, default=100)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    clips = [c for c in quality.find_clips(SHARED, chosen.sets.split(",")) if chosen.only in c.name]
    before, after = [], []
    for clip in clips:
        before.append(quality.evaluate(clip, quality.track_with("compact")).similarity)
        began = time.perf_counter()
        weights = adapted(*_first(clip), chosen.steps)
        seconds = time.perf_counter() - began
        after.append(quality.evaluate(clip, quality.track_with("compact", weights)).similarity)
        print(f"{clip.name:40} {before[-1]:.3f} {after[-1]:.3f} {seconds:5.0f} s", flush=True)
    print(f"{'mean':40} {np.mean(before):.3f} {np.mean(after):.3f}")


def adapted(frame: np.ndarray, labels: np.ndarray, steps: int) -> dict[str, torch.Tensor]:
    """Return the bundled weights after some steps on clips made from one frame.

    Parameters
    ----------
    frame : (H, W, 3) uint8
    labels : (H, W) int
    steps : int
    """
    net = fill(CompactNet(), bundled("tracker"), "tracker").train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE)
    made = _clips(_as_seen(frame, labels))
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        rollout(net, next(made)).loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    return net.state_dict()


def _clips(picture: Picture) -> Iterator[Batch]:
    generator = Generator(
        {"own": [picture]}, seed=0, size=SIZE, frames=FRAMES, spans=SPANS, families=["own"]
    )
    number = 0
    while True:
        yield batch_of(generator.batch(CLIPS), np.random.default_rng((0, number)), FRAMES)
        number += 1


def _as_seen(frame: np.ndarray, labels: np.ndarray) -> Picture:
    """Return the window around the objects at the scale at which the tracker looks at it."""
    names = tuple(int(label) for label in np.unique(labels) if label)
    masks = one_hot(labels, names, torch.device("cpu"))
    grid = Grid.suited(masks, Detail())
    window = grid.around(masks[0] < 0.5) or grid.whole
    ids = label_map(grid.shrink(masks, window), names, np.dtype(np.int32))
    return Picture(grid.cut(frame, window).astype(np.uint8), ids, "own")


def _first(clip: quality.Clip) -> tuple[np.ndarray, np.ndarray]:
    """Return the first frame that has objects, and the labels that are tracked."""
    references = clip.label_maps()
    start = next(t for t, reference in enumerate(references) if reference.any())
    kept = quality.largest(references[start])
    return clip.frames()[start], np.where(np.isin(references[start], kept), references[start], 0)


if __name__ == "__main__":
    main()

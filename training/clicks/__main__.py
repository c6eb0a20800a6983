"""Train the bundled click network.

python -m training.clicks --out runs/clicks --minutes 120
python -m training.clicks --out runs/clicks --minutes 120     # again: goes on to the step
python -m training.clicks --export src/napari_lazyvos/models/weights/clicks.safetensors
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from napari_lazyvos.nets.clicks import SIDE, ClickNet
from training.clicks.loader import Stage, stills
from training.clicks.session import work
from training.run import SHARED, Run, parse

CURRICULUM = (Stage(until=0.6, clips=24, size=128), Stage(until=1.0, clips=12, size=SIDE))
EXAM = Stage(until=1.0, clips=12, size=SIDE)
CLICKS = (0.5, 0.25, 0.15, 0.1)  # how often the loss is that of the first, second, ... click
LOG_EVERY = 50  # steps
SAVE_EVERY = 5.0  # minutes
EXAM_BATCHES = 16


def main() -> None:
    """Train until the planned minutes are over, or export what was trained."""
    chosen = parse(__doc__ or "", Path("runs/clicks"))
    run = Run.begin(ClickNet(), "clicks", chosen)
    if chosen.export:
        run.export(chosen.export)
    else:
        train(run, chosen.seed, chosen.workers)


def train(run: Run, seed: int, workers: int) -> None:
    """Go through the curriculum from where the run stands."""
    share, losses, overlaps, saved = run.clock.tick(), [], [], time.monotonic()
    for stage in CURRICULUM:
        if share >= stage.until:
            continue
        made = stills(SHARED, stage, seed=seed, start=run.step, workers=workers)
        while share < stage.until:
            rng = np.random.default_rng((seed, run.step))
            scores = work(run.net, next(made), 1 + int(rng.choice(len(CLICKS), p=CLICKS)))
            share = run.update(scores.loss)
            losses.append(scores.loss.item())
            overlaps.append(scores.overlaps[0])
            if run.step % LOG_EVERY == 0:
                run.log(loss=np.mean(losses), first=np.mean(overlaps), one=np.nan, three=np.nan)
                losses, overlaps = [], []
            if time.monotonic() - saved > 60 * SAVE_EVERY:
                run.save()
                one, three = examine(run)
                run.log(loss=np.nan, first=np.nan, one=one, three=three)
                saved = time.monotonic()
                run.clock.start()  # the exam does not count
        run.save()


def examine(run: Run) -> tuple[float, float]:
    """Return IoU after one and three clicks of the averaged weights, on images held out."""
    net = ClickNet().to(next(iter(run.average.values())).device).eval()
    net.load_state_dict(run.average)
    made = stills(SHARED, EXAM, seed=12345, start=0, workers=0, split="held-out")
    with torch.inference_mode():
        overlaps = [work(net, next(made), 3).overlaps for _ in range(EXAM_BATCHES)]
    one, _, three = np.mean(overlaps, axis=0)
    return float(one), float(three)


if __name__ == "__main__":
    main()

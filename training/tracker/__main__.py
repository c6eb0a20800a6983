"""Train the bundled tracker.

    python -m training.tracker --out runs/tracker --minutes 120
    python -m training.tracker --out runs/tracker --minutes 120     # again: goes on to the step
    python -m training.tracker --export src/napari_lazyvos/models/weights/tracker.safetensors

One CPU thread computes and one process beside it makes the clips; ``--device cuda`` for a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from napari_lazyvos.nets.compact import CompactNet
from training.run import SHARED, Run, parse
from training.tracker.loader import Stage, batches
from training.tracker.rollout import rollout

CURRICULUM = (
    Stage(until=0.2, clips=8, frames=3, size=128),
    # In videos the first frame is soon a poor witness: here too it lies far back.
    Stage(until=0.5, clips=5, frames=4, size=128, spans=(0.2, 0.7), gap=14),
    # Long enough to drift: what one frame adds or takes too much, the next ones must mend.
    Stage(until=1.0, clips=2, frames=9, size=160, spans=(0.2, 0.7), gap=20),
)
LOG_EVERY = 50  # steps
SAVE_EVERY = 5.0  # minutes
EXAM = Stage(until=1.0, clips=4, frames=6, size=160, gap=14)
EXAM_BATCHES = 10


def main() -> None:
    """Train until the planned minutes are over, or export what was trained."""
    chosen = parse(__doc__ or "", Path("runs/tracker"))
    run = Run.begin(CompactNet(), "tracker", chosen)
    if chosen.export:
        run.export(chosen.export)
    else:
        # Weights that have learned before are past the beginning.
        curriculum = CURRICULUM[1:] if chosen.start else CURRICULUM
        train(run, chosen.seed, chosen.workers, chosen.device, curriculum)


def train(
    run: Run, seed: int, workers: int, device: str, curriculum: Sequence[Stage] = CURRICULUM
) -> None:
    """Go through the curriculum from where the run stands."""
    share = run.clock.tick()
    for stage in curriculum:
        if share >= stage.until:
            continue
        made = batches(SHARED, stage, seed=seed, start=run.step, workers=workers)
        losses, similarities, saved = [], [], time.monotonic()
        while share < stage.until:
            scores = rollout(run.net, next(made).to(device))
            share = run.update(scores.loss)
            losses.append(scores.loss.item())
            similarities.append(scores.similarity)
            if run.step % LOG_EVERY == 0:
                run.log(loss=np.mean(losses), J=np.nanmean(similarities), held_out=np.nan)
                losses, similarities = [], []
            if time.monotonic() - saved > 60 * SAVE_EVERY:
                run.save()
                run.log(loss=np.nan, J=np.nan, held_out=examine(run, device))
                saved = time.monotonic()
                run.clock.start()  # the exam does not count
        run.save()


def examine(run: Run, device: str) -> float:
    """Return the mean J of the averaged weights on clips made from images held out."""
    net = type(run.net)().to(device).eval()
    net.load_state_dict(run.average)
    made = batches(SHARED, EXAM, seed=12345, start=0, workers=0, split="held-out")
    with torch.inference_mode():
        return float(
            np.mean([rollout(net, next(made).to(device)).similarity for _ in range(EXAM_BATCHES)])
        )


if __name__ == "__main__":
    main()

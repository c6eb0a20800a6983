"""Train the tracker for a few minutes with one part missing, and see what the part is good for.

    python -m training.ablate --minutes 10
    python -m training.ablate --minutes 10 --without far

All variants begin alike, see the same clips, and are measured on the same ones: clips made from
pictures held out, and some of the developers' real ones, as in bench/quality.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from bench import quality
from napari_lazyvos.nets.compact import CompactNet
from napari_lazyvos.nets.weights import fill
from napari_lazyvos.trackers.compact.tracker import CompactTracker
from training.pretrained import open_eyes
from training.run import SHARED, Run
from training.tracker.__main__ import examine, train
from training.tracker.loader import Stage

CURRICULUM = (Stage(until=1.0, clips=6, frames=4, size=128, spans=(0.2, 0.7), gap=14),)
CLIPS = (
    "blackswan", "car-shadow", "horsejump-high", "yeastvision_phase",
    "echonet_0x18ba5512be5d6ffa", "sunnybrook_sc_hyp_10", "recist_ct_lesion_000015_01_01_103-115",
)  # fmt: skip


class WithoutFar(CompactNet):
    """Reads nothing that lies elsewhere."""

    def read_far(self, query: Tensor, keys: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Say that all labels are as likely."""
        return _know_nothing(query, masks)


class WithoutKept(CompactNet):
    """Does not read the first frame near the place where the flow points."""

    def read_kept(self, query: Tensor, keys: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Say that all labels are as likely."""
        return _know_nothing(query, masks)


class WithoutDecoder(CompactNet):
    """Adds nothing to the weighted witnesses."""

    def _add(self, shared: Tensor, fine: Tensor, hints: Tensor, sharp: Tensor) -> Tensor:
        return torch.zeros_like(sharp[:, :, 0])


class BornBlind(CompactNet):
    """Begins with eyes that have seen nothing."""


VARIANTS: dict[str, type[CompactNet]] = {
    "nothing": CompactNet,
    "imagenet": BornBlind,
    "far": WithoutFar,
    "kept": WithoutKept,
    "decoder": WithoutDecoder,
}


def main() -> None:
    """Train the variants one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of training for each")
    parser.add_argument("--without", default=",".join(VARIANTS), help="comma-separated")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print("| without | steps | held-out J | " + " | ".join(CLIPS) + " | mean |", flush=True)
    for name in chosen.without.split(","):
        with TemporaryDirectory() as folder:
            steps, held_out, found = measure(VARIANTS[name], Path(folder), chosen.minutes)
        cells = " | ".join(f"{value:.3f}" for value in (held_out, *found, float(np.mean(found))))
        print(f"| {name} | {steps} | {cells} |", flush=True)


def measure(
    variant: type[CompactNet], folder: Path, minutes: float
) -> tuple[int, float, list[float]]:
    """Train one variant; return its steps, J on held-out clips, and J on real ones."""
    torch.manual_seed(0)
    net = variant()
    if variant is not BornBlind:
        open_eyes(net.eyes)
    run = Run(net, folder, minutes=minutes, rate=1e-3)
    train(run, seed=0, workers=1, device="cpu", curriculum=CURRICULUM)
    clips = [c for c in quality.find_clips(SHARED, list(quality.SETS)) if c.name in CLIPS]
    clips.sort(key=lambda clip: CLIPS.index(clip.name))
    method = quality.track_by(lambda: _tracker(variant, run.average))
    return run.step, examine(run, "cpu"), [quality.evaluate(c, method).similarity for c in clips]


def _tracker(variant: type[CompactNet], weights: dict[str, Tensor]) -> CompactTracker:
    tracker = CompactTracker(weights=weights)
    tracker.net = fill(variant(), weights, "tracker")
    return tracker


def _know_nothing(query: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    batch, _, height, width = query.shape
    labels = masks.shape[1]
    same = query.new_full((batch, labels, height, width), 1 / labels)
    return same, query.new_zeros(batch, 1, height, width)


if __name__ == "__main__":
    main()

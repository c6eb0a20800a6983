"""Find the rise of a tracker's score at which a person should be asked.

    python -m training.calibrate
    python -m training.calibrate --trackers compact --clips 60

Clips made from pictures held out are tracked without help; what is measured is told in
`napari_lazyvos.benchmark.calibration`. The threshold from which every second call is right goes
into `napari_lazyvos/models/thresholds.toml`: a tool for lazy people does not cry wolf.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch

from napari_lazyvos import trackers
from napari_lazyvos.benchmark.calibration import Course, Observations, follow, observe, tabulate
from training.data import Generator
from training.run import SHARED

FRAMES, SIDE = 16, 256


def main() -> None:
    """Print how well each threshold does, for each tracker."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trackers", default=",".join(trackers.BUNDLED), help="comma-separated")
    parser.add_argument("--clips", type=int, default=100)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in chosen.trackers.split(","):
        observed = measure(name, chosen.clips)
        print(f"{name}: {observed.judged.sum()} object frames, {observed.slips.sum()} slips")
        print("rise   calls in 1000 frames   calls that were right   slips found")
        table = tabulate(observed)
        rows = zip(table.thresholds, table.calls, table.right, table.found, strict=True)
        for row in rows:
            print("{:5.3f} {:16.1f} {:23.2f} {:16.2f}".format(*row), flush=True)


def measure(name: str, clips: int) -> Observations:
    """Track clips with a tracker of this name."""
    made = Generator(SHARED, seed=4321, size=SIDE, frames=FRAMES, split="held-out")

    def tracked() -> Iterator[list[Course]]:
        for _ in range(clips):
            clip = made.batch(1)
            moments = zip(clip.frames[0].numpy(), clip.labels[0].numpy(), strict=True)
            yield follow(trackers.load(name, device="cpu"), moments)

    return observe(tracked())


if __name__ == "__main__":
    main()

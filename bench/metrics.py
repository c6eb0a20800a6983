"""How long contour accuracy F takes, beside the DAVIS-2017 toolkit, and whether they agree.

    git clone https://github.com/davisvideochallenge/davis2017-evaluation /somewhere/davis2017
    python bench/metrics.py --reference /somewhere/davis2017
    python bench/metrics.py --reference /somewhere/davis2017 --masks /somewhere/Annotations/bear

Pairs of 480 x 854 unless masks are given: what is compared with each mask is the mask moved by a
few pixels. Both take turns on the same pair, on one thread; times are medians, of the processor,
so that other work on the machine counts little. Without the reference only ours is measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from napari_lazyvos.metrics import contour_accuracy

HEIGHT, WIDTH = 480, 854
SHARES = (0.001, 0.01, 0.1, 0.5)  # of the frame, of the made masks
SHIFT = (6, -9)  # rows and columns

Measure = Callable[[np.ndarray, np.ndarray], float]
"""Take a mask and its reference, (H, W) bool."""


def made() -> list[tuple[str, np.ndarray]]:
    """Return rough discs in the middle of the frame, and a mask of pieces all over it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] - np.array([HEIGHT, WIDTH])[:, None, None] / 2
    waves = 1 + 0.2 * np.sin(9 * np.arctan2(y, x))
    found = [
        (f"{100 * share:g} % of the frame", np.hypot(y, x) < waves * radius)
        for share in SHARES
        for radius in [np.sqrt(share * HEIGHT * WIDTH / np.pi)]
    ]
    rough = np.random.default_rng(0).random((HEIGHT, WIDTH))
    return [*found, ("pieces all over", cv2.GaussianBlur(rough, (0, 0), 6) > 0.5)]


def read(folder: Path) -> list[tuple[str, np.ndarray]]:
    """Return the masks of a folder of PNG, what is not 0 being the object."""
    files = sorted(folder.glob("*.png"))
    if not files:
        sys.exit(f"There is no PNG in {folder}.")
    return [(file.stem, np.asarray(Image.open(file)) > 0) for file in files]


def reference(checkout: Path) -> Measure:
    """Return F of the toolkit."""
    sys.path.insert(0, str(checkout))
    from davis2017.metrics import db_eval_boundary  # type: ignore[import-not-found]

    return lambda mask, truth: float(db_eval_boundary(truth, mask))


def seconds(
    measures: list[Measure], mask: np.ndarray, truth: np.ndarray, turns: int
) -> list[float]:
    """Return the median seconds of each, which take turns."""
    spells: list[list[float]] = [[] for _ in measures]
    for _ in range(turns):
        for measure, spell in zip(measures, spells, strict=True):
            began = time.process_time()
            measure(mask, truth)
            spell.append(time.process_time() - began)
    return [float(np.median(spell)) for spell in spells]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, help="checkout of the toolkit")
    parser.add_argument("--masks", type=Path, help="a folder of PNG")
    parser.add_argument("--turns", type=int, default=21)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    measures: list[Measure] = [contour_accuracy]
    if chosen.reference:
        measures.append(reference(chosen.reference))
    print(
        "| mask | ours, ms | the toolkit's, ms | times faster | F | difference |\n"
        + "|---" * 6
        + "|"
    )
    ratios = []
    for name, truth in read(chosen.masks) if chosen.masks else made():
        mask = np.roll(truth, SHIFT, (0, 1))
        values = [measure(mask, truth) for measure in measures]
        spells = seconds(measures, mask, truth, chosen.turns)
        row = f"| {name} | {1e3 * spells[0]:.2f} |"
        if chosen.reference:
            ratios.append(spells[1] / spells[0])
            difference = abs(values[0] - values[1])
            row += (
                f" {1e3 * spells[1]:.2f} | {ratios[-1]:.1f} | {values[0]:.4f} | {difference:.1g} |"
            )
        else:
            row += f" | | {values[0]:.4f} | |"
        print(row, flush=True)
    if ratios:
        print(f"\ntoolkit's time / ours, median of the masks: {np.median(ratios):.1f}")


if __name__ == "__main__":
    main()

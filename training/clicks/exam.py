"""Measure the bundled refiners on nuclei of experiments that training never saw.

    python -m training.clicks.exam

The clicks are those of `bench/clicks.py`; at most three nuclei of each held-out picture, the
largest, and each picture counts the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import clicks
from training.data.pictures import load
from training.run import SHARED

OBJECTS = 3  # of a picture


def main() -> None:
    """Print the mean intersection over union after each click."""
    pictures = list(held_out())
    for name in clicks.BUNDLED:
        method, _ = clicks.timed(name)
        means = [np.mean([clicks.run(case, method)[0] for case in some], 0) for some in pictures]
        scores = "  ".join(f"{score:.3f}" for score in np.mean(means, 0))
        print(f"{name:12} {scores}   ({len(pictures)} pictures)", flush=True)


def held_out() -> Iterator[list[clicks.Case]]:
    """Yield the cases of each picture."""
    for picture in load(SHARED, "held-out")["nuclei"]:
        frame = picture.image.transpose(2, 0, 1).astype(np.float32) / 255
        ids, areas = np.unique(picture.labels[picture.labels > 0], return_counts=True)
        chosen = ids[np.argsort(-areas, kind="stable")][:OBJECTS]
        yield [clicks.Case("nuclei", "", frame, picture.labels == label) for label in chosen]


if __name__ == "__main__":
    main()

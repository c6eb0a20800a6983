"""Write what the DAVIS-2017 toolkit says of small masks made here, beside these masks.

    git clone https://github.com/davisvideochallenge/davis2017-evaluation /somewhere/davis2017
    python tests/metrics/davis2017.py /somewhere/davis2017

Only its figures are kept, with the masks, in davis2017.npz, which the tests read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

FILE = Path(__file__).with_suffix(".npz")
SIZES = ((20, 20), (48, 64), (61, 37), (125, 125), (240, 427))
TOLERANCES = (0.008, 0.02, 3.0)


def blobs(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return a (H, W) bool mask of round things, some of them cut by the frame."""
    rough = rng.random((height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), max(1.5, min(height, width) / 12))
    return smooth > np.quantile(smooth, rng.uniform(0.6, 0.97))


def pairs() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return masks, references and void pixels."""
    rng = np.random.default_rng(2017)
    found = []
    for height, width in SIZES:
        truth = blobs(rng, height, width)
        none, void = np.zeros_like(truth), blobs(rng, height, width)
        moved = np.roll(truth, tuple(rng.integers(-6, 7, 2)), (0, 1))
        eaten = cv2.erode(truth.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        full = ~none
        for mask in (truth, moved, eaten, blobs(rng, height, width), ~truth, none, full):
            found.append((mask, truth, none))
        found.append((moved, truth, void))
        found += [(truth, none, none), (none, none, none), (full, none, none), (full, full, none)]
        noise = rng.random(truth.shape) < 40 / truth.size
        found.append((noise, truth, none))
    return found


def main(checkout: str) -> None:
    sys.path.insert(0, checkout)
    from davis2017.metrics import db_eval_boundary, db_eval_iou  # type: ignore[import-not-found]
    from davis2017.utils import db_statistics  # type: ignore[import-not-found]

    triples = pairs()
    jaccards = [db_eval_iou(truth, mask, void) for mask, truth, void in triples]
    contours = [
        [db_eval_boundary(truth, mask, void, bound_th=tolerance) for tolerance in TOLERANCES]
        for mask, truth, void in triples
    ]
    rng = np.random.default_rng(2018)
    rows = [np.round(rng.random(length), 3) for length in (1, 2, 3, 5, 8, 49, 82, 254)]
    rows[4][2] = np.nan
    np.savez_compressed(
        FILE,
        shapes=[mask.shape for mask, _, _ in triples],
        pixels=np.packbits(np.concatenate([np.ravel(triple) for triple in triples])),
        jaccards=np.array(jaccards, float),
        contours=np.array(contours, float),
        tolerances=TOLERANCES,
        lengths=[len(row) for row in rows],
        scores=np.concatenate(rows),
        statistics=[db_statistics(row) for row in rows],
    )
    print(f"{len(triples)} pairs, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])

"""Find the rise of a tracker's score at which a person should be asked.

    python -m training.calibrate
    python -m training.calibrate --trackers compact --clips 60

Clips made from pictures held out are tracked without help. An object *slips* in a frame if its J
has fallen by a sixth or more a little later, and an alarm is a frame whose score has risen by the
threshold or more. The threshold from which every second alarm is right goes into
`napari_lazyvos.trackers`: a tool for lazy people does not cry wolf.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import torch

from napari_lazyvos import trackers
from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.trackers.protocol import Tracker
from napari_lazyvos.uncertainty import entropy, region_score
from training.data import Clips, Generator
from training.run import SHARED

FRAMES, SIDE = 16, 256
SLIP = 1 / 6  # of J ...
SOON = 2  # ... within so many more frames
THRESHOLDS = np.round(np.geomspace(0.02, 0.8, 17), 3)


def main() -> None:
    """Print how well each threshold does, for each tracker."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trackers", default=",".join(trackers.BUNDLED), help="comma-separated")
    parser.add_argument("--clips", type=int, default=100)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in chosen.trackers.split(","):
        rises, slips = measure(name, chosen.clips)
        print(f"{name}: {len(slips)} object frames, {slips.sum()} slips")
        print("rise   alarms in 100   slips found   alarms that were right")
        for threshold in THRESHOLDS:
            alarms = rises >= threshold
            found, right = _share(slips & alarms, slips), _share(slips & alarms, alarms)
            row = (threshold, 100 * alarms.mean(), found, right)
            print("{:5.3f} {:12.1f} {:15.2f} {:18.2f}".format(*row), flush=True)


def measure(name: str, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rise of each object in each frame, float, and whether it slips there, bool."""
    made = Generator(SHARED, seed=4321, size=SIDE, frames=FRAMES, split="held-out")
    rises, slips = [], []
    for _ in range(clips):
        for scores, overlaps in _follow(trackers.load(name, device="cpu"), made.batch(1)):
            later = [overlaps[t : t + 1 + SOON].min() for t in range(1, len(overlaps))]
            rises.append(np.diff(scores))
            slips.append(overlaps[:-1] - later >= SLIP)
    return np.concatenate(rises), np.concatenate(slips)


def _follow(tracker: Tracker, clip: Clips) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Track a clip; yield of each object its scores and its J, from the second frame on."""
    frames, truths = clip.frames[0].numpy(), clip.labels[0].numpy()
    labels = tuple(int(k) for k in np.unique(truths[0]) if k)
    given = one_hot(truths[0], labels, tracker.device)
    tracker.commit(0, frames[0], given, labels, permanent=True)
    scores, overlaps = [], []
    for t, frame in enumerate(frames[1:], start=1):
        probabilities = tracker.step(frame)
        unsure, found = entropy(probabilities), label_map(probabilities, labels, truths.dtype)
        scores.append([region_score(unsure, torch.from_numpy(found == k)) for k in labels])
        pairs = [(found == k, truths[t] == k) for k in labels]
        overlaps.append([_share(mask & truth, mask | truth) for mask, truth in pairs])
        tracker.commit(t, frame, probabilities, labels)
    yield from zip(np.array(scores).T, np.array(overlaps).T, strict=True)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    """Return |part| / |whole|; 1 for nothing of nothing."""
    return float(part.sum() / whole.sum()) if whole.any() else 1.0


if __name__ == "__main__":
    main()

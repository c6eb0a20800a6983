"""A long video in which an object changes its looks, hides, and comes back as it was before.

A memory of the latest frames has forgotten those looks by then; one of the most diverse has not.
"""

from __future__ import annotations

import cv2
import numpy as np

from napari_lazyvos import trackers
from napari_lazyvos.label_maps import label_map, one_hot

HEIGHT, WIDTH, RADIUS = 96, 128, 13
MORPH = 12  # frames in which one colour turns into another
FIRST, EARLY, LATE = (40, 200, 60), (220, 60, 40), (50, 70, 230)  # RGB
SCENES = ((FIRST, 4), (EARLY, 24), (LATE, 44), (None, 4), (EARLY, 12))  # None: hidden


def movie() -> tuple[np.ndarray, np.ndarray]:
    """Return (T, H, W, 3) uint8 frames and (T, H, W) uint8 masks of a disc on its way."""
    random = np.random.default_rng(2)
    blots = random.integers(70, 150, (12, 16, 3), dtype=np.uint8)
    ground = cv2.resize(blots, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(int)
    grain = random.integers(-30, 30, (HEIGHT, WIDTH, 1))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames, masks, colour = [], [], np.array(FIRST, float)
    for wanted, count in SCENES:
        for k in range(count):
            t = len(frames)
            middle = 48 + 22 * np.cos(t / 13), 64 + 40 * np.sin(t / 9)
            mask = np.zeros((HEIGHT, WIDTH), bool)
            frame = ground + random.integers(-6, 6, (HEIGHT, WIDTH, 1))
            if wanted is not None:
                hidden_before = t > 0 and not masks[-1].any()
                left = 1 if hidden_before else max(1, MORPH - k)
                colour = colour + (np.array(wanted) - colour) / left
                mask = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 <= RADIUS**2
                skin = colour.astype(int) + np.roll(grain, tuple(map(int, middle)), (0, 1))
                frame = np.where(mask[..., None], skin, frame)
            frames.append(np.clip(frame, 0, 255).astype(np.uint8))
            masks.append(mask.astype(np.uint8))
    return np.stack(frames), np.stack(masks)


def overlap_when_back(memory: str) -> float:
    """Return the mean J of the bundled tracker in the last scene."""
    frames, masks = movie()
    tracker = trackers.load("compact", device="cpu", memory=memory, memory_size=3)
    overlaps = []
    for t, (stored, truth) in enumerate(zip(frames, masks, strict=True)):
        frame = stored.transpose(2, 0, 1).astype(np.float32) / 255
        if not t:
            given = one_hot(truth, (1,), tracker.device)
            tracker.commit(t, frame, given, (1,), permanent=True)
            continue
        predicted = tracker.step(frame)
        tracker.commit(t, frame, predicted, tracker.labels)
        mask = label_map(predicted, (1,), np.dtype(np.uint8)) > 0
        overlaps.append((mask & (truth > 0)).sum() / (mask | (truth > 0)).sum().clip(1))
    return float(np.mean(overlaps[-SCENES[-1][1] :]))


def test_diverse_frames_know_an_object_that_returns_and_the_latest_do_not():
    assert overlap_when_back("readmem") > 0.9
    assert overlap_when_back("fifo") < 0.6

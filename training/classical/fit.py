"""Fit the score of the classical refiner, and print the table for `refine/classical/weights.py`.

The regions around a click on each training object are measured; the quadratic score is fitted so
that its softmax gives weight to regions that overlap the object (expected overlap, with a soft
target that favours the best). Objects are photographs' (COCO), nuclei (DSB 2018), ventricles
(Sunnybrook) and drawn ones; none of the clips in `bench/clicks.py` is among them. Takes about five
minutes on two cores:

    python training/classical/fit.py > table.txt
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from scenes import KINDS, draw
from skimage.io import imread

from napari_lazyvos.refine.classical.candidates import find_candidates
from napari_lazyvos.refine.classical.weights import CLIP, KIND, TABLE
from napari_lazyvos.refine.classical.window import build_pyramid

DATA = Path(os.environ.get("LAZYVOS_SHARED", Path(__file__).parents[3] / "shared")) / "data"
IMAGES = {"dsb2018": (120, 2), "coco128_seg": (128, 3), "sunnybrook_lv": (90, 1)}  # images, objects
SCENES = 60  # of each kind
SMALLEST = 40  # pixels of an object
OFF_CENTRE = 0.6  # every second click lies anywhere at this part of the greatest depth
EPOCHS, BATCH, RATE, DECAY = 30, 8, 0.01, 0.01
SOFT_TARGET = 12.0  # sharpness of the target softmax over overlaps


@dataclass(frozen=True)
class Case:
    """One click on one object."""

    group: str
    frame: np.ndarray  # (3, H, W) float32
    truth: np.ndarray  # (H, W) bool
    seed: int | None  # of the place of the click; None: the deepest place


@dataclass(frozen=True)
class Measured:
    """The regions around a click."""

    group: str
    features: np.ndarray  # (n, features)
    overlaps: np.ndarray  # (n,) with the truth


def cases() -> list[Case]:
    """Return all objects that are trained on."""
    random = np.random.default_rng(0)
    found = [*_photographed(random), *_drawn(random)]
    return [
        Case(group, _varied(frame, group, random), truth, number if number % 2 else None)
        for number, (group, frame, truth) in enumerate(found)
    ]


def _photographed(random: np.random.Generator) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for name, (images, objects) in IMAGES.items():
        paths = sorted((DATA / "train" / name / "labels").iterdir())
        for index in random.permutation(len(paths))[:images]:
            path = paths[index]
            labels = imread(path)
            image = imread(next((path.parents[1] / "images").glob(f"{path.stem}.*")))
            unit = np.atleast_3d(image)[..., :3].astype(np.float32) / 255
            frame = np.broadcast_to(unit, (*unit.shape[:2], 3)).transpose(2, 0, 1)
            areas = np.bincount(labels.ravel())
            ids = [label for label in range(1, len(areas)) if areas[label] >= SMALLEST]
            for label in random.permutation(ids)[:objects]:
                yield name, frame, labels == label


def _drawn(random: np.random.Generator) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for kind in KINDS:
        for _ in range(SCENES):
            frame, labels = draw(kind, random)
            cut = {*labels[[0, -1]].ravel(), *labels[:, [0, -1]].ravel()}
            areas = np.bincount(labels.ravel())
            whole = [i for i in range(1, len(areas)) if areas[i] >= SMALLEST and i not in cut]
            if whole:
                yield kind, frame, labels == random.choice(whole)


def _varied(frame: np.ndarray, group: str, random: np.random.Generator) -> np.ndarray:
    """Return a photographed frame sometimes inverted (not colour), noisy or blurred."""
    if group in KINDS:
        return frame
    if group != "coco128_seg" and random.random() < 0.4:
        frame = 1 - frame
    if random.random() < 0.3:
        frame = frame + random.normal(0, random.uniform(0.01, 0.12), frame.shape[1:])
    if random.random() < 0.3:
        sigma = random.uniform(0.5, 2)
        frame = np.stack([cv2.GaussianBlur(channel, (0, 0), sigma) for channel in frame])
    return np.clip(frame, 0, 1).astype(np.float32)


def measured(case: Case) -> Measured:
    """Find the regions around a click and how well each overlaps the object."""
    cv2.setNumThreads(1)
    y, x = _click(case)
    candidates = find_candidates(build_pyramid(case.frame), float(y), float(x))
    area, shared = candidates.areas(case.truth)
    overlap = shared / np.maximum(area + case.truth.sum() - shared, 1e-6)
    return Measured(case.group, candidates.features, np.clip(overlap, 0, 1).astype(np.float32))


def _click(case: Case) -> tuple[int, int]:
    depth = cv2.distanceTransform(np.pad(case.truth.astype(np.uint8), 1), cv2.DIST_L2, 5)[
        1:-1, 1:-1
    ]
    if case.seed is None:
        y, x = np.unravel_index(depth.argmax(), depth.shape)
    else:
        places = np.argwhere(depth >= OFF_CENTRE * depth.max())
        y, x = places[np.random.default_rng(case.seed).integers(len(places))]
    return int(y), int(x)


def fit(table: list[Measured]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return mean, deviation and weights (linear, of squares, of kinds)."""
    split = len(TABLE)
    features = [torch.from_numpy(case.features) for case in table]
    together = torch.cat(features)[:, :split]
    mean, deviation = together.mean(0), together.std(0) + 1e-3
    inputs = []
    for rows in features:
        unit = ((rows[:, :split] - mean) / deviation).clamp(-CLIP, CLIP)
        inputs.append(torch.cat([unit, unit**2, rows[:, split:]], 1))
    targets = [torch.from_numpy(case.overlaps) for case in table]
    groups = [case.group for case in table]
    shares = [groups.count(group) ** -0.5 for group in groups]  # so that no domain drowns another
    weights = torch.zeros(inputs[0].shape[1], requires_grad=True)
    optimiser = torch.optim.AdamW([weights], lr=RATE, weight_decay=DECAY)
    random = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        optimiser.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS) + 1e-4
        order = random.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            optimiser.zero_grad()
            batch = order[start : start + BATCH]
            sum(shares[i] * _loss(inputs[i] @ weights, targets[i]) for i in batch).backward()
            optimiser.step()
    return mean, deviation, weights.detach()


def _loss(scores: torch.Tensor, overlaps: torch.Tensor) -> torch.Tensor:
    chances = torch.log_softmax(scores, 0)
    target = torch.softmax(SOFT_TARGET * overlaps, 0)
    return -4 * (chances.exp() * overlaps).sum() - 0.25 * (target * chances).sum()


def main() -> None:
    """Measure, fit and print."""
    torch.manual_seed(0)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(2) as pool:
        table = list(pool.map(measured, cases(), chunksize=4))
    mean, deviation, weights = fit(table)
    count = len(TABLE)
    print("TABLE = (  # name, mean and deviation over the training regions, weight, of square")
    for i, row in enumerate(TABLE):
        linear, square = weights[i], weights[count + i]
        print(f'    ("{row[0]}", {mean[i]:.4f}, {deviation[i]:.4f}, {linear:.3f}, {square:.3f}),')
    kinds = weights[2 * count :] - weights[2 * count :].mean()
    assert len(kinds) == len(KIND)
    print(")\nKIND = (" + ", ".join(f"{value:.3f}" for value in kinds) + ")")


if __name__ == "__main__":
    main()

"""Labelled pictures: what clips are made of."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

__all__ = ["Picture", "load"]

LONGEST_SIDE = 384
"""Pixels; larger pictures are brought to it."""

LEAST_AREA, MOST_SHARE = 60, 0.5  # of an object: pixels, and share of the picture

LEAST_CONTACT = 30  # pixels that lie near another object: then they touch

# Nuclei of these sizes come from experiments of their own: they are held out.
HELD_OUT_NUCLEI = {(260, 347), (512, 640), (603, 1272), (1024, 1024), (1040, 1388)}


# Of those that need no download, the ones that are free beyond doubt; README.md has the licences.
FREE_PICTURES = (
    "astronaut", "brick", "camera", "cell", "chelsea", "coffee", "grass", "gravel",
    "hubble_deep_field", "rocket", "retina",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """One image and its objects."""

    image: np.ndarray  # (H, W, 3) uint8
    labels: np.ndarray  # (H, W) int32, 0 background
    family: str
    series: str = ""  # of which it is one slice: those of a patient follow each other

    def objects(self) -> np.ndarray:
        """Return the labels of objects that are neither tiny nor most of the picture."""
        ids, areas = np.unique(self.labels[self.labels > 0], return_counts=True)
        return ids[(areas > LEAST_AREA) & (areas < MOST_SHARE * self.labels.size)]

    def flipped(self) -> Picture:
        """Return the mirror image."""
        parts = (np.ascontiguousarray(part[:, ::-1]) for part in (self.image, self.labels))
        return Picture(*parts, self.family, self.series)

    def joined(self, rng: np.random.Generator) -> Picture:
        """Return the picture with some objects made one with what they touch: riders on horses."""
        labels = self.labels.copy()
        for label in rng.permutation(self.objects()):
            reach = cv2.dilate((labels == label).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            touched, contact = np.unique(labels[reach], return_counts=True)
            contact[(touched == 0) | (touched == label)] = 0
            if contact.max(initial=0) > LEAST_CONTACT and rng.random() < 0.5:
                labels[labels == touched[contact.argmax()]] = label
        return Picture(self.image, labels, self.family, self.series)

    def place(self, label: int) -> tuple[float, float, float]:
        """Return the centre y, x of an object, and the longer side of its box."""
        rows, columns = np.where(self.labels == label)
        return rows.mean(), columns.mean(), max(np.ptp(rows), np.ptp(columns), 8)


def load(shared: Path, split: str) -> dict[str, list[Picture]]:
    """Read the pictures of one split ("train" or "held-out"), by family."""
    root = shared / "data/train"
    hearts = _read(root / "sunnybrook_lv", "heart", _last_tenth, split)
    return {
        "natural": _read(root / "coco128_seg", "natural", _every_tenth, split),
        "nuclei": _read(root / "dsb2018", "nuclei", _other_experiments, split),
        "heart": hearts,
        "stack": hearts,
        "grounds": _grounds(split),
    }


def _grounds(split: str) -> list[Picture]:
    """Return the free pictures that come with scikit-image, without objects."""
    chosen = [name for n, name in enumerate(FREE_PICTURES) if (n % 5 == 0) == (split == "held-out")]
    pictures = []
    for name in chosen:
        pixels = np.asarray(Image.fromarray(getattr(skimage.data, name)()).convert("RGB"))
        pictures.append(_fitted(pixels, np.zeros(pixels.shape[:2], np.int32), "grounds"))
    return pictures


def _read(folder: Path, family: str, held_out: object, split: str) -> list[Picture]:
    if not folder.exists():
        return []
    files = sorted((folder / "images").iterdir())
    out = held_out(folder, files)  # type: ignore[operator]
    chosen = [file for file in files if (file.stem in out) == (split == "held-out")]
    return [_open(file, folder / "labels" / f"{file.stem}.png", family) for file in chosen]


def _open(image: Path, labels: Path, family: str) -> Picture:
    pixels = np.asarray(Image.open(image).convert("RGB"))
    series = image.stem.rpartition("-IM-")[0]
    return _fitted(pixels, np.asarray(Image.open(labels)).astype(np.int32), family, series)


def _fitted(pixels: np.ndarray, ids: np.ndarray, family: str, series: str = "") -> Picture:
    scale = LONGEST_SIDE / max(ids.shape)
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        size = pixels.shape[1::-1]
        ids = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return Picture(np.ascontiguousarray(pixels), ids.astype(np.int32), family, series)


def _every_tenth(folder: Path, files: list[Path]) -> set[str]:
    return {file.stem for file in files[::10]}


def _last_tenth(folder: Path, files: list[Path]) -> set[str]:
    """Patients follow each other, so that nearly all held-out ones are new."""
    return {file.stem for file in files[-len(files) // 10 :]}


def _other_experiments(folder: Path, files: list[Path]) -> set[str]:
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = {row["name"]: (int(row["source_h"]), int(row["source_w"])) for row in rows}
    return {name for name, size in sizes.items() if size in HELD_OUT_NUCLEI}

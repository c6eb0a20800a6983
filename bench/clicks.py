"""Measure masks from one, two and three clicks on real clips, beside simple rivals.

The first click is the deepest place of the true mask (the maximum of its distance transform), each
next one the deepest place of the larger part of the error: what is missing, or what is too much.
The largest objects (up to 12) of the first annotated frame of every clip are asked for.

    python bench/clicks.py            # a table by clip, and the means by domain
    python bench/clicks.py --sheet sheet.png   # and the outlines, to look at
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from skimage.io import imread
from skimage.segmentation import flood

from napari_lazyvos import refine
from napari_lazyvos.refine import Click

BUNDLED = ("compact", "classical")  # refiners that need no download
OBJECTS = 12  # of a frame at most, largest first
CLICKS = 3
DATA = Path(os.environ.get("LAZYVOS_SHARED", Path(__file__).parents[2] / "shared")) / "data"


@dataclass(frozen=True)
class Case:
    """One object in one frame."""

    domain: str
    clip: str
    frame: np.ndarray  # (3, H, W) float32
    truth: np.ndarray  # (H, W) bool


def cases() -> Iterator[Case]:
    for domain in ("microscopy", "medical"):
        for folder in sorted(path for path in (DATA / domain).iterdir() if path.is_dir()):
            image, labels = _first_annotated(folder)
            ids, areas = np.unique(labels[labels > 0], return_counts=True)
            for label in ids[np.argsort(-areas, kind="stable")][:OBJECTS]:
                yield Case(domain, folder.name, _rgb(image), labels == label)
    davis = DATA / "davis2016" / "dev"
    for name in (davis / "sequences.txt").read_text().split():
        image = imread(davis / "JPEGImages" / "480p" / name / "00000.jpg")
        mask = imread(davis / "Annotations" / "480p" / name / "00000.png")
        yield Case("natural", name, _rgb(image), mask > 0)


def _first_annotated(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    if (folder / "frames.tif").exists():
        frames = iter(tifffile.imread(folder / "frames.tif"))
        masks = iter(tifffile.imread(folder / "masks.tif"))
    else:
        frames = map(imread, sorted((folder / "frames").iterdir()))
        masks = map(imread, sorted((folder / "masks").iterdir()))
    return next((f, m) for f, m in zip(frames, masks, strict=True) if m.any())


def _rgb(image: np.ndarray) -> np.ndarray:
    """Map as `video.intensity` does: 8 bit as it is, all else between its outer 0.1 %."""
    low, high = (0, 255) if image.dtype == np.uint8 else np.percentile(image, [0.1, 99.9])
    unit = np.clip((image.astype(np.float32) - low) / (high - low), 0, 1).astype(np.float32)
    return np.repeat(unit[None], 3, 0) if unit.ndim == 2 else unit.transpose(2, 0, 1)


def next_click(truth: np.ndarray, mask: np.ndarray) -> Click:
    missing, extra = _depth(truth & ~mask), _depth(mask & ~truth)
    depth = missing if missing.max() >= extra.max() else extra
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return Click(float(y), float(x), positive=bool(truth[y, x]))


def _depth(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / max((mask | truth).sum(), 1))


Method = Callable[[np.ndarray, Sequence[Click], "np.ndarray | None"], np.ndarray]


def flood_fill(frame: np.ndarray, clicks: Sequence[Click], _: np.ndarray | None) -> np.ndarray:
    grey = cv2.GaussianBlur(frame.mean(axis=0), (0, 0), 1)
    mask = np.zeros(grey.shape, bool)
    for click in clicks:
        seed = (round(click.y), round(click.x))
        mask[flood(grey, seed, tolerance=0.1)] = click.positive
    return mask


def disc_of_median_size(radius: float) -> Method:
    def method(frame: np.ndarray, clicks: Sequence[Click], _: np.ndarray | None) -> np.ndarray:
        canvas = np.zeros(frame.shape[1:], np.uint8)
        for click in clicks:
            centre = (round(click.x), round(click.y))
            cv2.circle(canvas, centre, round(radius), int(click.positive), cv2.FILLED)
        return canvas > 0

    return method


def grab_cut(frame: np.ndarray, clicks: Sequence[Click], _: np.ndarray | None) -> np.ndarray:
    """GrabCut in a box of a fifth of the frame around each positive click."""
    image = (frame.transpose(1, 2, 0) * 255).astype(np.uint8)
    height, width = image.shape[:2]
    marks = np.full((height, width), cv2.GC_BGD, np.uint8)
    half = max(3, min(height, width) // 10)
    for click in clicks:
        y, x = round(click.y), round(click.x)
        if click.positive:
            marks[max(y - half, 0) : y + half, max(x - half, 0) : x + half] = cv2.GC_PR_FGD
    for click in clicks:
        sure = cv2.GC_FGD if click.positive else cv2.GC_BGD
        cv2.circle(marks, (round(click.x), round(click.y)), max(1, half // 8), sure, cv2.FILLED)
    cv2.setRNGSeed(0)
    cv2.grabCut(image, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    return np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))


def run(case: Case, method: Method) -> tuple[list[float], list[np.ndarray]]:
    mask = np.zeros(case.truth.shape, bool)
    clicks: list[Click] = []
    masks, scores = [], []
    for number in range(CLICKS):
        clicks.append(next_click(case.truth, mask))
        mask = method(case.frame, clicks, mask if number else None)
        masks.append(mask)
        scores.append(overlap(mask, case.truth))
    return scores, masks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheet", type=Path, help="write a picture of the outlines here")
    parser.add_argument("--refiners", default=",".join(BUNDLED), help="the first is drawn")
    parser.add_argument("--weights", type=Path, help="of the refiner compact, not the bundled ones")
    parser.add_argument("--rivals", action="store_true", help="measure the rivals too")
    chosen = parser.parse_args()
    everything = list(cases())
    given = {"compact": {"weights": chosen.weights}} if chosen.weights else {}
    loaded = {name: timed(name, **given.get(name, {})) for name in chosen.refiners.split(",")}
    methods: dict[str, Method] = {name: method for name, (method, _) in loaded.items()}
    drawn = next(iter(methods))
    if chosen.rivals:
        radius = float(np.median([np.sqrt(case.truth.sum() / np.pi) for case in everything]))
        methods |= {
            "flood fill": flood_fill,
            "disc": disc_of_median_size(radius),
            "grabCut": grab_cut,
        }
    pictures = []
    for name, method in methods.items():
        table: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
        for case in everything:
            scores, masks = run(case, method)
            table[case.domain, case.clip].append(scores)
            if name == drawn and len(table[case.domain, case.clip]) <= 2:
                pictures.append(_picture(case, masks, scores))
        _print(name, table)
    print("seconds per call, median and maximum:")
    for name, (_, times) in loaded.items():
        for what, values in times.items():
            print(f"  {name}, {what}: {np.median(values):.3f}, {max(values):.3f}")
    if chosen.sheet:
        cv2.imwrite(str(chosen.sheet), np.vstack(pictures))


def timed(name: str, **options: Path) -> tuple[Method, dict[str, list[float]]]:
    """Return a refiner of the package as a method, and the seconds that its calls will take."""
    refiner = refine.load(name, device="cpu", **options)
    times: dict[str, list[float]] = {"embed": [], "refine": []}
    last: list[object] = [None, None]

    def method(frame: np.ndarray, clicks: Sequence[Click], before: np.ndarray | None) -> np.ndarray:
        if last[0] is not frame or len(clicks) == 1:
            start = time.perf_counter()
            last[:] = [frame, refiner.embed(frame)]
            times["embed"].append(time.perf_counter() - start)
        start = time.perf_counter()
        mask = refiner.refine(last[1], clicks, before).mask
        times["refine"].append(time.perf_counter() - start)
        return mask

    return method, times


def _print(name: str, table: dict[tuple[str, str], list[list[float]]]) -> None:
    print(f"\n{name}: mean IoU after 1, 2 and 3 clicks")
    domains: dict[str, list[np.ndarray]] = defaultdict(list)
    for (domain, clip), scores in table.items():
        mean = np.mean(scores, axis=0)
        domains[domain].append(mean)
        print(f"  {domain:10s} {clip:40s} {len(scores):3d}  " + "  ".join(f"{v:.2f}" for v in mean))
    for domain, means in domains.items():
        row = "  ".join(f"{v:.3f}" for v in np.mean(means, axis=0))
        print(f"  mean of {domain} clips: {row}")


def _picture(case: Case, masks: list[np.ndarray], scores: list[float]) -> np.ndarray:
    scale = 320 / max(case.truth.shape)
    tiles = []
    for mask, score in zip(masks, scores, strict=True):
        image = np.ascontiguousarray(
            (case.frame.transpose(1, 2, 0)[..., ::-1] * 255).astype(np.uint8)
        )
        tile = np.zeros((320, 320, 3), np.uint8)
        small = cv2.resize(image, None, fx=scale, fy=scale)
        for shown, colour in ((case.truth, (0, 255, 0)), (mask, (0, 0, 255))):
            part = cv2.resize(shown.astype(np.uint8), small.shape[1::-1], interpolation=0)
            lines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(small, lines, -1, colour, 1)
        tile[: small.shape[0], : small.shape[1]] = small
        cv2.putText(tile, f"{case.clip[:22]} {score:.2f}", (4, 314), 0, 0.45, (255, 255, 255))
        tiles.append(tile)
    return np.hstack(tiles)


if __name__ == "__main__":
    main()

"""Measure how well the trackers keep objects, beside two rivals that need no tracker.

The protocol: the masks of the first frame that has objects are given (at most the 12 largest),
the whole clip is tracked at its native size in one pass without help, and each later frame is
compared with its reference by region similarity J. A clip's J is the mean over all pairs of an
object and a frame in which the reference shows that object; a set's J is the mean over its clips.

    python bench/quality.py
    python bench/quality.py --sets microscopy --methods flow,handcrafted --out table.md
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from napari_lazyvos import trackers
from napari_lazyvos.label_maps import label_map, one_hot
from napari_lazyvos.nets.weights import Weights
from napari_lazyvos.trackers.protocol import Tracker

SETS = ("davis", "microscopy", "medical", "volumes")
STACKS = {
    "microscopy": ("epitools_wing_disc",),
    "volumes": ("pyradiomics_brain1", "totalsegmentator_ct30"),
}
"""Clips that are one TIFF file each, by set; volumes are whole CT and MR scans of raw values."""
MOST_OBJECTS = 12
SHARED = Path(os.environ.get("LAZYVOS_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@dataclass(frozen=True, slots=True)
class Clip:
    """One video with references: where its frames and its label maps are.

    The files hold a frame each, or there is one that holds them all.
    """

    group: str
    name: str
    frame_files: list[Path]
    mask_files: list[Path]

    def frames(self) -> list[np.ndarray]:
        """Read all frames as (H, W, 3) uint8; other dtypes by percentiles of the whole clip."""
        stored = _read_all(self.frame_files)
        if stored[0].dtype != np.uint8:
            low, high = np.percentile(np.stack(stored), (0.5, 99.5))
            scaled = ((frame - low) / (high - low) for frame in stored)
            stored = [np.round(np.clip(frame, 0, 1) * 255).astype(np.uint8) for frame in scaled]
        return [f if f.ndim == 3 else np.repeat(f[..., None], 3, axis=2) for f in stored]

    def label_maps(self) -> list[np.ndarray]:
        """Read all references as (H, W) integer label maps; DAVIS' 255 becomes 1."""
        maps = _read_all(self.mask_files)
        return [(m > 0).astype(np.uint8) for m in maps] if self.group == "davis" else maps


@dataclass(frozen=True, slots=True)
class Result:
    """What one method reached on one clip."""

    similarity: float  # mean J
    seconds: float  # wall time per frame


Method = Callable[[list[np.ndarray], np.ndarray], Iterator[np.ndarray]]
"""Frames, and the label map of the first of them, to the label maps of the others."""


def copy_first(frames: list[np.ndarray], first: np.ndarray) -> Iterator[np.ndarray]:
    """Say that nothing ever moves."""
    for _ in frames[1:]:
        yield first


def warp_by_flow(frames: list[np.ndarray], first: np.ndarray) -> Iterator[np.ndarray]:
    """Carry the label map along dense optical flow (DIS, Kroeger et al. 2016)."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    rows, columns = np.indices(first.shape, dtype=np.float32)
    current, last = first.astype(np.uint8), cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY)
    for frame in frames[1:]:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        back = flow.calc(grey, last, None)  # type: ignore[call-overload]
        place = (columns + back[..., 0], rows + back[..., 1])
        current = np.asarray(cv2.remap(current, *place, cv2.INTER_NEAREST))
        last = grey
        yield current


def track_with(name: str, weights: Weights = None) -> Method:
    """Return the method that runs one of the package's trackers, as the loop would."""
    return track_by(lambda: trackers.load(name, weights=weights, device="cpu"))


def track_by(load: Callable[[], Tracker]) -> Method:
    """Return the method that runs a tracker, loaded anew for each clip."""

    def method(frames: list[np.ndarray], first: np.ndarray) -> Iterator[np.ndarray]:
        tracker = load()
        labels = tuple(int(i) for i in np.unique(first) if i)
        given = one_hot(first, labels, tracker.device)
        tracker.commit(0, _to_rgb(frames[0]), given, labels, permanent=True)
        for t, stored in enumerate(frames[1:], start=1):
            frame = _to_rgb(stored)
            probabilities = tracker.step(frame)
            tracker.commit(t, frame, probabilities, tracker.labels)
            yield label_map(probabilities, tracker.labels, first.dtype)

    return method


def find_clips(shared: Path, groups: list[str]) -> list[Clip]:
    """List the clips of the developers' data."""
    clips = []
    if "davis" in groups:
        root = shared / "data/davis2016/dev"
        for name in (root / "sequences.txt").read_text().split():
            frames = sorted((root / "JPEGImages/480p" / name).iterdir())
            clips.append(Clip("davis", name, frames, _masks_of(frames, root, name)))
    for group in ("microscopy", "medical"):
        folders = sorted((shared / "data" / group).iterdir()) if group in groups else []
        for folder in (f for f in folders if (f / "frames").is_dir()):
            frames = sorted((folder / "frames").iterdir())
            masks = [folder / "masks" / f"{frame.stem}.png" for frame in frames]
            clips.append(Clip(group, folder.name, frames, masks))
    for group, name in ((g, n) for g, names in STACKS.items() for n in names if g in groups):
        folder = next((shared / "data").glob(f"*/{name}"))
        clips.append(Clip(group, name, [folder / "frames.tif"], [folder / "masks.tif"]))
    return clips


def evaluate(clip: Clip, method: Method) -> Result:
    """Run one method over one clip and compare every frame after the first."""
    references = clip.label_maps()
    start = next(t for t, reference in enumerate(references) if reference.any())
    labels = largest(references[start])
    first = np.where(np.isin(references[start], labels), references[start], 0)
    frames = clip.frames()[start:]
    similarities: list[float] = []
    began = time.perf_counter()
    predictions = list(method(frames, first))
    seconds = (time.perf_counter() - began) / len(predictions)
    for reference, predicted in zip(references[start + 1 :], predictions, strict=True):
        for label in labels:
            truth, mask = reference == label, predicted == label
            if truth.any():
                similarities.append(float((truth & mask).sum() / (truth | mask).sum()))
    return Result(float(np.mean(similarities)), seconds)


def table(clips: list[Clip], results: dict[str, list[Result]]) -> str:
    """Write the results as a Markdown table, clip by clip, with each set's mean in bold."""
    methods = list(results)
    lines = [f"| clip | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for group in dict.fromkeys(clip.group for clip in clips):
        rows = [i for i, clip in enumerate(clips) if clip.group == group]
        for i in rows:
            cells = (f"{results[m][i].similarity:.3f}" for m in methods)
            lines.append(f"| {group}/{clips[i].name} | {' | '.join(cells)} |")
        means = (np.mean([results[m][i].similarity for i in rows]) for m in methods)
        cells = (f"**{mean:.3f}**" for mean in means)
        lines.append(f"| **{group}, mean of {len(rows)}** | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of developers' data")
    parser.add_argument("--sets", default=",".join(SETS), help="comma-separated")
    parser.add_argument("--methods", default=",".join(("copy", "flow", *trackers.BUNDLED)))
    parser.add_argument("--only", default="", help="clips whose name contains this")
    parser.add_argument("--weights", type=Path, help="of the tracker compact, not the bundled ones")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()

    rivals: dict[str, Method] = {"copy": copy_first, "flow": warp_by_flow}
    given = {"compact": arguments.weights}
    chosen = arguments.methods.split(",")
    methods = {m: rivals.get(m) or track_with(m, given.get(m)) for m in chosen}
    found = find_clips(arguments.shared, arguments.sets.split(","))
    clips = [clip for clip in found if arguments.only in clip.name]
    results: dict[str, list[Result]] = {m: [] for m in methods}
    for clip in clips:
        for name, method in methods.items():
            results[name].append(evaluate(clip, method))
        last = (f"{m} {r[-1].similarity:.3f} ({r[-1].seconds:.3f} s)" for m, r in results.items())
        print(f"{clip.group}/{clip.name}:", ", ".join(last), flush=True)
    text = table(clips, results)
    print(f"\n{text}")
    if arguments.out:
        arguments.out.write_text(text + "\n")


def largest(label_map: np.ndarray) -> list[int]:
    """Return the labels of the objects that are measured, at most 12."""
    labels, sizes = np.unique(label_map[label_map > 0], return_counts=True)
    return [int(label) for label in labels[np.argsort(-sizes, kind="stable")][:MOST_OBJECTS]]


def _masks_of(frames: list[Path], root: Path, name: str) -> list[Path]:
    return [root / "Annotations/480p" / name / f"{frame.stem}.png" for frame in frames]


def _read_all(files: list[Path]) -> list[np.ndarray]:
    return list(_read(files[0])) if len(files) == 1 else [_read(path) for path in files]


def _read(path: Path) -> np.ndarray:
    if path.suffix in (".tif", ".tiff"):
        return np.asarray(tifffile.imread(path))
    return np.asarray(Image.open(path))


def _to_rgb(frame: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(frame.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)


if __name__ == "__main__":
    main()

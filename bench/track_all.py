"""Run ``lazyvos track`` on every developers' video, as a person would, and look at what came out.

Clips with references begin from the masks of the first frame that has objects (at most the 12
largest) and are scored by region similarity J, as in ``quality.py``. Videos without references are
clicked once, in the middle of their first frame, and tracked for some frames: they show that they
can be read.

    python bench/track_all.py
    python bench/track_all.py --only robot --keep output
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

SHARED = Path(os.environ.get("LAZYVOS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
MOST_OBJECTS = 12
SMOKE_FRAMES = 20
FOUR_AXES = {"ultrasound_4d_tzyx.tif": ("--axes", "TZYX", "--other", "Z=max")}


@dataclass(frozen=True, slots=True)
class Clip:
    """A video, its references if there are any, and what the command needs to read it."""

    name: str
    video: Path
    references: list[np.ndarray] | None  # (H, W) label maps, one per frame
    options: tuple[str, ...] = ()


def find_clips(data: Path) -> Iterator[Clip]:
    """Yield every video there is."""
    davis = data / "davis2016/dev"
    for name in (davis / "sequences.txt").read_text().split():
        files = sorted((davis / "Annotations/480p" / name).iterdir())
        masks = [(np.asarray(Image.open(file)) > 0).astype(np.uint8) for file in files]
        yield Clip(f"davis/{name}", davis / "JPEGImages/480p" / name, masks)
    for folder in sorted((data / "microscopy").iterdir()) + sorted((data / "medical").iterdir()):
        name = f"{folder.parent.name}/{folder.name}"
        if (folder / "frames.tif").is_file():
            masks = list(tifffile.imread(folder / "masks.tif"))
            options = ("--axes", "TYX")
            yield Clip(name, folder / "frames.tif", masks, options)
        elif (folder / "frames").is_dir():
            frames = sorted(file.stem for file in (folder / "frames").iterdir())
            masks = [np.asarray(Image.open(folder / "masks" / f"{stem}.png")) for stem in frames]
            yield Clip(name, folder / "frames", masks)
    for path in sorted((data / "smoke").iterdir()):
        video = path / "frames" if (path / "frames").is_dir() else path
        if path.suffix != ".md":
            yield Clip(f"smoke/{path.name}", video, None, FOUR_AXES.get(path.name, ()))


def first_masks(references: list[np.ndarray]) -> tuple[int, np.ndarray]:
    """Return the first frame that has objects, and its label map with the largest of them."""
    start = next(t for t, labels in enumerate(references) if labels.any())
    values, areas = np.unique(references[start][references[start] > 0], return_counts=True)
    largest = values[np.argsort(-areas, kind="stable")][:MOST_OBJECTS]
    kept = np.where(np.isin(references[start], largest), references[start], 0)
    return start, kept.astype(np.uint16)


def similarity(masks: Path, references: list[np.ndarray], start: int, first: np.ndarray) -> float:
    """Return the mean J over objects and the frames after the first that show them."""
    scores = []
    for t in range(start + 1, len(references)):
        predicted = np.asarray(Image.open(masks / f"{t:05}.png"))
        for label in np.unique(first[first > 0]):
            truth, mask = references[t] == label, predicted == label
            if truth.any():
                scores.append((truth & mask).sum() / (truth | mask).sum())
    return float(np.mean(scores))


def track(clip: Clip, out: Path) -> str:
    """Run the command on one clip, and return its row of the table."""
    options = list(clip.options)
    start, first = 0, np.zeros(0)
    if clip.references is None:
        facts = lazyvos("info", str(clip.video), "--json") if not options else {}
        stop = str(min(SMOKE_FRAMES, facts.get("frames", 11)))
        y, x = facts.get("height", 38) // 2, facts.get("width", 38) // 2
        options += ["--click", f"0,{y},{x}", "--stop", stop]
    else:
        start, first = first_masks(clip.references)
        out.mkdir(parents=True)
        tifffile.imwrite(out / "first.tif", first)
        options += ["--init-mask", str(out / "first.tif"), "--init-frame", str(start)]
    report = lazyvos("track", str(clip.video), *options, "--out", str(out), "--json")
    written = len(list((out / "masks").glob("*.png")))
    assert written == report["frames"], (written, report["frames"])
    score = "no reference"
    if clip.references is not None:
        score = f"{similarity(out / 'masks', clip.references, start, first):.3f}"
    size = f"{report['height']} x {report['width']}"
    cells = (clip.name, report["frames"], size, report["objects"], report["tracked"])
    speed = f"{report['fps']:.1f}" if report["fps"] else "-"
    return f"| {' | '.join(map(str, cells))} | {speed} | {report['peak_rss_mb']:.0f} | {score} |"


def lazyvos(*arguments: str) -> dict[str, int]:
    """Run the command line, and return what it prints with --json."""
    command = [sys.executable, "-m", "napari_lazyvos.cli", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Print a Markdown table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="clips whose name contains this")
    parser.add_argument("--keep", type=Path, help="folder that keeps the results")
    arguments = parser.parse_args()
    print("| video | frames | size | objects | tracked | frames/s | peak MB | J |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        for clip in find_clips(SHARED / "data"):
            if arguments.only in clip.name:
                print(track(clip, folder / clip.name), flush=True)


if __name__ == "__main__":
    main()

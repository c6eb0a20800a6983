"""Draw where a tracker fails: some clips, a row each, with what was found and the reference.

    python bench/worst.py docs/images/worst.jpg
    python bench/worst.py sheet.png --clips soapbox,usiigaci --tracker handcrafted

What was found is filled with colour, the reference is outlined in white. Chosen are the clips in
which the bundled tracker does worst, of those whose pictures may be passed on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import quality

CLIPS = "laptrack,vocalfolds,breakdance,bmx-trees,kite-surf,horsejump-high"
MOMENTS = (0.0, 0.33, 0.66, 1.0)  # of each clip
HEIGHT, WIDTH = 200, 300  # of one picture
COLOURS = np.array([(0, 140, 255), (255, 170, 60), (90, 220, 90), (220, 90, 220), (60, 220, 230)])


def main() -> None:
    """Track the clips and write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", default=CLIPS, help="parts of names, comma-separated")
    parser.add_argument("--tracker", default="compact")
    chosen = parser.parse_args()
    clips = quality.find_clips(quality.SHARED, list(quality.SETS))
    method = quality.track_with(chosen.tracker)
    rows = [
        row(clip, method) for part in chosen.clips.split(",") for clip in clips if part in clip.name
    ]
    cv2.imwrite(str(chosen.out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])


def row(clip: quality.Clip, method: quality.Method) -> np.ndarray:
    """Return the pictures of one clip side by side, BGR."""
    references = clip.label_maps()
    start = next(t for t, reference in enumerate(references) if reference.any())
    labels = quality.largest(references[start])
    first = np.where(np.isin(references[start], labels), references[start], 0)
    frames = clip.frames()[start:]
    found = [first, *method(frames, first)]
    shown = []
    for moment in MOMENTS:
        t = round(moment * (len(frames) - 1))
        shown.append(picture(frames[t], found[t], references[start + t], labels))
    cv2.putText(shown[0], clip.name[:32], (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255,) * 3, 1)
    return np.hstack(shown)


def picture(
    frame: np.ndarray, found: np.ndarray, reference: np.ndarray, labels: list[int]
) -> np.ndarray:
    """Return one frame, fitted into its place, with the masks drawn on it."""
    scale = min(HEIGHT / frame.shape[0], WIDTH / frame.shape[1])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    image = cv2.resize(frame[..., ::-1], size, interpolation=cv2.INTER_AREA)
    for number, label in enumerate(labels):
        mask, truth = (
            cv2.resize((each == label).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            for each in (found, reference)
        )
        inside = mask > 0
        image[inside] = image[inside] // 2 + (COLOURS[number % len(COLOURS)] // 2).astype(np.uint8)
        outlines, _ = cv2.findContours(truth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outlines, -1, (255, 255, 255), 1)
    place = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    place[: size[1], : size[0]] = image
    return place


if __name__ == "__main__":
    main()

"""Draw contact sheets of clips, to look at before training on them.

    python -m training.data.sheet docs/images/training
    python -m training.data.sheet somewhere natural

The photographs of "natural" may not be passed on: their sheet is drawn only when asked for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np

from training.data.clips import FAMILIES, Clips, Generator

COLOURS = ((0, 0, 255), (0, 255, 0), (255, 128, 0), (0, 255, 255))  # BGR, of labels 1 to 4
CLIPS, FRAMES, SIDE = 6, 21, 112
EVERY = 5  # frames between two that are drawn
SHARED = Path(os.environ.get("LAZYVOS_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def main() -> None:
    """Write one sheet for each family: rows of clips, in time from left to right."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for family in sys.argv[2:] or [name for name in FAMILIES if name != "natural"]:
        generator = Generator(SHARED, seed=0, size=SIDE, frames=FRAMES, families=[family])
        quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
        cv2.imwrite(str(folder / f"{family}.jpg"), draw(generator.batch(CLIPS)), quality)


def draw(clips: Clips) -> np.ndarray:
    """Return the clips as one (rows, columns, 3) BGR picture, outlines drawn in."""
    return np.vstack(
        [
            np.hstack([_outlined(*each) for each in zip(frames, labels, strict=True)])
            for frames, labels in zip(
                clips.frames[:, ::EVERY].numpy(), clips.labels[:, ::EVERY].numpy(), strict=True
            )
        ]
    )


def _outlined(frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
    picture = np.ascontiguousarray((frame.transpose(1, 2, 0)[..., ::-1] * 255).astype(np.uint8))
    for label, colour in enumerate(COLOURS, start=1):
        mask = (labels == label).astype(np.uint8)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, colour, 1)
    return picture


if __name__ == "__main__":
    main()

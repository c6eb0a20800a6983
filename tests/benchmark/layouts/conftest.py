"""Data sets of tiny pictures, written as their authors lay them out."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.store.export.png import write_label_map
from napari_lazyvos.video import open_video
from napari_lazyvos.video.folder import list_frames

SIZE = (12, 16)


class DataSet:
    """A folder to write to; paths are relative to it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def frames(self, folder: str, names: list[str]) -> None:
        """Write a JPEG for each name, each brighter than the one before."""
        (self.root / folder).mkdir(parents=True)
        for t, name in enumerate(names):
            picture = np.full((*SIZE, 3), 5 * t, np.uint8)
            Image.fromarray(picture).save(self.root / folder / f"{name}.jpg")

    def labels(self, folder: str, pictures: dict[str, np.ndarray]) -> None:
        """Write a palette PNG for each name."""
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            write_label_map(picture, self.root / folder / f"{name}.png")

    def text(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def json(self, path: str, content: Any) -> None:
        self.text(path, json.dumps(content))


@pytest.fixture
def data(tmp_path) -> DataSet:
    return DataSet(tmp_path)


class Looking:
    """What is asked of clips; a class, because tests are no package that could import functions."""

    @staticmethod
    def drawn(*labels: int, size: tuple[int, int] = SIZE) -> np.ndarray:
        """Return a uint8 label map with two rows for each label, the rest being background."""
        label_map = np.zeros(size, np.uint8)
        for row, label in enumerate(labels):
            label_map[2 * row : 2 * row + 2, 3:9] = label
        return label_map

    @staticmethod
    def known(clip: Clip, t: int) -> dict[int, bool]:
        """Return of each object that anything is known of whether it is there."""
        return {label: bool(mask.any()) for label, mask in clip.references.at(t).items()}

    @staticmethod
    def names(clip: Clip) -> list[str]:
        """Return the names of the frames of a clip."""
        return [path.stem for path in list_frames(clip.video)]

    @staticmethod
    def check(clip: Clip) -> None:
        """Fail unless a clip keeps what `References` promise, here and in another process."""
        with open_video(clip.video) as video:
            frames, size = video.frames, (video.height, video.width)
        shown: set[int] = set()
        kept = []
        for t in range(frames):
            masks = dict(clip.references.at(t))
            assert all(mask.shape == size and mask.dtype == bool for mask in masks.values())
            shown |= {label for label, mask in masks.items() if mask.any()}
            kept.append(masks)
        assert clip.references.labels == tuple(sorted(shown))
        other = pickle.loads(pickle.dumps(clip))  # after use, with whatever is open
        assert other.references.labels == clip.references.labels
        clip.references.close()
        clip.references.close()
        for references in (clip.references, other.references):
            for t, masks in enumerate(kept):
                again = references.at(t)
                assert again.keys() == masks.keys()
                assert all(np.array_equal(again[label], mask) for label, mask in masks.items())
            references.close()


@pytest.fixture
def look() -> type[Looking]:
    return Looking

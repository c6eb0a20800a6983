"""One COCO json: each object in each frame as a run-length mask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from napari_lazyvos.store.export.results import Results, present_labels

__all__ = ["write"]

CATEGORY = {"id": 1, "name": "object", "supercategory": "object"}


def write(results: Results, path: Path) -> None:
    """Write images (one per frame, ids from 1), one category, and annotations.

    Each annotation has ``track_id``, the object's label, and ``uncertainty`` where it is known:
    the object's score. It is not named so, because a score in COCO is more when it is surer.
    """
    images = [
        {
            "id": t + 1,
            "frame": t,
            "file_name": f"{t:05d}.png",
            "height": results.height,
            "width": results.width,
        }
        for t in range(results.frames)
    ]
    with path.open("w", encoding="utf-8") as file:
        head = json.dumps({"images": images, "categories": [CATEGORY]})
        file.write(head.removesuffix("}") + ', "annotations": [')
        for number, annotation in enumerate(_annotations(results), start=1):
            file.write("\n" if number == 1 else ",\n")
            json.dump({"id": number, **annotation}, file)
        file.write("]}\n")


def _annotations(results: Results) -> Iterator[dict[str, Any]]:
    for t, label_map in enumerate(results.label_maps()):
        scores = {row.label: row.score for row in results.rows_at(t)}
        for label in present_labels(label_map).tolist():
            code = rle.encode(np.asfortranarray(label_map == label, dtype=np.uint8))
            annotation = {
                "image_id": t + 1,
                "category_id": CATEGORY["id"],
                "track_id": label,
                "segmentation": {"size": code["size"], "counts": _text(code["counts"])},
                "area": int(rle.area(code)),
                "bbox": rle.toBbox(code).tolist(),
                "iscrowd": 0,
            }
            score = scores.get(label, float("nan"))
            yield annotation if np.isnan(score) else {**annotation, "uncertainty": score}


def _text(counts: str | bytes) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts

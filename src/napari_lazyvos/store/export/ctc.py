"""Cell Tracking Challenge: ``mask000.tif`` and on, and ``res_track.txt``.

A row of the table is ``L B E P``: a track's label, its first and last frame, and its parent. The
format wants a track in every frame from B to E. An object that vanishes and comes back becomes a
new track, whose parent is the track before the gap: that is the format's own way to link them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.export.results import Results, present_labels

__all__ = ["Track", "contiguous_tracks", "write"]

MOST_TRACKS = np.iinfo(np.uint16).max


@dataclass(slots=True)
class Track:
    """One row of the table, and the object that it belongs to."""

    label: int  # in the exported masks
    begin: int
    end: int
    parent: int  # 0: none
    object_label: int  # in the session


def write(results: Results, folder: Path) -> None:
    """Write 16-bit masks and the table of tracks.

    Raises
    ------
    LazyVosError
        If there are more tracks than 16 bits can number.
    """
    tracks = contiguous_tracks(results)
    digits = max(3, len(str(results.frames - 1)))
    for t, label_map in enumerate(results.label_maps()):
        new_labels = np.zeros(int(label_map.max(initial=0)) + 1, np.uint16)
        for track in tracks:
            if track.begin <= t <= track.end:
                new_labels[track.object_label] = track.label
        name = f"mask{t:0{digits}d}.tif"
        tifffile.imwrite(folder / name, new_labels[label_map], compression="zlib")
    lines = [f"{track.label} {track.begin} {track.end} {track.parent}\n" for track in tracks]
    (folder / "res_track.txt").write_text("".join(lines), encoding="ascii")


def contiguous_tracks(results: Results) -> list[Track]:
    """Cut the objects where they are missing, and return the tracks, sorted by label.

    An object's first track keeps its label; later ones get labels above all of these.
    """
    latest: dict[int, Track] = {}
    again: list[Track] = []
    first: list[Track] = []
    for t, label_map in enumerate(results.label_maps()):
        for label in present_labels(label_map).tolist():
            track = latest.get(label)
            if track is not None and track.end == t - 1:
                track.end = t
                continue
            latest[label] = Track(label, t, t, 0, label)
            (first if track is None else again).append(latest[label])
    return _number(first, again)


def _number(first: list[Track], again: list[Track]) -> list[Track]:
    newest = {track.object_label: track.label for track in first}
    top = max(newest, default=0)
    if top + len(again) > MOST_TRACKS:
        raise LazyVosError(
            f"{top + len(again)} tracks do not fit in 16 bits, which this format needs: export "
            "fewer objects, or use tif."
        )
    for number, track in enumerate(again, start=top + 1):
        track.parent = newest[track.object_label]
        track.label = newest[track.object_label] = number
    return sorted([*first, *again], key=lambda track: track.label)

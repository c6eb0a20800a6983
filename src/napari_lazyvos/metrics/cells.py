"""SEG, DET and TRA of the Cell Tracking Challenge, computed by its own package, py-ctcmetrics.

The package reads folders of TIFF; here label maps are compared in memory, and it is handed what
was matched. It needs scikit-learn and seconds to load, so it comes with the extra cells and is
imported only when asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from types import ModuleType

import numpy as np
from skimage.metrics import contingency_table

from napari_lazyvos.errors import LazyVosError

__all__ = ["CellTracking", "cell_tracking"]

Parents = Mapping[int, int]
"""The label of a daughter to that of its mother."""


@dataclass(frozen=True, slots=True)
class CellTracking:
    """The technical measures of the challenge, all in [0, 1]."""

    seg: float  # mean overlap of the reference's cells with what was found for them, else 0
    det: float  # 1 less the cost of correcting which cells were found, by that of finding all
    tra: float  # the same with the links over time and from mother to daughter


def cell_tracking(
    label_maps: Iterable[np.ndarray],
    truth: Iterable[np.ndarray],
    *,
    parents: Parents | None = None,
    truth_parents: Parents | None = None,
) -> CellTracking:
    """Return SEG, DET and TRA of tracked cells (Ulman et al. 2017; Matula et al. 2015).

    A cell counts as found if one predicted label covers more than half of it. For SEG such a pair
    has its intersection over union, and all other cells of the reference 0. DET and TRA weigh
    what it would take to correct the graph of cells and links: a missing cell 10, a predicted
    one that covers several 5 for each but one, a cell too many 1, a missing link 1.5, a link too
    many or of the wrong kind 1.

    A label that vanishes and comes back is a new track whose parent is the one before the gap, in
    the prediction and the reference alike: so the challenge's format wants it, and so our export
    writes it. SEG takes every frame of the reference as fully annotated. The challenge's border
    of some data sets is not cut off: cut it before.

    Parameters
    ----------
    label_maps, truth : T frames of (H, W) or (D, H, W) integers, 0 = background
        Frame by frame; neither is held in memory as a whole.
    parents, truth_parents : optional
        Divisions: the label of each daughter to the label of its mother.

    Raises
    ------
    LazyVosError
        If the extra cells is not installed, the two differ in size or number of frames, the
        reference has no cell, or a mother is not seen before her daughter.
    """
    library = _library()
    ours, theirs, links = _Lineage(), _Lineage(), _Links()
    for found, wanted in zip_longest(label_maps, truth):
        if found is None or wanted is None:
            raise LazyVosError(
                f"the {'prediction' if found is None else 'reference'} has only "
                f"{len(links.found)} frames, and the other more: compare the same frames of both."
            )
        links.add(ours.add(found), theirs.add(wanted))
    if not theirs.table:
        raise LazyVosError("the reference holds no cell in any frame: there is nothing to compare.")
    ours.divide(parents or {})
    theirs.divide(truth_parents or {})
    if not ours.table:
        return CellTracking(0.0, 0.0, 0.0)
    return _measures(library, ours, theirs, links)


class _Lineage:
    """The tracks of one video: a new number for every unbroken stretch of a label."""

    def __init__(self) -> None:
        self.table: list[list[int]] = []  # number, first frame, last frame, number of the parent
        self.tracks: dict[int, list[int]] = {}  # of each label its numbers, in order of time
        self._frames = 0

    def add(self, label_map: np.ndarray) -> np.ndarray:
        """Take the next frame, and return it with the numbers of the tracks for the labels."""
        labels, places = np.unique(label_map, return_inverse=True)
        numbers = np.array([self._number(int(label)) if label else 0 for label in labels], int)
        self._frames += 1
        return numbers[places].reshape(np.shape(label_map))

    def _number(self, label: int) -> int:
        numbers = self.tracks.setdefault(label, [])
        if not numbers or self.table[numbers[-1] - 1][2] < self._frames - 1:
            parent = numbers[-1] if numbers else 0
            numbers.append(len(self.table) + 1)
            self.table.append([numbers[-1], self._frames, self._frames, parent])
        self.table[numbers[-1] - 1][2] = self._frames
        return numbers[-1]

    def divide(self, parents: Parents) -> None:
        """Note which track comes from which."""
        for daughter, mother in parents.items():
            born = [self.table[number - 1] for number in self.tracks.get(daughter, [])[:1]]
            earlier = [
                number
                for number in self.tracks.get(mother, [])
                for row in born
                if self.table[number - 1][2] < row[1]
            ]
            if not earlier:
                raise LazyVosError(
                    f"the cell {daughter} cannot come from {mother}, which does not end before "
                    f"{daughter} begins: correct the parents."
                )
            born[0][3] = earlier[-1]


class _Links:
    """Which tracks are in each frame, and which of them were matched how well."""

    def __init__(self) -> None:
        self.found: list[list[int]] = []
        self.wanted: list[list[int]] = []
        self.matched_found: list[list[int]] = []
        self.matched_wanted: list[list[int]] = []
        self.overlaps: list[list[float]] = []

    def add(self, found: np.ndarray, wanted: np.ndarray) -> None:
        """Match one frame: a cell of the reference with what covers more than half of it."""
        if found.shape != wanted.shape:
            raise LazyVosError(
                f"frame {len(self.found)} of the prediction has the shape {found.shape}, and of "
                f"the reference {wanted.shape}: bring both to one size."
            )
        common = contingency_table(wanted, found).tocoo()
        areas, wanted_areas = np.bincount(found.ravel()), np.bincount(wanted.ravel())
        rows, columns, shared = common.row, common.col, common.data
        good = (rows > 0) & (columns > 0) & (2 * shared > wanted_areas[rows])
        rows, columns, shared = rows[good], columns[good], shared[good]
        self.found.append(_labels(areas))
        self.wanted.append(_labels(wanted_areas))
        self.matched_wanted.append(rows.tolist())
        self.matched_found.append(columns.tolist())
        union = wanted_areas[rows] + areas[columns] - shared
        self.overlaps.append((shared / union).tolist())


def _labels(areas: np.ndarray) -> list[int]:
    """Return the labels with an area, the background aside."""
    return [int(label) for label in np.flatnonzero(areas) if label]


def _measures(library: ModuleType, ours: _Lineage, theirs: _Lineage, links: _Links) -> CellTracking:
    # A single frame has no links, and the package cannot join none.
    tables = [np.array(side.table) if len(links.found) > 1 else None for side in (theirs, ours)]
    counts = library.utils.representations.count_acyclic_graph_correction_operations(
        *tables, links.wanted, links.found, links.matched_wanted, links.matched_found
    )
    return CellTracking(
        seg=library.metrics.seg(links.wanted, links.overlaps),
        det=library.metrics.det(**counts),
        tra=library.metrics.tra(**counts)[0],
    )


def _library() -> ModuleType:
    try:
        import ctc_metrics
    except ImportError as error:
        raise LazyVosError(
            f"measures of tracked cells need py-ctcmetrics ({error}): "
            "pip install 'napari-lazyvos[cells]'."
        ) from error
    library: ModuleType = ctc_metrics
    return library

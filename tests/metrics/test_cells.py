"""Cell tracking, on worked examples and beside the package's own matching of files."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import CellTracking, cell_tracking
from napari_lazyvos.metrics.cells import _Lineage, _Links


def cells(*frames: dict[int, slice]) -> np.ndarray:
    """Return (T, 4, 40) label maps with a bar for each label."""
    movie = np.zeros((len(frames), 4, 40), np.uint16)
    for label_map, bars in zip(movie, frames, strict=True):
        for label, columns in bars.items():
            label_map[:, columns] = label
    return movie


A, B, C = slice(0, 10), slice(15, 25), slice(30, 40)
TWO_CELLS = cells({1: A, 2: B}, {1: A, 2: B}, {1: A, 2: B})  # 6 cells, 4 links
NOTHING_RIGHT = 10 * 6 + 1.5 * 4  # what it costs to draw the graph of TWO_CELLS


def numbers(found: CellTracking) -> list[float]:
    return [found.seg, found.det, found.tra]


def test_the_same_with_other_labels_is_perfect():
    assert cell_tracking(np.where(TWO_CELLS, 9 - TWO_CELLS, 0), TWO_CELLS) == CellTracking(1, 1, 1)


def test_a_missing_cell_costs_itself_and_its_links():
    predicted = TWO_CELLS.copy()
    predicted[1][predicted[1] == 2] = 0  # what comes back is linked over the gap: a wrong link
    found = cell_tracking(predicted, TWO_CELLS)
    assert found.seg == pytest.approx(5 / 6)
    assert found.det == pytest.approx(1 - 10 / 60)
    assert found.tra == pytest.approx(1 - (10 + 2 * 1.5 + 1) / NOTHING_RIGHT)


def test_a_cell_too_many_costs_less():
    predicted = TWO_CELLS.copy()
    predicted[0, :, C] = 7
    found = cell_tracking(predicted, TWO_CELLS)
    assert numbers(found) == pytest.approx([1, 1 - 1 / 60, 1 - 1 / NOTHING_RIGHT])


def test_two_cells_in_one_cost_a_split():
    predicted = TWO_CELLS.copy()
    predicted[2, :, :25] = 1  # of cell 1 and 2: each is covered, overlap 10 / 25
    found = cell_tracking(predicted, TWO_CELLS)
    assert found.seg == pytest.approx((4 + 2 * 10 / 25) / 6)
    assert found.det == pytest.approx(1 - 5 / 60)
    assert found.tra == pytest.approx(1 - (5 + 2 * 1.5) / NOTHING_RIGHT)


def test_swapped_labels_cost_links():
    predicted = TWO_CELLS.copy()
    predicted[2] = np.choose(predicted[2], [0, 2, 1])
    found = cell_tracking(predicted, TWO_CELLS)
    assert numbers(found) == pytest.approx([1, 1, 1 - (2 * 1 + 2 * 1.5) / NOTHING_RIGHT])


def test_half_of_a_cell_is_not_enough():
    predicted = cells({1: slice(0, 5)}, {1: slice(0, 6)})
    truth = cells({1: A}, {1: A})
    found = cell_tracking(predicted, truth)
    assert found.seg == pytest.approx(0.6 / 2)
    assert found.det == pytest.approx(1 - (10 + 1) / 20)


def test_a_division_is_a_link_of_its_own():
    truth = cells({1: slice(0, 20)}, {2: slice(0, 9), 3: slice(11, 20)})
    mothers = {2: 1, 3: 1}
    assert cell_tracking(truth, truth, parents=mothers, truth_parents=mothers).tra == 1
    without = cell_tracking(truth, truth, truth_parents=mothers)
    assert without.tra == pytest.approx(1 - 2 * 1.5 / (30 + 2 * 1.5))
    # A daughter that goes on as her mother is a link of the wrong kind: 1.
    kept = np.where(truth == 2, 1, truth)
    found = cell_tracking(kept, truth, truth_parents=mothers)
    assert found.tra == pytest.approx(1 - (1 + 1.5) / (30 + 2 * 1.5))


def test_a_gap_in_both_is_no_mistake():
    gap = cells({1: A, 2: B}, {2: B}, {1: A, 2: B})
    assert cell_tracking(gap, gap) == CellTracking(1, 1, 1)
    lineage = _Lineage()
    for label_map in gap:
        lineage.add(label_map)
    assert lineage.table == [[1, 0, 0, 0], [2, 0, 2, 0], [3, 2, 2, 1]]


def test_a_single_frame_has_no_links():
    assert cell_tracking(TWO_CELLS[:1], TWO_CELLS[:1]) == CellTracking(1, 1, 1)


def test_empty_frames_and_an_empty_prediction():
    truth = cells({}, {1: A}, {})
    assert cell_tracking(truth, truth) == CellTracking(1, 1, 1)
    assert cell_tracking(np.zeros_like(truth), truth) == CellTracking(0, 0, 0)
    elsewhere = cells({1: C}, {2: C}, {})
    assert numbers(cell_tracking(elsewhere, truth)) == pytest.approx([0, 0, 0])


@settings(max_examples=25)
@given(hnp.arrays(np.uint16, (2, 6, 7), elements={"max_value": 4}))
def test_frames_are_matched_as_the_package_matches_files(tmp_path_factory, both):
    from ctc_metrics.utils.representations import match

    both[:, 0, 0] = 0  # the package takes the lowest label for the background, whatever it is
    found, wanted = both
    folder = tmp_path_factory.mktemp("frames")
    for name, label_map in (("truth.tif", wanted), ("mask.tif", found)):
        tifffile.imwrite(folder / name, label_map)
    theirs = match(str(folder / "truth.tif"), str(folder / "mask.tif"))
    links = _Links()
    links.add(found, wanted)
    assert [links.wanted[0], links.found[0]] == [theirs[0], theirs[1]]
    ours = zip(links.matched_wanted[0], links.matched_found[0], links.overlaps[0], strict=True)
    np.testing.assert_allclose(sorted(ours), sorted(zip(*theirs[2:], strict=True)))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(LazyVosError, match="no cell"):
        cell_tracking(TWO_CELLS, np.zeros_like(TWO_CELLS))
    with pytest.raises(LazyVosError, match="the prediction has only 2 frames"):
        cell_tracking(TWO_CELLS[:2], TWO_CELLS)
    with pytest.raises(LazyVosError, match="the reference has only 1 frames"):
        cell_tracking(iter(TWO_CELLS), TWO_CELLS[:1])
    with pytest.raises(LazyVosError, match="frame 0 of the prediction"):
        cell_tracking(TWO_CELLS[:, :3], TWO_CELLS)
    for parents in ({1: 2}, {5: 1}, {1: 5}):
        with pytest.raises(LazyVosError, match="cannot come from"):
            cell_tracking(TWO_CELLS, TWO_CELLS, parents=parents)


def test_without_the_package_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ctc_metrics", None)
    with pytest.raises(LazyVosError, match=r"pip install 'napari-lazyvos\[cells\]'"):
        cell_tracking(TWO_CELLS, TWO_CELLS)

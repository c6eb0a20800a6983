"""What a benchmark found, as a file and in short."""

from __future__ import annotations

import json

import pytest

from napari_lazyvos.benchmark.means import MEASURES, means
from napari_lazyvos.benchmark.results import ObjectResult, Picture, Report, SequenceResult
from napari_lazyvos.errors import LazyVosError


def followed(label: int, region: tuple[float, ...], **more) -> ObjectResult:
    """Return an object that is given in frame 0, and whose F is .1 above its J."""
    count = len(region)
    return ObjectResult(
        label,
        0,
        count,
        tuple(range(1, count + 1)),
        region,
        tuple(value + 0.1 for value in region),
        (True,) * count,
        (True,) * count,
        **more,
    )


def sequence(name: str, *objects: ObjectResult, **more) -> SequenceResult:
    return SequenceResult(name, 9, 48, 64, objects, **more)


A = sequence(
    "a",
    followed(1, (0.8, 0.6, 0.4), scores=(0.1, 0.2, 0.5), unseen=False),
    followed(2, (0.2, 0.2, 0.2), scores=(None, 0.2, 0.2), corrections=(1, 2, 3), unseen=True),
    tracked=3,
    seconds=1.5,
    fps=2.0,
    rounds=(0.5, 0.7),
)
B = sequence(
    "b",
    followed(1, (0.9, 0.9, 0.9, 0.9, 0.9), scores=(0, 0, 0, 0, 0), unseen=False),
    tracked=5,
    seconds=0.5,
    fps=2.0,
    cells={"SEG": 0.5, "DET": 0.25, "TRA": 1.0},
    worst=(Picture(1, 3, 0.9, "aGVsbG8="),),
)


def test_objects_weigh_the_same():
    found = means([A, B])
    assert found["J"] == pytest.approx((0.6 + 0.2 + 0.9) / 3)
    assert found["F"] == pytest.approx(found["J"] + 0.1)
    assert found["J&F"] == pytest.approx(found["J"] + 0.05)
    assert found["J recall"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert found["R@0.25"] == pytest.approx((1 + 0 + 1) / 3)
    assert found["R@0.5"] == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_of_vots_sequences_weigh_the_same():
    found = means([A, B])
    assert found["Q"] == pytest.approx(((0.6 + 0.2) / 2 + 0.9) / 2)
    assert (found["ROB"], found["NRE"], found["DRE"]) == (1, 0, 0)
    assert "ADQ" not in found  # no object is ever absent


def test_what_it_cost_the_person():
    found = means([A, B])
    assert found["NoC"] == 3
    # 3 + 3 + 5 frames between first and last, at 2 per second, in 3 + 3 gaps.
    assert found["IDI"] == pytest.approx(11 / 2 / 6)
    assert found["frames/s"] == 4
    assert found["R-AUC"] == pytest.approx((0.5 / 2 + (0.5 + 0.7) / 2 + 0.7) / 3)
    assert found["Spearman"] == 1  # of the one object whose J and score both change
    assert "IDI" not in means([A, sequence("c", followed(1, (1.0,)), tracked=1, fps=3.0)])
    assert "NoC" not in means([sequence("c", followed(1, (1.0,)))])  # masks from elsewhere


def test_the_score_of_a_frame_that_was_corrected_says_nothing_of_its_mask():
    region, scores = (0.9, 0.7, 1.0, 0.5), (0.1, 0.2, 0.9, 0.3)
    alone = sequence("a", followed(1, region, scores=scores), tracked=4)
    assert means([alone])["Spearman"] == pytest.approx(-0.2)
    corrected = sequence("a", followed(1, region, scores=scores, corrections=(3,)), tracked=4)
    assert means([corrected])["Spearman"] == pytest.approx(1)


def test_lvos_needs_seen_and_unseen_categories():
    found = means([A, B])
    seen, unseen = (0.6 + 0.9) / 2, 0.2
    assert found["J&F LVOS"] == pytest.approx((2 * seen + 2 * unseen + 0.2) / 4)
    assert "J&F LVOS" not in means([B])


def test_cells_are_there_where_they_were_measured():
    assert {name: means([A, B])[name] for name in ("SEG", "DET", "TRA")} == B.cells
    assert "SEG" not in means([A])


def test_every_measure_has_a_title_and_its_place():
    found = means([A, B])
    assert list(found) == [name for name in MEASURES if name in found]
    assert means([]) == {}


def test_objects_that_nobody_judged_do_not_count():
    only_given = ObjectResult(7, 0, 8, (), (), (), (), ())
    assert means([sequence("x", only_given, tracked=8, seconds=1.0)]) == {}
    mixed = sequence("a", *A.objects, only_given, tracked=3, seconds=1.5)
    assert means([mixed])["J"] == pytest.approx((0.6 + 0.2) / 2)


def test_a_report_is_the_same_after_reading(tmp_path):
    report = Report({"tracker": "x", "policy": {"tau_user": 0.1}}, {"numpy": "2"})
    report = report.with_sequence(B).with_failure("c", "it is no video.").with_sequence(A)
    path = tmp_path / "new" / "report.json"
    report.write(path)
    assert Report.read(path) == report
    assert [each.name for each in report.sequences] == ["a", "b"]
    assert json.loads(path.read_text())["means"] == report.means


def test_a_sequence_that_worked_in_the_end_has_not_failed():
    report = Report({}, {}).with_failure("a", "no memory.").with_sequence(A).with_sequence(A)
    assert (len(report.sequences), report.failed) == (1, {})


def test_what_is_no_report_is_one_sentence(tmp_path):
    for text, words in (
        ("[1", "is no report of a benchmark"),
        ('{"version": 1}', "is no report of a benchmark"),
        ('{"version": 99}', "newer napari-lazyvos"),
        ("[]", "is no report of a benchmark"),
    ):
        (tmp_path / "r.json").write_text(text)
        with pytest.raises(LazyVosError, match=words):
            Report.read(tmp_path / "r.json")
    with pytest.raises(LazyVosError, match="there is no report"):
        Report.read(tmp_path / "none.json")

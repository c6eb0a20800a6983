"""Reports as a browser finds them: well-formed, complete, and nothing loaded from elsewhere."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from napari_lazyvos import benchmark
from napari_lazyvos.benchmark.correlation import ObjectCorrelation, Study
from napari_lazyvos.benchmark.html import check_libraries, write_html, write_study
from napari_lazyvos.benchmark.means import MEASURES, means
from napari_lazyvos.benchmark.results import ObjectResult, Picture, Report, SequenceResult
from napari_lazyvos.errors import LazyVosError

XHTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
SETTINGS = {
    "protocol": "zivos",
    "tracker": "compact",
    "dataset": "mine & yours",
    "policy": {"tau_user": 0.1},
    "absence": False,
    "split": None,
    "calls": {},
}
VERSIONS = {"napari-lazyvos": "0.2.0", "numpy": "2.0"}


def tracked(label: int, region: list[float], **more) -> ObjectResult:
    frames = tuple(range(1, 1 + len(region)))
    there = (True,) * len(region)
    scores = tuple(round(1 - value, 2) for value in region)
    found = ObjectResult(
        label, 0, len(region), frames, tuple(region), tuple(region), there, there, scores
    )
    return replace(found, **more)


HELPED = tracked(
    1,
    [0.9, 0.5, 0.25, 0.75, 0.5, 1.0],
    present=(True, True, True, True, False, False),
    corrections=(3, 4),
    pseudo=(2,),
    idle=(5, 6),
)
EASY = tracked(2, [0.9, 0.95, 0.9, 0.9, 0.95, 0.9])
WORST = Picture(1, 3, 0.25, "aGVsbG8=")
FIRST = SequenceResult(
    "<b>&co", 7, 48, 64, (HELPED, EASY), tracked=6, seconds=0.5, peak_mb=100.0, worst=(WORST,)
)
REPORT = Report(SETTINGS, VERSIONS, (FIRST,), {"<i>": "no <mask>."})


def written(report: Report, path: Path) -> ElementTree.Element:
    """Return the root of a report in a file, which is XML as well."""
    write_html(report, path)
    return parsed(path)


def parsed(path: Path) -> ElementTree.Element:
    text = path.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    return ElementTree.fromstring(text.split("\n", 1)[1])


def words(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def rows(root: ElementTree.Element, where: str) -> list[list[str]]:
    """Return the cells of the tables that are found so."""
    tables = root.findall(f".//{XHTML}table{where}")
    return [[words(cell) for cell in row] for table in tables for row in table.iter(f"{XHTML}tr")]


def test_the_numbers_are_those_of_the_report(tmp_path):
    root = written(REPORT, tmp_path / "new" / "report.html")
    shown = rows(root, "[@id='means']")
    assert [row[0] for row in shown] == list(REPORT.means)
    for name, number, title in shown:
        value = REPORT.means[name]
        digits = {"NoC": 0, "IDI": 1, "frames/s": 1}.get(name, 3)
        assert float(number) == pytest.approx(value, abs=0.51 * 10**-digits), name
        assert title == MEASURES[name]
    head, video = rows(root, "[@id='videos']")
    own = dict(zip(head, video, strict=True))
    assert (own["video"], own["objects"], own["frames"]) == ("<b>&co", "2", "7")
    assert own["J"] == f"{np.mean([HELPED.region, EASY.region]):.3f}"
    assert (own["NoC"], own["frames/s"]) == ("2", "12.0")
    head, *objects = rows(root, "[@class='wide objects']")
    for found, cells in zip((HELPED, EASY), objects, strict=True):
        own = dict(zip(head, cells, strict=True))
        known = means([replace(FIRST, objects=(found,))])
        assert own["object"] == str(found.label)
        assert own["judged frames"] == "6"
        assert own["NoC"] == str(len(found.corrections))
        for name in ("J&F", "J", "F", "J recall", "J decay", "R@0.25", "Spearman"):
            assert float(own[name]) == pytest.approx(known[name], abs=6e-4), name


def test_what_surrounds_the_numbers(tmp_path):
    root = written(REPORT, tmp_path / "report.html")
    text = words(root.find(f"{XHTML}body"))
    assert words(root.find(f".//{XHTML}title")) == "compact on mine & yours"
    assert "zivos: each object is clicked once, and calls for help are answered." in text
    assert "1 video, 2 objects; 1 not measured." in text
    assert "7 frames of 64 x 48 pixels, 6 tracked in 0.5 s, 100 MB at most." in text
    settings = zip(root.iter(f"{XHTML}dt"), root.iter(f"{XHTML}dd"), strict=True)
    shown = {words(name): words(value) for name, value in settings}
    assert shown == {
        "protocol": "zivos",
        "tracker": "compact",
        "dataset": "mine & yours",
        "policy": "tau_user 0.1",
        "absence": "no",
    }
    assert "napari-lazyvos 0.2.0, numpy 2.0." in text
    (picture,) = root.iter(f"{XHTML}img")
    assert picture.get("src") == "data:image/jpeg;base64,aGVsbG8="
    assert "object 1, frame 3: J 0.250" in text


def test_names_and_reasons_are_text_not_markup(tmp_path):
    root = written(REPORT, tmp_path / "report.html")
    assert [words(each) for each in root.iter(f"{XHTML}h2")].count("<b>&co") == 1
    assert rows(root, "[@class='failed']") == [["<i>", "no <mask>."]]
    assert not list(root.iter(f"{XHTML}i"))
    (link,) = root.iter(f"{XHTML}a")
    (place,) = [each.get("id") for each in root.iter(f"{XHTML}h2") if each.get("id")]
    assert link.get("href") == f"#{place}"


def test_nothing_is_loaded_and_nothing_runs(tmp_path):
    root = written(REPORT, tmp_path / "report.html")
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert not tags & {"script", "link", "iframe", "metadata"}
    for each in root.iter():
        for name, value in each.attrib.items():
            if name.rpartition("}")[2] in ("href", "src"):
                assert value.startswith(("#", "data:")), value
            assert not name.startswith("on"), name
    assert "url(http" not in (tmp_path / "report.html").read_text("utf-8")


def test_what_happened_to_an_object_is_marked(tmp_path):
    root = written(REPORT, tmp_path / "report.html")
    for name, count in (("corrections", 2), ("pseudo", 1), ("idle", 2)):
        groups = root.findall(f".//{SVG}g[@class='{name}']")
        assert sum(len(list(each.iter(f"{SVG}use"))) for each in groups) == count, name
    drawn = [words(each) for each in root.iter(f"{SVG}text")]
    assert {"J of object 1", "J of object 2", "corrected by the person"} <= set(drawn)
    assert {"corrected by the tracker itself", "asked for, but not there"} <= set(drawn)
    assert drawn.count("J over score") == 2  # of all videos, and of this one
    assert "Grey: the object is not there." in words(root)


def test_a_quiet_report_of_masks_by_others_has_less(tmp_path):
    plain = replace(EASY, scores=())
    video = SequenceResult("plain", 7, 48, 64, (plain,))
    report = Report({"masks": "theirs"}, VERSIONS, (video, SequenceResult("none", 7, 48, 64, ())))
    root = written(report, tmp_path / "report.html")
    drawn = [words(each) for each in root.iter(f"{SVG}text")]
    assert "J over score" not in drawn
    assert not {"corrected by the person", "asked for, but not there"} & set(drawn)
    text = words(root.find(f"{XHTML}body"))
    assert "1 video, 1 object." in text
    assert "so nothing is judged" in text
    assert "Grey" not in text
    assert "Not measured" not in text
    assert len(rows(root, "[@id='videos']")) == 2
    assert words(root.find(f".//{XHTML}title")) == "theirs"


def test_of_many_objects_the_worst_are_drawn(tmp_path):
    random = np.random.default_rng(0)
    levels = random.permutation(14) / 20
    crowd = tuple(tracked(k, [level, level + 0.2]) for k, level in enumerate(levels, start=1))
    video = SequenceResult("crowd", 3, 48, 64, crowd)
    root = written(Report({}, VERSIONS, (video,)), tmp_path / "report.html")
    titles = [words(each) for each in root.iter(f"{SVG}text")]
    titles = [title for title in titles if title.startswith("J of object")]
    worst = 1 + np.argsort(levels)[:12]
    assert titles == [f"J of object {label}" for label in worst]
    assert "the 12 worst of 14, by their mean" in words(root)
    assert len(rows(root, "[@class='wide objects']")) == 15
    (details,) = root.iter(f"{XHTML}details")
    assert details.get("open") is None


def test_rounds_are_drawn_where_there_are_any(tmp_path):
    videos = [replace(FIRST, name=name, rounds=(0.5, 0.6, 0.8)) for name in ("a", "b")]
    root = written(Report({"protocol": "rounds"}, VERSIONS, tuple(videos)), tmp_path / "r.html")
    titles = [words(each) for each in root.iter(f"{SVG}text")]
    assert titles.count("J&F after each round") == 3  # of all, and of each
    assert titles.count("mean") == 1
    head, *videos = rows(root, "[@id='videos']")
    assert [dict(zip(head, row, strict=True))["R-AUC"] for row in videos] == ["0.575"] * 2


def test_a_report_of_nothing_is_one_too(tmp_path):
    root = written(Report({}, VERSIONS, (), {"a": "broken."}), tmp_path / "report.html")
    assert "0 videos, 0 objects; 1 not measured." in words(root)
    assert not list(root.iter(f"{SVG}svg"))


def test_the_same_report_is_the_same_file(tmp_path):
    for name in ("first", "second"):
        write_html(REPORT, tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_study_shows_its_quartiles_and_every_object(tmp_path):
    region = (0.9, 0.7, 0.5, 0.3)
    rising, falling = (0.1, 0.2, 0.3, 0.4), (0.4, 0.3, 0.2, 0.1)
    never = (None,) * 4
    objects = [
        ObjectCorrelation("<b>", 1, (1, 2, 3, 4), region, {"masked": rising, "whole": never}),
        ObjectCorrelation("<b>", 2, (1, 2, 3, 4), region, {"masked": falling, "whole": never}),
    ]
    study = Study({"tracker": "compact"}, VERSIONS).with_objects(objects).with_failure("c", "no.")
    write_study(study, tmp_path / "study.html")
    root = parsed(tmp_path / "study.html")
    assert [row[:1] + row[2:] for row in rows(root, "[@id='variants']")[1:]] == [
        ["masked", "0.000", "-0.500", "0.500", "2", "0"],
        ["whole", "-", "-", "-", "0", "2"],
    ]
    assert rows(root, "[@id='objects']")[1:] == [
        ["<b>", "1", "4", "1.000", "-"],
        ["<b>", "2", "4", "-1.000", "-"],
    ]
    assert rows(root, "[@class='failed']") == [["c", "no."]]
    drawn = [words(each) for each in root.iter(f"{SVG}text")]
    assert {"masked", "whole", "Spearman's rank correlation"} <= set(drawn)


@pytest.mark.parametrize("library", ["jinja2", "matplotlib"])
def test_without_its_libraries_the_extra_is_named(library, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "napari_lazyvos.benchmark.plots", raising=False)
    monkeypatch.delattr(benchmark, "plots", raising=False)
    for attempt in (check_libraries, lambda: write_html(REPORT, path)):
        with pytest.raises(LazyVosError, match=re.escape('"napari-lazyvos[benchmark]"')):
            attempt()
    assert path.read_text() == "old"

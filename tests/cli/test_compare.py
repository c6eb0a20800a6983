"""``lazyvos compare`` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_lazyvos.benchmark.results import ObjectResult, Report, SequenceResult
from napari_lazyvos.cli import main


def write(path: Path, videos: dict[str, list[float]], **settings) -> Path:
    """Write a report of videos with one object each, of these J."""
    sequences = []
    for name, region in videos.items():
        frames, there = tuple(range(1, 1 + len(region))), (True,) * len(region)
        found = ObjectResult(1, 0, len(region), frames, tuple(region), tuple(region), there, there)
        sequences.append(SequenceResult(name, 1 + len(region), 8, 8, (found,)))
    Report(settings, {}, tuple(sequences)).write(path)
    return path


@pytest.fixture
def reports(tmp_path) -> tuple[Path, Path]:
    """Return two reports: the second is better by .1 or .2 in each of seven videos."""
    first = {f"v{k}": [0.25 + 0.05 * k] * 2 for k in range(7)}
    second = {
        name: [j + 0.1, j + 0.1 * (1 + k % 2)] for k, (name, (j, _)) in enumerate(first.items())
    }
    a = write(tmp_path / "a.json", first | {"only": [0.5]}, tracker="[x]", size=480)
    return a, write(tmp_path / "b.json", second, tracker="compact", size=480)


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of the command."""
    with pytest.raises(SystemExit) as exit:
        main(["compare", *map(str, arguments)])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def test_two_reports_in_words(reports, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    status, out, err = run(capsys, *reports)
    assert (status, err) == (0, "")
    first, *others = out.splitlines()
    assert first == (
        "7 videos and 7 objects that both have; left out: 1 video, and 0 objects of the others"
    )
    assert others[0].split() == ["A:", "a.json", "B:", "b.json"]
    assert others[1].split() == ["tracker", '"[x]"', '"compact"']
    lines = {line.split("  ")[0].strip(): line for line in others[3:]}
    better = "B is better by 0.121 (0.107 to 0.143)"
    assert " ".join(lines["J"].split()).startswith("J 0.400 0.521 0.107 to 0.143 < 0.001 B is")
    assert better in lines["J"]
    assert better in lines["J&F"]
    assert "no difference that these 7 videos could show" in lines["R@0.1"]
    assert "SEG" not in out


def test_one_measure_and_json(reports, capsys):
    status, out, _ = run(capsys, *reports, "--measure", "J", "--measure", "Q", "--json")
    content = json.loads(out)
    assert status == 0
    j, q = content["differences"]
    assert (j["measure"], q["measure"]) == ("J", "Q")
    assert j["difference"] == pytest.approx(j["second"] - j["first"])
    assert j["low"] < j["difference"] < j["high"]
    assert j["verdict"].startswith("B is better by 0.121")
    assert (content["sequences"], content["objects"]) == (7, 7)
    assert (content["sequences_left_out"], content["objects_left_out"]) == (1, 0)
    assert content["settings"] == {"tracker": ["[x]", "compact"]}


def test_few_videos_are_no_evidence(tmp_path, capsys):
    first = write(tmp_path / "a.json", {"v": [0.1], "w": [0.2]})
    second = write(tmp_path / "b.json", {"v": [0.9], "w": [0.8]})
    status, out, _ = run(capsys, first, second, "--measure", "J")
    assert status == 0
    assert "2 videos are too few to tell" in " ".join(out.split())
    assert "A: a.json" not in out  # no settings differ


def test_what_cannot_be_done_is_one_sentence(reports, tmp_path, capsys):
    other = write(tmp_path / "c.json", {"x": [0.5]})
    (tmp_path / "d.json").write_text("{}")
    for arguments, words in (
        ((reports[0], other), "have no object in common"),
        ((*reports, "--measure", "NoC"), "cannot be compared by 'NoC': choose from J&F, J,"),
        ((reports[0], tmp_path / "no.json"), "there is no report"),
        ((reports[0], tmp_path / "d.json"), "is no report of a benchmark"),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert words in err

"""``lazyvos correlation`` as a person types it."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from napari_lazyvos.cli import main
from napari_lazyvos.video import samples

FRAMES = 8


@pytest.fixture
def dataset(tmp_path):
    """Return a data set of two videos of cells, one of which has a broken mask."""
    frames, label_maps = samples.cells(FRAMES, 64, 80)
    for video in ("good", "torn"):
        for name, stack in (("frames", frames), ("masks", label_maps)):
            folder = tmp_path / "set" / video / name
            folder.mkdir(parents=True)
            for t, picture in enumerate(stack):
                Image.fromarray(picture).save(folder / f"{t:05}.png")
    (tmp_path / "set" / "torn" / "masks" / "00002.png").write_bytes(b"no picture")
    return tmp_path / "set"


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of the command."""
    with pytest.raises(SystemExit) as exit:
        main(["correlation", *map(str, arguments), "--layout", "folder", "--device", "cpu"])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def test_a_table_a_file_and_a_page(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    files = ("--json", tmp_path / "out" / "c.json", "--html", tmp_path / "out" / "c.html")
    status, out, err = run(capsys, dataset, "--only", "good", "--tracker", "handcrafted", *files)
    assert status == 0, err
    _, *lines = out.splitlines()
    shown = {line.split()[0]: line.split()[1:] for line in lines}
    assert [*shown] == ["masked", "by-predicted", "by-reference", "whole"]
    content = json.loads((tmp_path / "out" / "c.json").read_text())
    assert content["settings"]["tracker"] == "handcrafted"
    assert content["settings"]["variants"] == [*shown]
    for name, (median, low, _, high, count, *_) in shown.items():
        found = content["summary"][name]
        numbers = [float(low), float(median), float(high)]
        assert numbers == pytest.approx(found["quartiles"], abs=6e-4), name
        assert int(count) == found["objects"]
    assert all(len(each["frames"]) == FRAMES - 1 for each in content["objects"])
    assert "1 of 1 videos" in err
    page = (tmp_path / "out" / "c.html").read_text("utf-8")
    assert f"{content['summary']['masked']['quartiles'][1]:.3f}" in page
    assert "Uncertainty of handcrafted on set" in page


def test_a_sampling_tracker_tells_more(dataset, capsys):
    status, out, err = run(
        capsys,
        dataset,
        *("--only", "good", "--most-objects", 2, "--tracker-option", "passes=2"),
        *("--variant", "epistemic", "--variant", "by-predicted"),
    )
    assert status == 0, err
    assert [line.split()[0] for line in out.splitlines() if line[1] != " "][-2:] == [
        "by-predicted",
        "epistemic",
    ]


def test_a_video_that_fails_does_not_stop_the_others(dataset, tmp_path, capsys):
    path = tmp_path / "c.json"
    arguments = ("--tracker", "handcrafted", "--variant", "masked", "--json", path)
    status, out, err = run(capsys, dataset, *arguments)
    assert status == 1
    assert "torn could not be measured: " in " ".join(err.split())
    assert "masked" in out
    content = json.loads(path.read_text())
    assert {each["sequence"] for each in content["objects"]} == {"good"}
    assert [*content["failed"]] == ["torn"]


def test_what_cannot_be_done_is_one_sentence(dataset, tmp_path, capsys):
    good = (dataset, "--only", "good")
    for arguments, words in (
        ((*good, "--tracker", "xray"), "no tracker 'xray'"),
        ((*good, "--variant", "entropy"), "there is no variant 'entropy'"),
        ((*good, "--tracker", "handcrafted", "--variant", "total"), "handcrafted gives one"),
        ((*good, "--tracker-option", "speed=2"), "has no option 'speed'"),
        ((tmp_path / "no",), "there is no folder"),
        ((dataset, "--only", "other"), "no video in"),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out, err.count("\n")) == (1, "", 1), err
        assert words in err

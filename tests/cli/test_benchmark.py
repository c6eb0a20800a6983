"""``lazyvos benchmark`` and ``lazyvos score`` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_lazyvos.benchmark.results import Report
from napari_lazyvos.cli import main

FRAMES, HEIGHT, WIDTH = 6, 48, 64
LIGHT = ("--tracker", "handcrafted", "--refiner", "classical", "--device", "cpu")


@pytest.fixture
def dataset(tmp_path) -> Path:
    """Return a folder with two videos, each a folder of frames beside one of masks."""
    root = tmp_path / "set"
    for name, top in (("day1", 4), ("day2", 20)):
        random = np.random.default_rng(top)
        for kind in ("frames", "masks"):
            (root / name / kind).mkdir(parents=True)
        for t in range(FRAMES):
            frame = random.integers(30, 60, (HEIGHT, WIDTH), dtype=np.uint8)
            labels = np.zeros_like(frame)
            labels[top : top + 16, 4 + 3 * t : 20 + 3 * t] = 1
            frame[labels > 0] += 140
            Image.fromarray(frame).save(root / name / "frames" / f"{t:05}.png")
            Image.fromarray(labels).save(root / name / "masks" / f"{t:05}.png")
    return root


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a command."""
    with pytest.raises(SystemExit) as exit:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def benchmark(capsys, dataset, *arguments) -> tuple[int, str, str]:
    return run(capsys, "benchmark", dataset, "--layout", "folder", *LIGHT, *arguments)


def test_measure_save_score_and_compare(dataset, tmp_path, capsys):
    ours, masks = tmp_path / "ours.json", tmp_path / "masks"
    page = tmp_path / "ours.html"
    status, out, err = benchmark(
        capsys, dataset, "--json", ours, "--html", page, "--masks", masks, "--jobs", 2
    )
    assert status == 0, err
    report = Report.read(ours)
    assert [each.name for each in report.sequences] == ["day1", "day2"]
    assert report.settings["tracker"] == "handcrafted"
    assert report.settings["protocol"] == "svos"
    assert report.versions["napari-lazyvos"]
    assert f"{report.means['J&F']:.3f}" in out
    assert "day1" in out
    assert "region similarity" in out
    assert "10 " in err or "2 of 2 videos" in err  # frames, videos
    assert "day2" in page.read_text("utf-8")
    # What was saved has the same score, whoever made it.
    again = tmp_path / "again.json"
    status, out, _ = run(capsys, "score", masks, dataset, "--layout", "folder", "--jobs", 1,
                         "--json", again)  # fmt: skip
    assert status == 0
    for one, other in zip(report.sequences, Report.read(again).sequences, strict=True):
        assert one.objects[0].region == other.objects[0].region
        assert one.objects[0].contour == other.objects[0].contour
    status, out, _ = run(capsys, "compare", ours, again)
    assert status == 0
    assert "J&F" in out


def test_random_makes_as_many_corrections_as_an_earlier_run(dataset, tmp_path, capsys):
    lazy, chance = tmp_path / "lazy.json", tmp_path / "chance.json"
    zivos = ("--protocol", "zivos", "--policy", "tau_user=1e-6", "--only", "day1")
    assert benchmark(capsys, dataset, *zivos, "--json", lazy)[0] == 0
    control = ("--protocol", "random", "--calls-of", lazy, "--only", "day1")
    assert benchmark(capsys, dataset, *control, "--json", chance)[0] == 0
    calls = Report.read(lazy).means["NoC"]
    assert calls > 0
    assert Report.read(chance).means["NoC"] == calls


def test_a_failure_does_not_stop_the_rest_and_is_tried_again(dataset, tmp_path, capsys):
    report = tmp_path / "r.json"
    spoiled = dataset / "day1" / "frames" / "00003.png"
    frame = spoiled.read_bytes()
    spoiled.write_bytes(frame[:60])
    status, out, err = benchmark(capsys, dataset, "--json", report)
    assert status == 1
    assert "day1 could not be measured" in err.replace("\n", " ")
    assert "day2" in out
    assert json.loads(report.read_text())["failed"].keys() == {"day1"}
    spoiled.write_bytes(frame)
    before = Report.read(report).sequences[0]
    status, out, err = benchmark(capsys, dataset, "--json", report, "--resume")
    assert status == 0, err
    after = Report.read(report)
    assert ([each.name for each in after.sequences], after.failed) == (["day1", "day2"], {})
    assert after.sequences[1] == before  # was not measured again
    status, _, err = benchmark(capsys, dataset, "--json", report, "--resume", "--seed", 4)
    assert status == 1
    assert "was begun with seed 0, not 4" in err.replace("\n", " ")


def test_masks_of_others_are_matched_by_name(dataset, tmp_path, capsys):
    masks = tmp_path / "theirs"
    for name in ("day1", "day2"):
        (masks / name).mkdir(parents=True)
        for t in (0, 2, 4):
            truth = Image.open(dataset / name / "masks" / f"{t:05}.png")
            truth.save(masks / name / f"{t:05}.png")
    report = tmp_path / "r.json"
    score = ("score", masks, dataset, "--layout", "folder", "--json", report)
    assert run(capsys, *score, "--jobs", 1)[0] == 0
    for each in Report.read(report).sequences:
        assert each.objects[0].region == (0, 1, 0, 1, 0)  # a missing mask is an empty one
        assert (each.tracked, each.seconds) == (None, None)
    (masks / "day2").rename(masks / "night")
    status, _, err = run(capsys, *score, "--jobs", 1)
    assert status == 1
    assert "there are no masks of day2" in err.replace("\n", " ")


def test_what_cannot_be_done_is_said_at_once(dataset, tmp_path, capsys):
    for arguments, code, words in (
        (("--protocol", "random"), 2, "give --calls-of REPORT"),
        (("--resume",), 2, "give --json with --resume"),
        (("--policy", "tau_user"), 2, "write NAME=VALUE"),
        (("--policy", "tau=1"), 1, "no policy option 'tau'"),
        (("--protocol", "ovos"), 1, "protocol is 'ovos'"),
        (("--only", "night"), 1, "night"),
        (("--tracker-option", "colour=red"), 1, "no option 'colour'"),
        (("--protocol", "random", "--calls-of", tmp_path / "no.json"), 1, "there is no report"),
    ):
        status, out, err = benchmark(capsys, dataset, *arguments)
        assert (status, out) == (code, "")
        assert words in " ".join(err.replace("│", " ").split())

"""The command line as a person types it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_lazyvos.cli import main
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.nets.mivos import MivosNet
from napari_lazyvos.nets.xmem import Sizes, XMemNet
from napari_lazyvos.store.store import Store
from napari_lazyvos.video import samples


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """Return a small cell movie on disk, and its truth."""
    frames, labels = samples.cells(12, 128, 160)
    path = tmp_path_factory.mktemp("movie") / "cells.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"})
    return path, labels


def click_on(labels: np.ndarray, label: int, t: int = 0) -> str:
    y, x = np.argwhere(labels[t] == label).mean(axis=0)
    return f"{t},{y:.0f},{x:.0f},{label}"


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a command."""
    with pytest.raises(SystemExit) as exit:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def read_masks(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def test_track_from_clicks(movie, tmp_path, capsys):
    path, labels = movie
    clicks = [part for i in (2, 3) for part in ("--click", click_on(labels, i))]
    status, out, err = run(
        capsys, "track", path, *clicks, "--out", tmp_path / "o", "--export", "csv", "--json"
    )
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert report == json.loads((tmp_path / "o" / "report.json").read_text())
    assert (report["frames"], report["height"], report["width"]) == (12, 128, 160)
    assert (report["objects"], report["tracker"], report["device"]) == (2, "compact", "cpu")
    assert (report["user_corrections"], report["pseudo_corrections"]) == (0, 0)
    assert report["finished"]
    assert report["fps"] > 0
    assert report["peak_rss_mb"] > 50
    masks = read_masks(tmp_path / "o" / "masks")
    assert masks.shape == labels.shape
    overlap = (masks == 2) & (labels == 2)
    assert overlap.sum() / ((masks == 2) | (labels == 2)).sum() > 0.6
    assert (tmp_path / "o" / "cells.csv").read_text().startswith("frame,")


def test_track_from_a_mask_within_a_range_and_backwards(movie, tmp_path, capsys):
    path, labels = movie
    first = tmp_path / "first.png"
    Image.fromarray(labels[6]).save(first)
    out = tmp_path / "o"
    status, _, err = run(
        capsys,
        *("track", path, "--init-mask", first, "--init-frame", 6, "--backward"),
        *("--start", 3, "--out", out),
    )
    assert status == 0
    assert "12 masks are in" in err
    masks = read_masks(out / "masks")
    assert masks[3:7].any(axis=(1, 2)).all()
    assert not masks[:3].any()
    assert not masks[7:].any()


def test_calls_for_help_wait_in_the_session(movie, tmp_path, capsys):
    path, labels = movie
    command = ("track", path, "--click", click_on(labels, 2), "--stop", 5)
    status, _, err = run(capsys, *command, "--ask-at", 0.0001, "--out", tmp_path / "asks")
    calls = json.loads((tmp_path / "asks" / "report.json").read_text())["calls"]
    assert status == 0
    assert calls
    assert {call["label"] for call in calls} == {2}
    assert "for help, in frame" in err
    assert str(tmp_path / "asks" / "cells.lazyvos") in err
    run(capsys, *command, "--ask-at", 0, "--out", tmp_path / "silent")
    assert json.loads((tmp_path / "silent" / "report.json").read_text())["calls"] == []


def test_bad_commands_are_status_2(movie, tmp_path, capsys):
    path, _ = movie
    for arguments, words in (
        (["--click", "nonsense"], "is no click"),
        ([], "give --click or --init-mask or --resume"),
        (["--click", "0,1,1", "--resume"], "only one of them"),
        (["--click", "0,1,1", "--export", "mp3"], "no format 'mp3'"),
    ):
        status, _, err = run(capsys, "track", path, "--out", tmp_path / "o", *arguments)
        assert status == 2
        assert words in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "o").exists()


def test_what_cannot_be_done_is_one_sentence_and_status_1(movie, tmp_path, capsys):
    path, labels = movie
    out = tmp_path / "o"
    status, _, err = run(capsys, "track", path, "--click", "0,500,1", "--out", out)
    assert (status, err.count("\n")) == (1, 1)
    assert "outside the frame" in err
    # The corrected command finds the place free.
    assert run(capsys, "track", path, "--click", click_on(labels, 2), "--out", out)[0] == 0
    status, _, err = run(capsys, "track", path, "--click", "0,1,1", "--out", out)
    assert status == 1
    assert "--resume goes on with it, --overwrite replaces it" in err
    status, out_text, err = run(capsys, "track", tmp_path / "no.mp4", "--click", "0,1,1", "--json",
                                "--out", tmp_path / "p")  # fmt: skip
    assert status == 1
    assert "no.mp4" in json.loads(out_text)["error"]
    assert "Traceback" not in err
    status, _, err = run(capsys, "track", tmp_path / "no.mp4", "--click", "0,1,1", "--debug",
                         "--out", tmp_path / "p")  # fmt: skip
    assert "Traceback" in err


def test_weights_are_chosen_by_their_name(movie, tmp_path, capsys, monkeypatch):
    path, labels = movie
    out = tmp_path / "o"
    command = ("track", path, "--click", click_on(labels, 2), "--out", out, "--tracker", "xmem")
    status, _, err = run(capsys, *command, "--weights", "sam_hq_vit_b")
    assert status == 2
    assert "--refiner sam_hq" in " ".join(err.replace("│", " ").split())
    status, _, err = run(capsys, *command, "--weights", "xmem-s2")
    assert (status, err.count("\n")) == (1, 1)
    assert "`lazyvos models download xmem-s2`" in err
    assert not out.exists()
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))
    cache.folder().mkdir()
    torch.manual_seed(0)
    torch.save(XMemNet(Sizes(hidden=0)).state_dict(), cache.place(find("xmem-no-sensory")))
    short = ("--stop", 3, "--size", 32)
    assert run(capsys, *command, "--weights", "xmem-no-sensory", *short)[0] == 0
    with Store.open(out / "cells.lazyvos") as store:
        options = store.metadata["tracker_options"]
    assert options == {"size": 32, "weights": "xmem-no-sensory"}
    twice = ("--weights", "xmem-no-sensory") * 2
    assert run(capsys, *command, *twice, *short, "--overwrite")[0] == 0
    with Store.open(out / "cells.lazyvos") as store:
        assert store.metadata["tracker_options"]["weights"] == ["xmem-no-sensory"] * 2


def test_options_of_the_tracker_are_passed_on(movie, tmp_path, capsys):
    path, labels = movie
    out = tmp_path / "o"
    command = ("track", path, "--click", click_on(labels, 2), "--out", out, "--stop", 3)
    options = ("--tracker-option", "memory=readmem", "--tracker-option", "size=64")
    assert run(capsys, *command, *options)[0] == 0
    with Store.open(out / "cells.lazyvos") as store:
        assert store.metadata["tracker_options"] == {"size": 64, "memory": "readmem"}
    shutil.rmtree(out)
    for wrong, words in (
        ("memory=most", "memory is 'most', and the tracker compact has none"),
        ("memori=all", "The tracker compact has no option 'memori'"),
    ):
        status, _, err = run(capsys, *command, "--tracker-option", wrong)
        assert (status, err.count("\n")) == (1, 1)
        assert words in err
        assert not out.exists()
    status, _, err = run(capsys, *command, "--tracker-option", "memory")
    assert status == 2
    assert "write NAME=VALUE" in " ".join(err.replace("│", " ").split())


def test_qdmn_tracks_with_the_weights_of_mivos(movie, tmp_path, capsys, monkeypatch):
    path, labels = movie
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))
    cache.folder().mkdir()
    torch.manual_seed(0)
    torch.save(MivosNet().state_dict(), cache.place(find("mivos")))
    command = ("track", path, "--click", click_on(labels, 2), "--out", tmp_path / "o", "--json")
    small = ("--stop", 2, "--size", 32)
    status, out, err = run(capsys, *command, *small, "--tracker", "qdmn", "--weights", "mivos")
    assert (status, err) == (0, "")
    assert json.loads(out)["tracker"] == "qdmn"


def test_export_and_info(movie, tmp_path, capsys):
    path, labels = movie
    assert run(capsys, "track", path, "--click", click_on(labels, 1), "--out", tmp_path)[0] == 0
    store = tmp_path / "cells.lazyvos"
    status, out, _ = run(capsys, "info", store, "--json")
    assert status == 0
    assert json.loads(out)["objects"] == [1]
    target = tmp_path / "masks.ome.tif"
    assert run(capsys, "export", store, "--format", "tif", "--out", target)[0] == 0
    assert tifffile.imread(target).shape == labels.shape
    status, _, err = run(capsys, "export", store, "--format", "tif", "--out", target)
    assert status == 1
    assert "--overwrite" in err
    status, out, _ = run(capsys, "info", "--json")
    assert "handcrafted" in json.loads(out)["trackers"]
    assert json.loads(run(capsys, "info", path, "--json")[1])["frames"] == 12


@contextmanager
def tracking(path: Path, out: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Track in another process; its stderr can be read."""
    command = [sys.executable, "-m", "napari_lazyvos.cli", "track", str(path), "--out", str(out)]
    with subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_frames(store: Path, frames: int) -> None:
    """Wait until this many frames are written, looking only at files."""
    masks = store / "frames.zarr" / "masks"
    deadline = time.monotonic() + 120
    while len(list(masks.glob("c.*"))) < frames:
        assert time.monotonic() < deadline, "tracking did not begin"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def long_movie(tmp_path_factory) -> tuple[Path, str]:
    """Return a movie that takes some seconds to track, and a click on an object."""
    frames, labels = samples.cells(40, 160, 200)
    path = tmp_path_factory.mktemp("movie") / "long.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"})
    return path, click_on(labels, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no SIGINT to send")
def test_killed_and_resumed_is_the_same_as_never_killed(long_movie, tmp_path):
    path, click = long_movie
    with tracking(path, tmp_path / "whole", "--click", click) as process:
        assert process.wait(300) == 0
    killed = tmp_path / "killed"
    beginning = ("--click", click)
    for frames in (9, 21):
        with tracking(path, killed, *beginning) as process:
            wait_for_frames(killed / "long.lazyvos", frames)
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
        beginning = ("--resume",)
    with tracking(path, killed, "--resume") as process:
        assert process.wait(300) == 0
    for name in ("masks", "uncertainty"):
        one, other = (
            folder / "long.lazyvos" / "frames.zarr" / name
            for folder in (tmp_path / "whole", killed)
        )
        chunks = sorted(file.name for file in one.glob("c.*"))
        assert len(chunks) >= 39
        for chunk in chunks:
            assert (one / chunk).read_bytes() == (other / chunk).read_bytes(), chunk


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no SIGINT to send")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(long_movie, tmp_path):
    path, click = long_movie
    with tracking(path, tmp_path, "--click", click) as process:
        wait_for_frames(tmp_path / "long.lazyvos", 5)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--resume" in stderr.decode()
    report = json.loads((tmp_path / "report.json").read_text())
    assert not report["finished"]
    with Store.open(tmp_path / "long.lazyvos") as store:
        assert report["tracked"] == (store.ledger.states(2) > 0).sum() - 1

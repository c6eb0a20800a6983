"""``lazyvos batch`` as a person types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from distributed import LocalCluster

from napari_lazyvos.cli import main
from napari_lazyvos.cli.progress import VideosBar
from napari_lazyvos.lazy.events import FrameResult
from napari_lazyvos.store.store import Store
from napari_lazyvos.video import samples

FRAMES = 8
LIGHT = ("--tracker", "handcrafted", "--refiner", "classical", "--device", "cpu")


@pytest.fixture(scope="module")
def movie() -> tuple[np.ndarray, np.ndarray]:
    """Return a small cell movie, and its truth."""
    return samples.cells(FRAMES, 96, 120)


@pytest.fixture
def folder(movie, tmp_path) -> Path:
    """Return a folder with a video, one that is broken, one more video, and clicks in each."""
    frames, labels = movie
    (tmp_path / "videos").mkdir()
    for name in ("a", "c"):
        write_movie(tmp_path / "videos" / f"{name}.tif", frames)
    (tmp_path / "videos" / "b.tif").write_text("no TIFF")
    write_table(tmp_path, [f"{name},{click_on(labels, 2)}" for name in "abc"])
    return tmp_path


def write_movie(path: Path, frames: np.ndarray) -> None:
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})


def write_table(folder: Path, rows: list[str]) -> None:
    (folder / "clicks.csv").write_text("\n".join(["video,label,t,y,x", *rows]))


def click_on(labels: np.ndarray, label: int, t: int = 0) -> str:
    y, x = np.argwhere(labels[t] == label).mean(axis=0)
    return f"{label},{t},{y:.2f},{x:.2f}"


def command(folder: Path, *more) -> list[str]:
    own = ("batch", folder / "videos", "--clicks", folder / "clicks.csv", "--out", folder / "out")
    return [str(part) for part in (*own, *LIGHT, *more)]


def run(capsys, arguments: list[str]) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a command."""
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def summary(folder: Path) -> dict[str, dict]:
    content = json.loads((folder / "out" / "batch.json").read_text())
    return {video.pop("video"): video for video in content["videos"]}


def chunks(store: Path) -> dict[str, bytes]:
    frames = store / "frames.zarr"
    return {str(path.relative_to(frames)): path.read_bytes() for path in frames.rglob("c.*")}


def test_a_video_that_fails_stops_no_other_and_is_tried_again(folder, movie, capsys):
    status, out, err = run(capsys, command(folder, "--ask-at", "0.0001", "--export", "csv"))
    assert (status, out) == (1, "")
    assert [line for line in err.splitlines() if line.startswith("lazyvos:")] == [
        line for line in err.splitlines() if "lazyvos: b: " in line
    ]
    assert "b.tif" in err
    assert "2 of 3 videos are done" in err
    assert "frames/s" in err
    found = summary(folder)
    assert [video["state"] for video in found.values()] == ["finished", "failed", "finished"]
    assert "b.tif" in found["b"]["error"]
    assert (found["a"]["frames"], found["a"]["tracked"]) == (FRAMES, FRAMES - 1)
    assert found["a"]["fps"] > 0
    assert found["a"]["calls"] > 0  # nobody answered
    assert f"`lazyvos review {folder / 'out'}`" in err.replace("\n", " ")
    for name in "ac":
        results = folder / "out" / name
        assert len(list((results / "masks").glob("*.png"))) == FRAMES
        assert (results / f"{name}.csv").is_file()
        assert json.loads((results / "report.json").read_text())["finished"]
        assert Store.exists(results / f"{name}.lazyvos")

    write_movie(folder / "videos" / "b.tif", movie[0])
    before = (folder / "out" / "a" / "report.json").stat().st_mtime_ns
    status, out, err = run(
        capsys, command(folder, "--ask-at", "0.0001", "--export", "csv", "--json")
    )
    assert (status, err) == (0, "")
    assert json.loads(out) == json.loads((folder / "out" / "batch.json").read_text())
    assert {video["state"] for video in summary(folder).values()} == {"finished"}
    assert (folder / "out" / "a" / "report.json").stat().st_mtime_ns == before
    assert len({json.dumps(summary(folder)[name]["calls"]) for name in "abc"}) == 1


def test_new_rows_are_placed_and_nothing_else_is_done(folder, movie, capsys):
    first = f"a,{click_on(movie[1], 2)}"
    option = ("--tracker-option", "size=64")
    write_table(folder, [first])
    status, _, err = run(capsys, command(folder, *option))
    assert status == 0
    assert "b has no clicks in" in err
    write_table(folder, [first, f"videos/a.tif,{click_on(movie[1], 3, 4)}"])
    assert run(capsys, command(folder, *option))[0] == 0
    assert summary(folder)["a"]["tracked"] == FRAMES - 1 - 4
    with Store.open(folder / "out" / "a" / "a.lazyvos") as store:
        assert store.metadata["tracker_options"] == {"size": 64}
        assert [(click.label, click.t) for click in store.document.clicks] == [(2, 0), (3, 4)]


def test_what_is_wrong_is_said_before_anything_is_made(folder, capsys):
    write_table(folder, ["a,2,0,500,1", "d,2,0,1,1"])
    status, _, err = run(capsys, command(folder))
    assert status == 1
    assert "has 2 faults" in err
    assert "line 2: the click at (y, x) = (500, 1) lies outside" in err
    assert "line 3: no video 'd'" in err
    for wrong, words in (
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "give --workers or --scheduler"),
        (("--export", "mp3"), "no format 'mp3'"),
        (("--tracker", "xray"), "no tracker 'xray'"),
        (("--refiner", "sam9"), "no refiner 'sam9'"),
    ):
        status, _, err = run(capsys, command(folder, *wrong))
        assert status == 2
        assert words in " ".join(err.replace("│", " ").split())
    assert not (folder / "out").exists()


def test_workers_of_a_scheduler(folder, capsys):
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address=None,
    ) as cluster:
        status, _, err = run(capsys, command(folder, "--scheduler", cluster.scheduler_address))
    assert status == 1
    assert "2 of 3 videos are done" in err
    assert summary(folder)["c"]["state"] == "finished"


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(folder, capsys, monkeypatch):
    def press(bar, video, event):
        if video == "c" and isinstance(event, FrameResult) and event.t == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(VideosBar, "show_event", press)
    status, _, err = run(capsys, command(folder))
    assert status == 1
    assert "stopped with 1 of 3 videos done" in err
    assert "run the same command again to go on" in err
    assert [each["state"] for each in summary(folder).values()] == ["finished", "failed", "waiting"]
    monkeypatch.undo()
    assert "2 of 3 videos are done" in run(capsys, command(folder))[2]
    results = folder / "out"
    assert chunks(results / "c" / "c.lazyvos") == chunks(results / "a" / "a.lazyvos")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL to send")
def test_killed_between_two_clicks_and_run_again(folder, movie, capsys):
    (folder / "videos" / "b.tif").unlink()
    for name in "ac":
        write_movie(folder / "videos" / f"{name}.tif", movie[0][:4])
    write_table(folder, [f"{n},{click_on(movie[1], i)}" for n in "ac" for i in (2, 3, 5)])
    store, other = (folder / "out" / name / f"{name}.lazyvos" for name in "ac")
    interpreter = (sys.executable, "-m", "napari_lazyvos.cli")
    with subprocess.Popen([*interpreter, *command(folder)], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (Store.exists(store) and placed(store)):
            assert time.monotonic() < deadline, "no click was placed"
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert run(capsys, command(folder))[0] == 0
    # In the other video nothing was cut short.
    assert chunks(store) == chunks(other)
    assert len(placed(store)) == len(placed(other)) == 3
    with Store.open(store) as one, Store.open(other) as two:
        assert sorted(places(one)) == sorted(places(two))


def places(store: Store) -> list[tuple[int, int, float, float]]:
    return [(click.label, click.t, click.y, click.x) for click in store.document.clicks]


def placed(store: Path) -> list:
    return json.loads((store / "session.json").read_text())["metadata"].get("clicks_placed", [])

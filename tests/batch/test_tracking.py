"""Videos of a batch: found, tracked, gone on with, and left alone when they are finished."""

from __future__ import annotations

import dataclasses
import json

import filelock
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lazyvos import trackers
from napari_lazyvos.batch import tracking
from napari_lazyvos.batch.clicks_table import TableClick
from napari_lazyvos.batch.job import Job, make_jobs
from napari_lazyvos.batch.outcome import Outcome, Summary, VideoState
from napari_lazyvos.batch.tracking import finished_before, track_video
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import FrameResult
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.store import Store

FRAMES = 6
METHODS = {
    "tracker": "handcrafted",
    "refiner": "classical",
    "device": "cpu",
    "tracker_options": {"size": 480},
    "refiner_options": {},
}


def moving_square() -> np.ndarray:
    """(6, 48, 64) uint8."""
    frames = np.random.default_rng(0).integers(40, 60, (FRAMES, 48, 64), dtype=np.uint8)
    for t in range(FRAMES):
        frames[t, 16:32, 8 + 3 * t : 24 + 3 * t] += 150
    return frames


@pytest.fixture
def videos(tmp_path):
    """Return a folder with a TIFF stack and a folder of pictures."""
    folder = tmp_path / "videos"
    (folder / "pictures").mkdir(parents=True)
    tifffile.imwrite(folder / "stack.tif", moving_square(), metadata={"axes": "TYX"})
    for t, frame in enumerate(moving_square()):
        Image.fromarray(frame).save(folder / "pictures" / f"{t:03}.png")
    return folder


@pytest.fixture
def job(videos, tmp_path) -> Job:
    clicks = (TableClick(2, 1, 0, 24.0, 16.0, name="square"),)
    return Job("stack", videos / "stack.tif", tmp_path / "out" / "stack", clicks, METHODS)


def chunks(job: Job) -> dict[str, bytes]:
    folder = job.store / "frames.zarr"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("c.*")}


def read_mask(job: Job, t: int) -> np.ndarray:
    return np.asarray(Image.open(job.folder / "masks" / f"{t:05}.png"))


def test_jobs_of_a_folder(videos, tmp_path, monkeypatch):
    table = tmp_path / "clicks.csv"
    table.write_text("video,label,t,y,x\nstack,1,0,24,16\nvideos/pictures,2,0,24,16\n")
    out = videos / "out"
    (out / "stack").mkdir(parents=True)
    tifffile.imwrite(videos / "third.tif", moving_square(), metadata={"axes": "TYX"})
    monkeypatch.chdir(tmp_path)
    relative = videos.relative_to(tmp_path)
    inputs = [relative, relative / "stack.tif"]  # one video twice does no harm
    jobs, left_out = make_jobs(inputs, table, relative / "out", methods=METHODS, formats=["csv"])
    assert [each.name for each in jobs] == ["pictures", "stack"]
    assert left_out == ["third"]  # and not the results of an earlier run
    for each in jobs:
        assert each.video.is_absolute()
        assert each.folder == out.resolve() / each.name
        assert (each.methods, each.formats) == (METHODS, ("csv",))
    assert jobs[0].clicks == (TableClick(3, 2, 0, 24.0, 16.0),)


def test_jobs_that_cannot_be(videos, tmp_path):
    table = tmp_path / "clicks.csv"
    table.write_text("video,label,t,y,x\nstack,1,0,24,16\n")
    with pytest.raises(LazyVosError, match=r"no file or folder .*nowhere"):
        make_jobs([tmp_path / "nowhere"], table, tmp_path / "out")
    other = tmp_path / "other"
    other.mkdir()
    np.save(other / "stack.npy", moving_square())
    with pytest.raises(LazyVosError, match="are both called stack"):
        make_jobs([videos, other], table, tmp_path / "out")


def test_a_video_is_tracked_to_its_end(job):
    job = dataclasses.replace(job, formats=("csv", "ctc"))
    seen = []
    outcome = track_video(job, lambda name, event: seen.append((name, event)))
    assert (outcome.video, outcome.state, outcome.error) == ("stack", VideoState.FINISHED, None)
    assert (outcome.frames, outcome.tracked) == (FRAMES, FRAMES - 1)
    assert outcome.fps == pytest.approx(outcome.tracked / outcome.seconds, rel=0.01)
    frames = [event.t for name, event in seen if isinstance(event, FrameResult)]
    assert frames == list(range(1, FRAMES))
    assert {name for name, _ in seen} == {"stack"}
    names = {path.name for path in job.folder.iterdir()}
    assert {"stack.lazyvos", "masks", "report.json", "stack.csv", "stack_RES"} <= names
    assert read_mask(job, FRAMES - 1)[24, 8 + 3 * (FRAMES - 1) + 8] == 1
    report = json.loads((job.folder / "report.json").read_text())
    assert report["finished"]
    assert report["worker"] == outcome.worker
    with Store.open(job.store) as store:
        assert store.document.objects[1].name == "square"


def test_a_finished_video_is_left_alone(job, monkeypatch):
    outcome = track_video(job)
    before = {path: path.stat().st_mtime_ns for path in job.folder.rglob("*.png")}
    monkeypatch.setattr(trackers, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    assert finished_before(job) == outcome
    assert track_video(job) == outcome
    assert before == {path: path.stat().st_mtime_ns for path in job.folder.rglob("*.png")}


def test_one_more_click_or_export_is_something_to_do(job):
    track_video(job)
    more = dataclasses.replace(job, clicks=(*job.clicks, TableClick(3, 1, 3, 24.0, 25.0)))
    assert finished_before(more) is None
    outcome = track_video(more)
    assert outcome.tracked == FRAMES - 1 - 3  # what follows the click
    assert finished_before(more) == outcome
    exported = dataclasses.replace(more, formats=("csv",))
    assert finished_before(exported) is None
    assert track_video(exported).tracked == 0
    assert (job.folder / "stack.csv").is_file()
    with Store.open(job.store) as store:
        assert len(store.document.clicks) == 2


def test_what_a_person_corrects_is_tracked_and_exported_again(job):
    track_video(job)
    with Session.resume(job.store) as session:
        mask = np.zeros((48, 64), bool)
        mask[16:32, 17:20] = True
        session.set_mask(3, mask, label=1)
    outcome = track_video(job)
    assert outcome.tracked == FRAMES - 1 - 3
    np.testing.assert_array_equal(read_mask(job, 3) == 1, mask)
    with Session.resume(job.store) as session:  # leaves nothing to track
        session.set_mask(FRAMES - 1, mask, label=1)
    assert track_video(job).tracked == 0
    np.testing.assert_array_equal(read_mask(job, FRAMES - 1) == 1, mask)
    with Session.resume(job.store) as session:
        session.remove_object(1)
    assert track_video(job).state is VideoState.FINISHED
    assert not read_mask(job, 3).any()


def test_stopped_and_gone_on_with_is_the_same_as_never_stopped(job, tmp_path):
    whole = dataclasses.replace(job, folder=tmp_path / "whole")
    assert track_video(whole).tracked == FRAMES - 1

    def stop(name, event):
        if event.t == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_video(job, stop)
    (job.folder / ".partial-1-masks").mkdir()  # as a process leaves it that is killed
    assert finished_before(job) is None
    outcome = track_video(job)
    assert (outcome.state, outcome.frames) == (VideoState.FINISHED, FRAMES)
    assert chunks(job) == chunks(whole)
    assert not list(job.folder.glob(".partial*"))


def test_a_video_that_fails_says_why(job, videos, monkeypatch):
    (videos / "stack.tif").write_text("no TIFF")
    outcome = track_video(job)
    assert (outcome.video, outcome.state) == ("stack", VideoState.FAILED)
    assert "stack.tif" in outcome.error
    assert outcome.worker
    tifffile.imwrite(videos / "stack.tif", moving_square(), metadata={"axes": "TYX"})
    assert track_video(job).state is VideoState.FINISHED


def test_a_store_that_is_damaged(job):
    track_video(job)
    (job.store / "session.sqlite").write_text("no database " * 100)
    assert finished_before(job) is None
    outcome = track_video(job)
    assert outcome.state is VideoState.FAILED
    assert outcome.error.startswith("DatabaseError: ")


def test_a_store_that_is_open_elsewhere(job, monkeypatch):
    track_video(job)
    with Store.open(job.store):
        assert finished_before(job) is None
        assert "open in another window" in track_video(job).error
    monkeypatch.setattr(tracking, "PATIENCE", 0.3)
    with filelock.FileLock(job.folder / tracking.LOCK):
        assert "another process has been tracking" in track_video(job).error
    assert track_video(job).state is VideoState.FINISHED


def test_other_methods_are_refused_once_something_is_tracked(job):
    wrong = dataclasses.replace(job, methods=METHODS | {"tracker_options": {"size": -7}})
    assert track_video(wrong).state is VideoState.FAILED
    assert track_video(job).state is VideoState.FINISHED  # nothing was tracked yet
    other = dataclasses.replace(job, methods=METHODS | {"tracker_options": {"size": 32}})
    outcome = track_video(other)
    assert outcome.state is VideoState.FAILED
    assert "give the same options, or another --out" in outcome.error
    with Store.open(job.store) as store:
        assert store.metadata["tracker_options"] == {"size": 480}


def test_the_summary_is_on_disk_after_each_video(tmp_path):
    summary = Summary(tmp_path, ["a", "b"])
    for outcome in (
        Outcome("b", VideoState.FINISHED, 5, 4, 2.0, 2.0, calls=1, worker="host:1"),
        Outcome("a", VideoState.FAILED, error="it is broken."),
    ):
        summary.put(outcome)
        content = json.loads((tmp_path / "batch.json").read_text())
        assert [video["video"] for video in content["videos"]] == ["a", "b"]
        assert content["videos"][1]["state"] == "finished"
    assert content["videos"][0]["error"] == "it is broken."
    assert [each.video for each in summary.failed] == ["a"]
    assert [each.calls for each in summary.finished] == [1]

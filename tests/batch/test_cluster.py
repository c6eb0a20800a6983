"""Videos on two worker processes that dask started, of which one is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError

import cv2
import numpy as np
import pytest
import tifffile
import torch
from dask.system import CPU_COUNT

from napari_lazyvos.batch import cluster
from napari_lazyvos.batch.clicks_table import TableClick
from napari_lazyvos.batch.job import Job
from napari_lazyvos.batch.outcome import VideoState
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.ledger import State
from napari_lazyvos.store.store import Store
from napari_lazyvos.video import samples

FRAMES = 12
METHODS = {
    "tracker": "handcrafted",
    "refiner": "classical",
    "device": "cpu",
    "tracker_options": {"size": 480},
    "refiner_options": {},
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL to send")


# A module that workers can import, too; they do not know the tests.
LETHAL = """
import os, signal
from napari_lazyvos.lazy.policy import Policy

class Lethal(Policy):
    'Kills its process, as the system does when memory runs out.'
    def action(self, t, score):
        os.kill(os.getpid(), signal.SIGKILL)

"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Two workers on this machine, as if it had two CUDA devices."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "lethal.py").write_text(LETHAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)  # which processes inherit
        with cluster.start_workers(2, ("0", "1")) as client:
            yield client


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """Return a cell movie on disk, and clicks on two of its cells."""
    frames, labels = samples.cells(FRAMES, 96, 120)
    path = tmp_path_factory.mktemp("movie") / "cells.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"})
    places = [np.argwhere(labels[0] == label).mean(axis=0) for label in (2, 3)]
    clicks = [TableClick(i, i, 0, y, x) for i, (y, x) in enumerate(places, start=2)]
    return path, tuple(clicks)


@pytest.fixture
def make_job(movie, tmp_path):
    path, clicks = movie

    def make(name: str, **methods) -> Job:
        return Job(name, path, tmp_path / name, clicks, METHODS | methods)

    return make


def chunks(job: Job) -> dict[str, bytes]:
    folder = job.store / "frames.zarr"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("c.*")}


def kill_worker(client, job: Job, processes: dict[str, int]) -> int:
    """Kill the worker of the first job when a few frames are written; return its process."""
    deadline = time.monotonic() + 60
    address = None
    while address is None or len(list((job.store / "frames.zarr" / "masks").glob("c.*"))) < 3:
        assert time.monotonic() < deadline, "tracking did not begin"
        for worker, keys in client.processing().items():
            if any(key.endswith("-0") for key in keys):
                address = worker
        time.sleep(0.01)
    os.kill(processes[address], signal.SIGKILL)
    return processes[address]


def test_each_worker_has_its_device_and_its_share_of_the_cores(client):
    def own() -> tuple[str, int, int, bool]:
        deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        threads = torch.get_num_threads(), cv2.getNumThreads()
        return os.environ["CUDA_VISIBLE_DEVICES"], *threads, deaf

    share = max(1, CPU_COUNT // 2)
    assert sorted(client.run(own).values()) == [(str(i), share, share, True) for i in range(2)]
    assert set(client.nthreads().values()) == {1}


@pytest.mark.parametrize(
    ("there", "words"), [("0.0.2", "napari-lazyvos 0.0.2"), (None, "no napari-lazyvos")]
)
def test_workers_of_another_version_are_refused(client, monkeypatch, there, words):
    here = os.getpid()

    def version(package: str) -> str:
        if os.getpid() == here:
            return "0.0.1"
        if there is None:
            raise PackageNotFoundError(package)
        return there

    monkeypatch.setattr(cluster, "version", version)
    with (
        pytest.raises(LazyVosError, match=f"has {words}, and this machine 0.0.1"),
        cluster.connect(client.scheduler.address),
    ):
        pass


def test_a_killed_worker_costs_nothing(client, make_job):
    job, whole = make_job("killed"), make_job("whole")
    processes, killed = client.run(os.getpid), []
    thread = threading.Thread(target=lambda: killed.append(kill_worker(client, job, processes)))
    thread.start()
    with cluster.connect(client.scheduler.address) as other:  # as one that runs already
        outcomes = {each.video: each for each in cluster.track_videos(other, [job, whole])}
    thread.join()
    assert [each.state for each in outcomes.values()] == [VideoState.FINISHED] * 2
    assert not outcomes["killed"].worker.endswith(f":{killed[0]}")
    assert outcomes["killed"].tracked < FRAMES - 1  # it went on, and did not begin again
    assert outcomes["whole"].tracked == FRAMES - 1
    assert chunks(job) == chunks(whole)
    with Store.open(job.store) as store:
        assert len(store.document.clicks) == 2
        for label in (2, 3):
            assert (store.ledger.states(label) != State.UNTRACKED).all()


def test_a_video_that_kills_its_workers_again_and_again_fails(client, make_job):
    from lethal import Lethal

    # As if `cluster.DEATHS` were 0: the first death is one too many, and the last is when alone.
    client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    (outcome,) = cluster.track_videos(client, [make_job("lethal", policy=Lethal())])
    assert outcome.state is VideoState.FAILED
    assert "died again and again" in outcome.error


def test_no_scheduler_answers(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.3)
    for address in ("tcp://127.0.0.1:9", "nonsense://", "127.0.0.1"):
        with (
            pytest.raises(LazyVosError, match="no dask scheduler answers"),
            cluster.connect(address),
        ):
            pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LazyVosError, match=r"napari-lazyvos\[cluster\]"), cluster.start_workers(2):
        pass


def test_devices(monkeypatch):
    assert cluster.find_devices("cpu") == ()
    with pytest.raises(LazyVosError, match="no device 'tpu'"):
        cluster.find_devices("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert cluster.find_devices("auto") == ("0", "1", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa,GPU-bb")
    assert cluster.find_devices("cuda") == ("GPU-aa", "GPU-bb")

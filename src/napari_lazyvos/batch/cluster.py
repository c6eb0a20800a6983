"""Many videos at once: worker processes of dask, on this machine or on a cluster.

dask.distributed comes with the extra ``cluster`` and is imported only when asked. A worker does
one video at a time. If it dies, dask gives its video to another one, which goes on from the store:
for that, all workers must see the same files under the same paths.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from logging import CRITICAL
from types import ModuleType
from typing import TYPE_CHECKING, Any

from napari_lazyvos.batch.job import Job
from napari_lazyvos.batch.outcome import Outcome, VideoState
from napari_lazyvos.batch.tracking import track_video
from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connect", "dashboard_of", "find_devices", "start_workers", "track_videos"]

# Deaths of workers that a video survives. It is tried once more alone if there are more, since dask
# also counts deaths against videos that were only waiting for the same worker.
DEATHS = 1
CONNECT_SECONDS = 10
RESTART = "10 minutes"  # that a killed worker may take to come back; it imports torch
PACKAGE = "napari-lazyvos"
HERE: dict[str, Any] = {"host": "127.0.0.1"}
# What torch, its kin and OpenCV read when they are loaded.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
# Ctrl-C reaches all processes of a terminal; the one that started the workers ends them.
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
QUIET: dict[str, Any] = {"silence_logs": CRITICAL}  # outcomes say what went wrong


def find_devices(device: str) -> tuple[str, ...]:
    """Return the CUDA devices to compute on, as CUDA_VISIBLE_DEVICES names them.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}

    Returns
    -------
    Names; none where the CPU or an Apple GPU computes

    Raises
    ------
    LazyVosError
        If there is no such device.
    """
    import torch

    from napari_lazyvos.nets.device import choose

    if choose(device).type != "cuda":
        return ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(visible.split(",") if visible else map(str, range(torch.cuda.device_count())))


@contextmanager
def start_workers(count: int, devices: Sequence[str] = ()) -> Iterator[Client]:
    """Start worker processes on this machine; they end with the context.

    Each has its share of the cores, and sees one CUDA device alone, if there are any.

    Parameters
    ----------
    count : how many workers
    devices : CUDA devices, see `find_devices`; with fewer devices than workers, some share one

    Yields
    ------
    Client
    """
    distributed = _library()
    import dask
    from dask.system import CPU_COUNT

    threads = max(1, CPU_COUNT // count)
    workers = {}
    for number in range(count):
        environment = dict.fromkeys(THREADS, str(threads))
        if devices:
            environment["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
        # dask would share out memory, and kill who takes more: it does not know what a video needs.
        options = {"nthreads": 1, "memory_limit": 0, "env": environment, "preload": [DEAF]}
        workers[number] = {"cls": distributed.Nanny, "options": HERE | QUIET | options}
    options = {"port": 0, "dashboard_address": "127.0.0.1:0", "allowed_failures": DEATHS}
    scheduler = {"cls": distributed.Scheduler, "options": HERE | options}
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": RESTART}),
        distributed.SpecCluster(workers, scheduler, **QUIET) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """Use the workers of a scheduler that runs already.

    Parameters
    ----------
    address : such as ``tcp://10.0.0.5:8786``

    Yields
    ------
    Client

    Raises
    ------
    LazyVosError
        If no scheduler answers, or its workers have another version of this package.
    """
    distributed = _library()
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise LazyVosError(
            f"no dask scheduler answers at {address!r}: start one with `dask scheduler`, and give "
            "the address that it prints, such as tcp://10.0.0.5:8786."
        ) from error
    with client:
        _check_versions(client)
        yield client


def _check_versions(client: Client) -> None:
    """Refuse workers that may not understand a job: they would die of it, one after the other."""
    here = version(PACKAGE)
    for worker, there in client.run(version, PACKAGE, on_error="return").items():
        if there != here:
            found = f"{PACKAGE} {there}" if isinstance(there, str) else f"no {PACKAGE}"
            raise LazyVosError(
                f"the dask worker {worker} has {found}, and this machine {here}: install the same "
                "version everywhere."
            )


def dashboard_of(client: Client) -> str | None:
    """Return where the workers can be watched; None without bokeh, which draws that page."""
    link: str | None = client.dashboard_link if find_spec("bokeh") is not None else None
    return link


def track_videos(client: Client, jobs: Iterable[Job]) -> Generator[Outcome, None, None]:
    """Track videos on the workers of a client, and yield what came of each when it is known.

    Nothing is raised for a video that fails, nor for one whose workers die again and again.
    """
    again: list[Job] = []
    for job, result in _results(client, jobs):
        if isinstance(result, _library().KilledWorker):
            again.append(job)
        else:
            yield _outcome(job, result)
    for job in again:
        for _, result in _results(client, [job]):
            yield _outcome(job, result)


def _results(client: Client, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome | Exception]]:
    """Submit all jobs, and yield each with what came of it, or why nothing did."""
    jobs = list(jobs)
    # Not pure: the same job, given again, is to be looked at again.
    futures = client.map(track_video, jobs, pure=False)
    submitted = dict(zip(futures, jobs, strict=True))
    for future in _library().as_completed(futures):
        try:
            yield submitted[future], future.result()
        except Exception as error:
            yield submitted[future], error


def _outcome(job: Job, result: Outcome | Exception) -> Outcome:
    if isinstance(result, Outcome):
        return result
    if isinstance(result, _library().KilledWorker):
        message = (
            "the process that tracked it died again and again, perhaps for lack of memory: run the "
            "same command with fewer workers or a smaller --size."
        )
    else:
        message = f"no worker could take it on ({type(result).__name__}: {result})."
    return Outcome(job.name, VideoState.FAILED, error=message)


def _library() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise LazyVosError(
            f"several workers need dask.distributed ({error}): "
            "pip install 'napari-lazyvos[cluster]', or give --workers 1."
        ) from error
    library: ModuleType = distributed
    return library

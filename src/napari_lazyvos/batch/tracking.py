"""Many videos, each tracked from its clicks without anybody watching.

A video is a `Job`, and `track_video` does it: here, or in any process that sees the same files. It
may be killed at any moment and called again, here or elsewhere: it goes on from the video's store,
and the result is the same. What is finished already is not touched.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import filelock

from napari_lazyvos.batch.job import Job
from napari_lazyvos.batch.outcome import Outcome, VideoState
from napari_lazyvos.batch.placing import all_placed, place_clicks
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import Event, Finished, FinishReason
from napari_lazyvos.lazy.plan import FORWARD, make_plan
from napari_lazyvos.lazy.report import (
    REPORT,
    export_all,
    export_places,
    make_report,
    write_report,
)
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store import atomic
from napari_lazyvos.store.ledger import Origin
from napari_lazyvos.store.store import DATABASE, Store
from napari_lazyvos.video import open_video

__all__ = ["OnEvent", "finished_before", "track_video"]

LOCK = "batch.lock"  # in the folder of a video: held by the process that tracks it
PATIENCE = 60.0  # seconds to wait for a process that lost its connection and still holds the lock

OnEvent: TypeAlias = Callable[[str, Event], object]
"""Called with the name of a video and each event of its run."""


def finished_before(job: Job) -> Outcome | None:
    """Return what came of a video that is finished; None if there is anything left to do.

    Loads no model. A video is finished if all its clicks are placed, every frame is tracked, and
    it was exported since anything changed in its store.
    """
    try:
        return _finished_before(job)
    except Exception:  # open elsewhere, or damaged: `track_video` says it
        return None


def track_video(job: Job, on_event: OnEvent | None = None) -> Outcome:
    """Track a video to its end and export it, from wherever an earlier attempt left it.

    Whatever goes wrong is in the outcome: nothing is raised, so that the other videos go on.

    Parameters
    ----------
    job : Job
    on_event : called in between; what it raises ends the attempt, and what was tracked is kept

    Returns
    -------
    Outcome
        Of `VideoState.FINISHED` or `VideoState.FAILED`.
    """
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        with _alone(job.folder):
            return finished_before(job) or _outcome(job, _track(job, on_event))
    except Exception as error:
        is_ours = isinstance(error, LazyVosError)
        message = str(error) if is_ours else f"{type(error).__name__}: {error}"
        return Outcome(job.name, VideoState.FAILED, error=message, worker=_this_process())


def _finished_before(job: Job) -> Outcome | None:
    report = job.folder / REPORT
    places = [path for _, path in export_places(job.folder, job.name, job.formats)]
    if not Store.exists(job.store) or not all(path.exists() for path in (report, *places)):
        return None
    with Store.open(job.store) as store:
        if not (all_placed(store, job.clicks) and _is_tracked(store) and _suits(store, job)):
            return None
    if (job.store / DATABASE).stat().st_mtime_ns > report.stat().st_mtime_ns:
        return None
    return _outcome(job, json.loads(report.read_text("utf-8")))


def _track(job: Job, on_event: OnEvent | None) -> dict[str, Any]:
    """Return the report of a video that is tracked to its end."""
    with (
        open_video(job.video) as video,
        Session(video, store=job.store, **job.methods) as session,
    ):
        _check_methods(session.store, job)
        place_clicks(session, job.clicks)
        finished = Finished(FinishReason.COMPLETED, 0, 0.0)
        if session.status.todo:  # perhaps there is only something to export
            finished = session.track(on_event=on_event and partial(on_event, job.name))
        report = make_report(session, finished) | {"worker": _this_process()}
        export_all(session, job.folder, job.formats)
    # Last, and newer than anything in the store: so `finished_before` knows that nothing followed.
    write_report(report, job.folder)
    return report


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from this video, and clear away what a killed one left half written.

    The lock goes with its process. One that lost its connection may hold it for a while still.
    """
    try:
        with filelock.FileLock(folder / LOCK, timeout=PATIENCE, poll_interval=0.2):
            for entry in folder.iterdir():
                if entry.name.startswith(atomic.PARTIAL):
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            yield
    except filelock.Timeout:
        raise LazyVosError(
            f"another process has been tracking into {folder} for {PATIENCE:.0f} s: wait for it, "
            "then run the same command again."
        ) from None


def _check_methods(store: Store, job: Job) -> None:
    """Refuse to go on with other methods; where nothing was tracked yet, take note of them."""
    if _suits(store, job):
        return
    origins = (store.ledger.origins(label) for label in store.ledger.labels)
    if any(((each != Origin.NONE) & (each != Origin.HUMAN)).any() for each in origins):
        raise LazyVosError(
            f"{store.path} was tracked with the tracker {store.metadata['tracker']!r} and the "
            f"refiner {store.metadata['refiner']!r}, or with other weights or another size: give "
            "the same options, or another --out."
        )
    store.set_metadata(store.metadata | _described(job))


def _suits(store: Store, job: Job) -> bool:
    """Tell whether a session was made with the methods of a job."""
    return all(store.metadata.get(name) == value for name, value in _described(job).items())


def _described(job: Job) -> dict[str, Any]:
    """Return the methods of a job that a session keeps."""
    names = ("tracker", "refiner", "tracker_options", "refiner_options")
    return {name: job.methods[name] for name in names if name in job.methods}


def _is_tracked(store: Store) -> bool:
    return not len(make_plan(store.ledger, FORWARD, 0).frames)


def _outcome(job: Job, report: Mapping[str, Any]) -> Outcome:
    numbers = {name: report[name] for name in ("frames", "tracked", "seconds", "fps")}
    calls, worker = len(report["calls"]), report.get("worker")
    return Outcome(job.name, VideoState.FINISHED, **numbers, calls=calls, worker=worker)


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"

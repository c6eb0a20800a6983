"""``lazyvos batch``: many videos, each from its clicks in a table, with nobody watching."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lazyvos.cli.methods import (
    AskAt,
    RefinerName,
    Size,
    TrackerName,
    TrackerOptions,
    WeightsNames,
    check_formats,
    choose_methods,
)
from napari_lazyvos.cli.options import Debug, Device, ExportFormats, Json, OutFolder
from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.batch.job import Job
    from napari_lazyvos.batch.outcome import Outcome, Summary
    from napari_lazyvos.cli.progress import VideosBar

__all__ = ["batch"]


def batch(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUTS", help="Videos, and folders of videos.")
    ],
    clicks: Annotated[
        Path,
        typer.Option(help="CSV with the columns video,label,t,y,x, and positive and name."),
    ],
    out: OutFolder,
    tracker: TrackerName = "compact",
    refiner: RefinerName = "compact",
    weights: WeightsNames = None,
    tracker_option: TrackerOptions = None,
    device: Device = "auto",
    size: Size = 480,
    ask_at: AskAt = None,
    export: ExportFormats = [],  # noqa: B006  typer reads it, nobody writes it
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Videos at once; by default one for each CUDA device."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of this dask scheduler."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Track many videos, each from its clicks in a table.

    Writes for each video DIR/NAME/masks/, report.json and the session NAME.lazyvos, and
    DIR/batch.json. Nobody is asked: calls for help wait for `lazyvos review DIR`. The same command,
    run again, does what is left.
    """
    if workers is not None and scheduler is not None:
        raise typer.BadParameter("give --workers or --scheduler: a scheduler has its own workers")
    check_formats(export)
    methods = choose_methods(
        tracker,
        refiner,
        weights=weights,
        tracker_option=tracker_option,
        device=device,
        size=size,
        ask_at=ask_at,
    )
    from napari_lazyvos.batch.job import make_jobs
    from napari_lazyvos.batch.outcome import Summary
    from napari_lazyvos.batch.tracking import finished_before

    jobs, left_out = make_jobs(inputs, clicks, out, methods=methods, formats=export)
    for name in left_out:
        typer.echo(f"{name} has no clicks in {clicks}: it is left out", err=True)
    out.mkdir(parents=True, exist_ok=True)
    summary = Summary(out, [job.name for job in jobs])
    summary.put(*(outcome for job in jobs if (outcome := finished_before(job)) is not None))
    try:
        _track(jobs, summary, workers=workers, scheduler=scheduler, quiet=as_json)
    except KeyboardInterrupt:
        raise LazyVosError(
            f"stopped with {len(summary.finished)} of {len(jobs)} videos done; they are kept, and "
            "so is each frame that was tracked: run the same command again to go on."
        ) from None
    if as_json:
        print(json.dumps(summary.content))
    else:
        _say_what_is_done(summary, out)
    for outcome in summary.failed:
        typer.echo(f"lazyvos: {outcome.video}: {outcome.error}", err=True)
    if summary.failed:
        raise typer.Exit(1)


def _track(
    jobs: Sequence[Job],
    summary: Summary,
    *,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Track the videos that are not finished, and note what has become of each."""
    from napari_lazyvos import trackers
    from napari_lazyvos.cli.progress import VideosBar

    finished = {outcome.video for outcome in summary.finished}
    todo = [job for job in jobs if job.name not in finished]
    if not todo:
        return
    methods = todo[0].methods
    # What is wrong with the tracker is said before anything takes long. This machine may be the
    # one of a cluster that has no GPU.
    trackers.load(methods["tracker"], device="cpu", **methods["tracker_options"])
    bar = VideosBar(len(jobs), len(finished), quiet=quiet)
    with bar.bars, closing(_outcomes(todo, bar, workers, scheduler)) as outcomes:
        for outcome in outcomes:
            summary.put(outcome)
            bar.show_video(outcome.tracked or 0)


def _outcomes(
    todo: Sequence[Job], bar: VideosBar, workers: int | None, scheduler: str | None
) -> Generator[Outcome, None, None]:
    """Track videos in this process, or in others if there are several at once."""
    from napari_lazyvos.batch import cluster
    from napari_lazyvos.batch.tracking import track_video

    if scheduler is not None:
        connection = cluster.connect(scheduler)
    else:
        devices = cluster.find_devices(todo[0].methods["device"])
        count = workers or max(1, len(devices))
        if count == 1:
            yield from (track_video(job, bar.show_event) for job in todo)
            return
        connection = cluster.start_workers(min(count, len(todo)), devices)
    with connection as client:
        if (link := cluster.dashboard_of(client)) is not None:
            bar.say(f"the workers can be watched at {link}")
        yield from cluster.track_videos(client, todo)


def _say_what_is_done(summary: Summary, out: Path) -> None:
    finished = summary.finished
    typer.echo(f"{len(finished)} of {len(summary.outcomes)} videos are done, in {out}", err=True)
    calls = sum(outcome.calls for outcome in finished)
    if calls:
        asking = sum(outcome.calls > 0 for outcome in finished)
        typer.echo(
            f"{calls} call{'s' * (calls != 1)} for help in {asking} of them: "
            f"`lazyvos review {out}` shows one video after the other",
            err=True,
        )

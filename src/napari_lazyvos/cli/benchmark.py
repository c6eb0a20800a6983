"""``lazyvos benchmark``: measure a tracker on a data set."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lazyvos.cli.methods import (
    RefinerName,
    TrackerName,
    TrackerOptions,
    WeightsNames,
    choose_weights,
)
from napari_lazyvos.cli.options import (
    DatasetJobs,
    DatasetLayout,
    DatasetOnly,
    DatasetSplit,
    Debug,
    Device,
    HtmlFile,
    JsonFile,
    parse_values,
)
from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.benchmark.results import Report

__all__ = ["benchmark"]


def benchmark(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    layout: DatasetLayout,
    split: DatasetSplit = None,
    only: DatasetOnly = "",
    protocol: Annotated[
        str, typer.Option(help="svos, ivos, zivos or random; see the manual.")
    ] = "svos",
    tracker: TrackerName = "compact",
    refiner: RefinerName = "compact",
    weights: WeightsNames = None,
    tracker_option: TrackerOptions = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Such as tau_user=0.1."),
    ] = None,
    start: Annotated[
        str, typer.Option(help="What is given of an object at first: click or mask.")
    ] = "click",
    answer: Annotated[
        str, typer.Option(help="What a call for help is answered with: click or mask.")
    ] = "click",
    absence: Annotated[
        bool, typer.Option("--absence", help="Calls for absent objects are answered, too.")
    ] = False,
    spread: Annotated[
        float, typer.Option(help="0: clicks are on the centre; 0.5: about it, as people's are.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of all that is drawn by chance.")] = 0,
    calls_of: Annotated[
        Path | None,
        typer.Option(metavar="REPORT", help="For random: make as many corrections as this one."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="For ivos: how many.")] = 8,
    strategy: Annotated[str, typer.Option(help="For ivos: a1, a2 or a3.")] = "a3",
    clicks: Annotated[int, typer.Option(help="For ivos: most clicks per object and round.")] = 3,
    next_frame: Annotated[
        str, typer.Option(help="For ivos: worst, or suggested, as to a user without references.")
    ] = "worst",
    fusion: Annotated[
        str, typer.Option(help="For ivos: distance, mivos, none, or a file of MiVOS' weights.")
    ] = "distance",
    round_memory: Annotated[
        str, typer.Option(help="For ivos: all annotated frames, or that of the round: round.")
    ] = "all",
    most_objects: Annotated[
        int | None, typer.Option(help="Follow at most so many objects of a video.")
    ] = None,
    cells: Annotated[bool, typer.Option("--cells", help="Measure SEG, DET and TRA, too.")] = False,
    device: Device = "auto",
    jobs: DatasetJobs = 1,
    json: JsonFile = None,
    html: HtmlFile = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save all masks here, as PNG.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what the JSON file has, and measure the rest.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Measure a tracker on a data set, as the literature does.

    Prints a line for each video and the means. The JSON file is written after each video, so that
    a long run can be gone on with.
    """
    if (protocol == "random") != (calls_of is not None):
        raise typer.BadParameter("give --calls-of REPORT with --protocol random, and only with it")
    if resume and json is None:
        raise typer.BadParameter("give --json with --resume: that file is gone on with")
    chosen = choose_weights(weights, tracker, refiner)
    from napari_lazyvos import trackers
    from napari_lazyvos.benchmark.layouts import find_clips
    from napari_lazyvos.benchmark.play import play
    from napari_lazyvos.benchmark.results import Report
    from napari_lazyvos.benchmark.settings import Settings
    from napari_lazyvos.benchmark.versions import versions
    from napari_lazyvos.cli.measuring import measure_clips

    settings = Settings(
        protocol=protocol,  # type: ignore[arg-type]  # `Settings` checks it
        tracker=tracker,
        refiner=refiner,
        device=device,
        tracker_options=chosen["tracker"] | parse_values(tracker_option or []),
        refiner_options=chosen["refiner"],
        policy=parse_values(policy or []),
        start=start,  # type: ignore[arg-type]
        answer=answer,  # type: ignore[arg-type]
        absence=absence,
        spread=spread,
        seed=seed,
        calls=_calls_of(calls_of),
        rounds=rounds,
        strategy=strategy,  # type: ignore[arg-type]
        clicks=clicks,
        next_frame=next_frame,  # type: ignore[arg-type]
        fusion=fusion,
        round_memory=round_memory,  # type: ignore[arg-type]
        most_objects=most_objects,
        cells=cells,
    )
    # What is wrong with the methods is said before anything takes long.
    trackers.load(tracker, device=device, **settings.tracker_options)
    clips = find_clips(dataset, layout, split=split, only=only)
    about = {"dataset": dataset.name, "layout": layout, "split": split} | settings.described
    report = Report(about, versions())
    if resume and json is not None:
        report = _begun(json, report)
    work = partial(play, settings=settings, pictures=html is not None, masks=masks)
    measure_clips(report, clips, work, jobs=jobs, json=json, html=html)


def _calls_of(path: Path | None) -> dict[str, int]:
    """Return how many corrections an earlier run had in each sequence."""
    from napari_lazyvos.benchmark.results import Report

    if path is None:
        return {}
    return {
        each.name: sum(len(own.corrections) for own in each.objects)
        for each in Report.read(path).sequences
    }


def _begun(path: Path, new: Report) -> Report:
    """Return the report in a file, if it is of the same settings; the new one if there is none."""
    from napari_lazyvos.benchmark.results import Report

    if not path.exists():
        return new
    old = Report.read(path)
    for name in new.settings:
        if old.settings.get(name) != new.settings[name]:
            raise LazyVosError(
                f"{path} was begun with {name} {old.settings.get(name)!r}, not "
                f"{new.settings[name]!r}: give the same options, or another --json."
            )
    return old

"""``lazyvos correlation``: whether a tracker's uncertainty tells how wrong its masks are."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_lazyvos.cli.measuring import check_failures
from napari_lazyvos.cli.methods import (
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

if TYPE_CHECKING:
    from napari_lazyvos.benchmark.clip import Clip
    from napari_lazyvos.benchmark.correlation import ObjectCorrelation, Study
    from napari_lazyvos.benchmark.runner import Work

__all__ = ["correlation"]


def correlation(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    layout: DatasetLayout,
    split: DatasetSplit = None,
    only: DatasetOnly = "",
    tracker: TrackerName = "compact",
    weights: WeightsNames = None,
    tracker_option: TrackerOptions = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="masked, by-predicted, by-reference, whole, total, epistemic or quality; may be "
            "repeated. All that the tracker can tell if left out.",
        ),
    ] = None,
    most_objects: Annotated[
        int | None, typer.Option(min=1, help="Follow at most so many objects of a video.")
    ] = None,
    device: Device = "auto",
    jobs: DatasetJobs = 1,
    json: JsonFile = None,
    html: HtmlFile = None,
    debug: Debug = False,
) -> None:
    """Correlate a tracker's uncertainty with how wrong its masks are, on videos with masks.

    Follows each object from its first mask without help. Prints, for each way to measure
    uncertainty, the rank correlation over the frames of an object: 1 is best, 0 is chance.
    """
    chosen = choose_weights(weights, tracker, "")["tracker"]
    from napari_lazyvos import trackers
    from napari_lazyvos.benchmark.correlation import Study, correlate
    from napari_lazyvos.benchmark.layouts import find_clips
    from napari_lazyvos.benchmark.variants import choose_variants
    from napari_lazyvos.benchmark.versions import versions

    options = chosen | parse_values(tracker_option or [])
    load = partial(trackers.load, tracker, device=device, **options)
    # What is wrong with the options is said before anything takes long.
    variants = choose_variants(variant or (), load())
    if html is not None:
        from napari_lazyvos.benchmark.html import check_libraries, write_study

        check_libraries()
    clips = find_clips(dataset, layout, split=split, only=only)
    about = {
        "dataset": dataset.name,
        "layout": layout,
        "split": split,
        "only": only,
        "tracker": tracker,
        "tracker_options": options,
        "variants": list(variants),
        "most_objects": most_objects,
        "device": device,
    }
    work = partial(correlate, load=load, variants=variants, most_objects=most_objects)
    study = _measure(Study(about, versions()), clips, work, jobs)
    _print_study(study)
    if json is not None:
        study.write(json)
    if html is not None:
        write_study(study, html)
    check_failures(study.failed)


def _measure(
    study: Study, clips: list[Clip], work: Work[tuple[ObjectCorrelation, ...]], jobs: int
) -> Study:
    from napari_lazyvos.benchmark.runner import Failure, each_clip
    from napari_lazyvos.cli.progress import frames_bar

    with frames_bar() as bar:
        task = bar.add_task(f"0 of {len(clips)} videos", total=None)
        outcomes = each_clip(clips, work, jobs=jobs, on_frame=lambda: bar.advance(task))
        with closing(outcomes):
            for done, outcome in enumerate(outcomes, start=1):
                if isinstance(outcome, Failure):
                    study = study.with_failure(outcome.name, outcome.message)
                else:
                    study = study.with_objects(outcome)
                bar.update(task, description=f"{done} of {len(clips)} videos")
    return study


def _print_study(study: Study) -> None:
    from napari_lazyvos.benchmark.variants import VARIANTS

    shown = Table(box=None)
    shown.add_column("")
    for title in ("median", "quartiles", "objects"):
        shown.add_column(title, justify="right")
    shown.add_column("")
    for name in study.variants:
        low, median, high = study.quartiles(name)
        count = len(study.correlations(name))
        numbers = (f"{median:.3f}", f"{low:.3f} to {high:.3f}") if count else ("-", "-")
        shown.add_row(f"[bold]{name}", *numbers, str(count), VARIANTS[name].title)
    Console(highlight=False).print(shown)

"""A benchmark on a terminal: a bar, a line for each video, and the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.benchmark.clip import Clip
    from napari_lazyvos.benchmark.results import Report, SequenceResult
    from napari_lazyvos.benchmark.runner import Work

__all__ = ["check_failures", "measure_clips", "print_report"]

SHOWN = ("J&F", "J", "F", "R@0.5", "NoC", "frames/s")  # of each sequence


def measure_clips(
    report: Report,
    clips: Sequence[Clip],
    work: Work[SequenceResult],
    *,
    jobs: int,
    json: Path | None,
    html: Path | None,
) -> None:
    """Measure the clips that a report does not have yet; print and write it.

    Parameters
    ----------
    report : what is known already
    clips : of the data set
    work : what is done with each
    jobs : processes
    json, html : where the report is written

    Raises
    ------
    LazyVosError
        If a clip failed; the others are in the report all the same.
    """
    from napari_lazyvos.benchmark.runner import Failure, each_clip
    from napari_lazyvos.cli.progress import frames_bar

    if html is not None:
        from napari_lazyvos.benchmark.html import check_libraries

        check_libraries()  # not after hours
    known = {each.name for each in report.sequences}
    left = [clip for clip in clips if clip.name not in known]
    with frames_bar() as bar:
        task = bar.add_task(f"{len(known)} of {len(clips)} videos", total=None)
        outcomes = each_clip(left, work, jobs=jobs, on_frame=lambda: bar.advance(task))
        with closing(outcomes):
            for outcome in outcomes:
                if isinstance(outcome, Failure):
                    report = report.with_failure(outcome.name, outcome.message)
                else:
                    report = report.with_sequence(outcome)
                if json is not None:
                    report.write(json)
                done = len(report.sequences) + len(report.failed)
                bar.update(task, description=f"{done} of {len(clips)} videos")
    print_report(report)
    if json is not None:
        report.write(json)
    if html is not None:
        from napari_lazyvos.benchmark.html import write_html

        write_html(report, html)
    check_failures(report.failed)


def check_failures(failed: Mapping[str, str]) -> None:
    """Name every video that could not be measured, with what was wrong, if there is any.

    Raises
    ------
    LazyVosError
    """
    if failed:
        told = (f"{name} could not be measured: {why.rstrip('.')}" for name, why in failed.items())
        raise LazyVosError(f"{'; '.join(told)}.")


def print_report(report: Report) -> None:
    """Print a line for each sequence, and all means."""
    from napari_lazyvos.benchmark.means import MEASURES, means

    table = Table(box=None)
    table.add_column("video", overflow="fold")
    for name in SHOWN:
        table.add_column(name, justify="right")
    for each in report.sequences:
        own = means([each])
        table.add_row(each.name, *(_number(name, own.get(name)) for name in SHOWN))
    console = Console(highlight=False)
    console.print(table)
    summary = Table(box=None, show_header=False, title_justify="left")
    for name, value in report.means.items():
        summary.add_row(f"[bold]{name}", _number(name, value), MEASURES[name])
    console.print()
    console.print(summary)
    unjudged = sum(not each.judged for each in report.sequences)
    if unjudged:
        typer.echo(
            f"{unjudged} videos have references of first frames only: their masks can be saved "
            "with --masks, but not judged here.",
            err=True,
        )


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if name == "NoC" else f"{value:.3f}" if value < 10 else f"{value:.1f}"

"""``lazyvos calibrate``: find when a tracker should ask, from videos whose masks are known."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_lazyvos.cli.options import Debug, Device

if TYPE_CHECKING:
    import numpy as np
    from rich.progress import Progress

    from napari_lazyvos.benchmark.calibration import Course, Observations
    from napari_lazyvos.models.thresholds import Thresholds
    from napari_lazyvos.trackers.protocol import Tracker

__all__ = ["calibrate"]


def calibrate(
    tracker: Annotated[str, typer.Argument(help="Method that follows objects.")],
    videos: Annotated[
        Path | None, typer.Argument(help="A video, or a folder of videos.", show_default=False)
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Argument(
            help="Its masks (a folder of label pictures, or a TIFF stack), or a folder with the "
            "masks of each video under the video's name.",
            show_default=False,
        ),
    ] = None,
    calls: Annotated[
        float | None,
        typer.Option(
            min=0, help="Most calls for help in 1000 frames; without: the best trade-off."
        ),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Track at most so many frames of each video.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Return to the thresholds of the package.")
    ] = False,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Find from which uncertainty a tracker should ask for help, on videos with masks.

    Tracks the videos without help, compares each mask with yours, and prints how often the tracker
    would have called, how many calls were right, and how many slips were found. What is chosen
    holds from then on.
    """
    if forget:
        if videos is not None:
            raise typer.BadParameter("give --forget without videos")
        _forget(tracker)
        return
    if videos is None or masks is None:
        raise typer.BadParameter("give the videos and their masks: TRACKER VIDEOS MASKS")
    from napari_lazyvos import trackers
    from napari_lazyvos.benchmark.calibration import choose_thresholds, observe
    from napari_lazyvos.cli.progress import frames_bar

    def load() -> Tracker:
        return trackers.load(tracker, device=device)

    load()  # what is wrong with it is said before anything takes long
    pairs = _checked_pairs(videos, masks)
    with frames_bar() as bar:
        observed = observe([_track(load(), *pair, frames, bar) for pair in pairs])
    _print_table(len(pairs), observed)
    chosen = choose_thresholds(observed, calls=calls)
    _print_choice(observed, chosen)
    if not dry_run:
        _store(tracker, chosen)


def _checked_pairs(videos: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Match videos with masks, and look at all of them before the first one is tracked."""
    from napari_lazyvos.benchmark.truths import Truths, find_pairs
    from napari_lazyvos.video import open_video

    pairs, alone = find_pairs(videos, masks)
    for name in alone:
        typer.echo(f"{name} has no masks: it is left out", err=True)
    for video, own in pairs:
        with open_video(video) as opened:
            Truths(own, opened).close()
    return pairs


def _track(
    tracker: Tracker, path: Path, masks: Path, frames: int | None, bar: Progress
) -> list[Course]:
    """Track one video without help, from the first frame that has a mask."""
    from napari_lazyvos.benchmark.calibration import follow
    from napari_lazyvos.benchmark.truths import Truths
    from napari_lazyvos.video import ahead, open_video

    with open_video(path) as video, closing(Truths(masks, video)) as truths:
        stop = video.frames or 0
        if frames is not None:
            stop = min(stop, truths.first + frames)
        task = bar.add_task(video.name, total=stop - truths.first)

        def moments() -> Generator[tuple[np.ndarray, np.ndarray | None], None, None]:
            with closing(ahead(video, range(truths.first, stop))) as decoded:
                for t, frame in decoded:
                    yield frame, truths.at(t)
                    bar.advance(task)

        with closing(moments()) as seen:
            return follow(tracker, seen)


def _print_table(videos: int, observed: Observations) -> None:
    """Print what would have come of some thresholds."""
    from napari_lazyvos.benchmark.calibration import tabulate

    typer.echo(
        f"{videos} video{'s' * (videos != 1)}, {observed.frames} tracked frames, "
        f"{len(observed.scores)} masks; "
        f"{observed.slips.sum()} slips in {observed.judged.sum()} that could be judged"
    )
    shown = Table(box=None)
    for title in ("rise", "calls in 1000 frames", "calls that were right", "slips found"):
        shown.add_column(title, justify="right")
    table = tabulate(observed)
    for rise, calls, right, found in zip(
        table.thresholds, table.calls, table.right, table.found, strict=True
    ):
        shown.add_row(f"{rise:.3f}", f"{calls:.1f}", _percent(right), _percent(found))
    Console(highlight=False).print(shown)


def _print_choice(observed: Observations, chosen: Thresholds) -> None:
    """Print the thresholds, and what would have come of them."""
    import numpy as np

    from napari_lazyvos.benchmark.calibration import tabulate

    typer.echo(f"ask for help from a rise of         {_value(chosen.tau_user)} (tau_user)")
    typer.echo(f"correct itself from a rise of       {_value(chosen.tau_pseudo)} (tau_pseudo)")
    typer.echo(f"remember no frame from a score of   {_value(chosen.tau_memory)} (tau_memory)")
    if chosen.tau_memory is not None:
        high = int((observed.scores >= chosen.tau_memory).sum())
        typer.echo(f"of {len(observed.scores)} masks {high} have such a score")
    if chosen.tau_user is None:
        return
    row = tabulate(observed, np.array([chosen.tau_user]))
    right = "" if math.isnan(row.right[0]) else f", {_percent(row.right[0])} of them right"
    found = "" if math.isnan(row.found[0]) else f", {_percent(row.found[0])} of the slips found"
    typer.echo(f"that is {row.calls[0]:.1f} calls in 1000 frames{right}{found}")


def _value(threshold: float | None) -> str:
    return "never" if threshold is None else f"{threshold:.3f}"


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"


def _store(tracker: str, chosen: Thresholds) -> None:
    from napari_lazyvos.models.thresholds import store_thresholds

    path = store_thresholds(tracker, chosen)
    typer.echo(f"stored in {path}", err=True)
    typer.echo(f"to undo that: lazyvos calibrate {tracker} --forget", err=True)


def _forget(tracker: str) -> None:
    from napari_lazyvos.models.thresholds import forget_thresholds, place_of

    there = forget_thresholds(tracker)
    done = "deleted" if there else "nothing to forget: there is no file"
    typer.echo(f"{done} {place_of(tracker)}", err=True)

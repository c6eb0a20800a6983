"""``lazyvos compare``: whether two reports differ by more than chance."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_lazyvos.cli.options import Debug, Json

if TYPE_CHECKING:
    from napari_lazyvos.benchmark.compare import Comparison

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="A report of lazyvos benchmark.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="Another one.")],
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Such as 'J&F'; all if left out; may be repeated."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Tell whether two reports differ by more than chance, on the videos that both have.

    The interval is that of a paired bootstrap over videos, the same resamples each time.
    """
    from napari_lazyvos.benchmark.compare import compare as compare_reports
    from napari_lazyvos.benchmark.results import Report

    found = compare_reports(Report.read(first), Report.read(second), measures=measure or ())
    if as_json:
        content = asdict(found)
        for row, each in zip(content["differences"], found.differences, strict=True):
            row |= {"difference": each.difference, "verdict": each.verdict}
        print(json.dumps(content))
        return
    _print_settings(found, first, second)
    _print_differences(found)


def _print_settings(found: Comparison, first: Path, second: Path) -> None:
    """Print what is compared, and in which settings the two differ."""
    typer.echo(
        f"{_count(found.sequences, 'video')} and {_count(found.objects, 'object')} that both have; "
        f"left out: {_count(found.sequences_left_out, 'video')}, and "
        f"{_count(found.objects_left_out, 'object')} of the others"
    )
    shown = Table(box=None)
    for title in ("", f"A: {escape(first.name)}", f"B: {escape(second.name)}"):
        shown.add_column(title)
    for name, values in found.settings.items():
        shown.add_row(escape(name), *(escape(json.dumps(value)) for value in values))
    if found.settings:
        Console(highlight=False).print(shown)


def _print_differences(found: Comparison) -> None:
    shown = Table(box=None)
    shown.add_column("")
    for title in ("A", "B", "95 % of B - A", "p"):
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("")
    for each in found.differences:
        shown.add_row(
            f"[bold]{each.measure}",
            f"{each.first:.3f}",
            f"{each.second:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{each.p:.3f}" if each.p >= 0.001 else "< 0.001",
            each.verdict,
        )
    Console(highlight=False).print(shown)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"

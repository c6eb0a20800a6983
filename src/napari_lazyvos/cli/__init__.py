"""The command line: ``lazyvos demo``, ``track``, ``batch``, ``review`` and others.

Exit status: 0 done, 1 failed or stopped, 2 the command was not understood.
"""

from __future__ import annotations

import json
import sys
import traceback

import typer

from napari_lazyvos.cli.batch import batch
from napari_lazyvos.cli.benchmark import benchmark
from napari_lazyvos.cli.calibrate import calibrate
from napari_lazyvos.cli.compare import compare
from napari_lazyvos.cli.correlation import correlation
from napari_lazyvos.cli.demo import demo
from napari_lazyvos.cli.export import export
from napari_lazyvos.cli.info import info
from napari_lazyvos.cli.models import models
from napari_lazyvos.cli.review import review
from napari_lazyvos.cli.score import score
from napari_lazyvos.cli.track import track
from napari_lazyvos.errors import LazyVosError

__all__ = ["app", "main"]

app = typer.Typer(
    name="lazyvos",
    help="Click an object once, and follow it through a video.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # `main` says errors in one sentence
)
commands = (
    *(demo, track, batch, review, export, info),
    *(calibrate, benchmark, score, compare, correlation),
)
for command in commands:
    app.command()(command)
app.add_typer(models)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and exit.

    Parameters
    ----------
    arguments : list of str, optional
        Instead of those of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app(arguments)
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        elif isinstance(error, LazyVosError):
            print(f"lazyvos: {error}", file=sys.stderr)
        else:
            kind = type(error).__name__
            print(f"lazyvos: {kind}: {error} (--debug shows where)", file=sys.stderr)
        if "--json" in arguments:
            print(json.dumps({"error": str(error)}))
        sys.exit(1)

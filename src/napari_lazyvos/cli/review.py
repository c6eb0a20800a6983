"""``lazyvos review``: answer the calls for help of a batch, one video after the other."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from napari_lazyvos.cli.options import Debug, Json
from napari_lazyvos.errors import LazyVosError

__all__ = ["review"]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A video with open calls for help."""

    store: Path
    calls: int
    rise: float  # the greatest of its calls

    @property
    def name(self) -> str:
        return self.store.stem


def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of `lazyvos batch`.")],
    only_list: Annotated[
        bool, typer.Option("--list", help="Say which videos wait, and open none.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show the next video of a batch that calls for help, in napari.

    The next one is that with the greatest rise of uncertainty. What you answer is kept when napari
    is closed; the same `lazyvos batch` command then tracks and exports what it changed.
    """
    waiting = _find_waiting(folder)
    if as_json:
        print(json.dumps([{"video": each.name, "calls": each.calls} for each in waiting]))
        return
    _say_what_waits(waiting)
    if only_list:
        for each in waiting:
            typer.echo(f"{each.name}\t{each.calls}")
        return
    if not waiting:
        return
    typer.echo(f"{waiting[0].name} is opened; close napari when you are done", err=True)
    # napari lives in a process of its own: this room knows nothing of Qt.
    command = [sys.executable, "-m", "napari_lazyvos.gui.review", str(waiting[0].store)]
    status = subprocess.run(command).returncode
    if status:
        sys.exit(status)
    _say_what_waits(_find_waiting(folder))
    typer.echo("the same `lazyvos batch` command tracks and exports what you changed", err=True)


def _find_waiting(folder: Path) -> list[_Waiting]:
    """Return the videos with open calls, the greatest rise first."""
    from napari_lazyvos.lazy.calls import open_calls
    from napari_lazyvos.store.store import Store

    stores = sorted(path for path in folder.glob("*/*.lazyvos") if Store.exists(path))
    if not stores:
        raise LazyVosError(
            f"{folder} holds no results of a batch: give the folder that `lazyvos batch` was told "
            "with --out."
        )
    waiting = []
    for path in stores:
        try:
            with Store.open(path) as store:
                calls = open_calls(store.ledger)
        except Exception as error:  # open elsewhere, or damaged: the others can be reviewed
            typer.echo(f"{path.stem} is left out: {error}", err=True)
            continue
        if calls:
            waiting.append(_Waiting(path, len(calls), calls[0].rise))
    return sorted(waiting, key=lambda each: (-_known(each.rise), each.name))


def _known(rise: float) -> float:
    return 0.0 if math.isnan(rise) else rise


def _say_what_waits(waiting: list[_Waiting]) -> None:
    if not waiting:
        typer.echo("no video waits for help", err=True)
        return
    calls = sum(each.calls for each in waiting)
    typer.echo(
        f"{len(waiting)} video{'s' * (len(waiting) != 1)} with {calls} "
        f"call{'s' * (calls != 1)} for help",
        err=True,
    )

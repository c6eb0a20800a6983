"""``lazyvos models``: weights that others have published."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from napari_lazyvos.cli.options import Debug, Json
from napari_lazyvos.errors import LazyVosError

if TYPE_CHECKING:
    from napari_lazyvos.models.catalogue import Entry

__all__ = ["models"]

models = typer.Typer(
    name="models",
    help="List, download and check weights that others have published.",
    no_args_is_help=True,
)


@models.command("list")
def list_(as_json: Json = False, debug: Debug = False) -> None:
    """Say what is published, how large it is, under which licence, and what is installed."""
    from napari_lazyvos.models import cache
    from napari_lazyvos.models.catalogue import entries, of_method

    if as_json:
        rows = [
            asdict(each)
            | {"default": each == of_method(each.method)[0], "installed": cache.is_installed(each)}
            for each in entries()
        ]
        print(json.dumps({"folder": str(cache.folder()), "models": rows}))
        return
    console = Console(highlight=False)
    for _, group in groupby(entries(), lambda each: each.method):
        files = list(group)
        console.print(f"[bold]{files[0].kind} {files[0].method}[/]: {files[0].publication}")
        console.print(_licences(files[0]))
        table = Table(show_header=False, box=None, pad_edge=True)
        for each in files:
            here = "installed" if cache.is_installed(each) else ""
            title = f"{each.title} (default)" if each is files[0] else each.title
            table.add_row(Text(each.name, no_wrap=True), each.how_large, here, title)
        console.print(table)
    typer.echo(f"Folder: {cache.folder()}")


@models.command()
def download(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="As `list` shows them.")],
    debug: Debug = False,
) -> None:
    """Download weights; Ctrl-C keeps what has arrived, and the next download goes on from there."""
    from napari_lazyvos.models.catalogue import find

    for entry in [find(name) for name in names]:  # all are known before the first one begins
        _download(entry)


@models.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Without: all installed ones.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Read installed weights in full, and compare them with their checksums."""
    from napari_lazyvos.models import cache
    from napari_lazyvos.models.catalogue import entries, find

    chosen = [find(name) for name in names or ()] or [*filter(cache.is_installed, entries())]
    if not chosen:
        typer.echo(f"nothing is installed in {cache.folder()}", err=True)
    wrong = False
    for entry in chosen:
        try:
            typer.echo(f"{cache.verified(entry, anew=True)}: {_vouched(entry)}")
        except LazyVosError as error:
            wrong = True
            typer.echo(f"lazyvos: {error}", err=True)
    if wrong:
        raise typer.Exit(1)


@models.command()
def path(
    name: Annotated[
        str | None, typer.Argument(help="As `list` shows it; without it, the folder.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Print the folder of the weights, or the file of one of them."""
    from napari_lazyvos.models import cache
    from napari_lazyvos.models.catalogue import find

    typer.echo(cache.folder() if name is None else cache.verified(find(name)))


@models.command()
def add(
    file: Annotated[Path, typer.Argument(help="A file of weights, got in another way.")],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Which one it is, as `list` shows.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Copy weights into the folder, after a look whether they are what they should be."""
    from napari_lazyvos.models import cache

    entry = cache.add(file, name)
    typer.echo(f"{cache.place(entry)}: {_vouched(entry)}", err=True)


def _download(entry: Entry) -> None:
    from napari_lazyvos.models import download as downloads

    typer.echo(f"{entry.title}: {entry.publication}", err=True)
    typer.echo(_licences(entry), err=True)
    typer.echo(f"{entry.how_large} from {entry.url}", err=True)
    bar = Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    try:
        with bar:
            task = bar.add_task(entry.file, total=None)
            file = downloads.download(
                entry, lambda done, total: bar.update(task, completed=done, total=total)
            )
    except KeyboardInterrupt:
        kept = decimal(downloads.arrived(entry))
        raise LazyVosError(
            f"stopped: {kept} of {entry.file} are kept, and the next download goes on from there."
        ) from None
    typer.echo(f"{file}: {_vouched(entry)}", err=True)


def _licences(entry: Entry) -> str:
    return f"licence of the code: {entry.code_licence}; of the weights: {entry.weights_licence}"


def _vouched(entry: Entry) -> str:
    """Say what a file was compared with."""
    if entry.sha256:
        return "its SHA-256 is the published one"
    return "its authors publish no SHA-256; the one of the first use is recorded, and must stay"

"""``lazyvos demo``: one click on a beating heart, tracked, without a download."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_lazyvos.cli.options import Debug

__all__ = ["demo"]

VENTRICLE = (0, 105.0, 175.0)  # frame, row, column: inside the left ventricle


def demo(
    gui: Annotated[bool, typer.Option("--gui", help="Open it in napari instead.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "demo-output"
    ),
    debug: Debug = False,
) -> None:
    """Track the left ventricle in a real ultrasound clip from one click.

    Writes the masks, overlay.gif and overlay.png to the folder; runs again from the start.
    """
    if gui:
        # napari lives in a process of its own: this room knows nothing of Qt.
        sys.exit(subprocess.run([sys.executable, "-m", "napari_lazyvos.gui.demo"]).returncode)
    from napari_lazyvos.cli.overlay import write_overlay
    from napari_lazyvos.cli.progress import follow
    from napari_lazyvos.lazy.session import Session
    from napari_lazyvos.store.store import Store
    from napari_lazyvos.video import open_video, samples

    store = out / "heart.lazyvos"
    if Store.exists(store):
        Store.remove(store)
    with open_video(samples.echocardiogram()) as video, Session(video, store=store) as session:
        typer.echo(f"one click at (frame, row, column) = {VENTRICLE}", err=True)
        session.click(*VENTRICLE)
        follow(session, None, None, "forward", quiet=False)
        session.export("png", out / "masks", overwrite=True)
        write_overlay(session, out)
    typer.echo(f"Look at {out / 'overlay.gif'} and {out / 'overlay.png'}", err=True)
    typer.echo("See it in napari:  lazyvos demo --gui", err=True)

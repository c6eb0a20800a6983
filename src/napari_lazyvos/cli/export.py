"""``lazyvos export``: write a session in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lazyvos.cli.options import Debug, Overwrite

__all__ = ["export"]


def export(
    store: Annotated[Path, typer.Argument(help="Folder of a session, NAME.lazyvos.")],
    format: Annotated[str, typer.Option(help="png, tif, ome-zarr, coco, ctc or csv.")],
    out: Annotated[Path, typer.Option("--out", help="File or folder to write.")],
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write the masks of a session, finished or not, in another format.

    Intensities in the table come from the session's video, if it is still where it was.
    """
    from napari_lazyvos.errors import LazyVosError
    from napari_lazyvos.store.export import export as write
    from napari_lazyvos.store.store import Store
    from napari_lazyvos.video import open_video

    with Store.open(store) as opened:
        described = opened.metadata.get("video", {})
        video = None
        if described.get("what") is not None:
            try:
                video = open_video(**described)
            except LazyVosError as error:
                typer.echo(f"without intensities: {error}", err=True)
        raw = None if video is None else video.raw
        path = write(opened, format, out, overwrite=overwrite, raw=raw)
        if video is not None:
            video.close()
    typer.echo(f"wrote {path}", err=True)

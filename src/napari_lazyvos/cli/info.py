"""``lazyvos info``: what is installed, what a session or a video holds."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from napari_lazyvos import __version__
from napari_lazyvos.cli.options import Debug, Json

__all__ = ["info"]


def info(
    what: Annotated[
        Path | None, typer.Argument(help="A session or a video; without it, the installation.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is installed, or what a session or a video holds."""
    facts = _installation() if what is None else _content(what)
    if as_json:
        print(json.dumps(facts))
        return
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        table.add_row(name, shown)
    Console().print(table)


def _installation() -> dict[str, Any]:
    import torch

    from napari_lazyvos import refine, trackers
    from napari_lazyvos.store.export import FORMATS

    mps = torch.backends.mps.is_available()
    return {
        "lazyvos": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "devices": ["cpu", *["cuda"] * torch.cuda.is_available(), *["mps"] * mps],
        "trackers": list(trackers.names()),
        "refiners": list(refine.names()),
        "exports": list(FORMATS),
    }


def _content(path: Path) -> dict[str, Any]:
    from napari_lazyvos.store.ledger import State
    from napari_lazyvos.store.store import Store
    from napari_lazyvos.video import open_video

    if not Store.exists(path):
        with open_video(path) as video:
            return {
                "video": video.name,
                "frames": video.frames,
                "height": video.height,
                "width": video.width,
                "channels": video.source.channels,
                "dtype": str(video.source.dtype),
            }
    with Store.open(path) as store:
        labels = list(store.document.objects)
        tracked = {
            str(label): int((store.ledger.states(label) == State.TRACKED).sum()) for label in labels
        }
        return {
            "session": str(path),
            "frames": store.frames,
            "height": store.height,
            "width": store.width,
            "objects": labels,
            "frames with a mask": tracked,
            "clicks": len(store.document.clicks),
            "tracker": store.metadata.get("tracker"),
            "refiner": store.metadata.get("refiner"),
        }

"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

__all__ = [
    "ClickOption",
    "DatasetJobs",
    "DatasetLayout",
    "DatasetOnly",
    "DatasetSplit",
    "Debug",
    "Device",
    "ExportFormats",
    "HtmlFile",
    "Json",
    "JsonFile",
    "Overwrite",
    "parse_click",
    "parse_limits",
    "parse_others",
    "parse_values",
    "parse_weights",
]


@dataclass(frozen=True, slots=True)
class ClickOption:
    """A click as it is typed."""

    t: int
    y: float
    x: float
    label: int = 1
    positive: bool = True


def parse_click(text: str) -> ClickOption:
    """Read ``T,Y,X[,LABEL[,-]]``."""
    parts = [part.strip() for part in text.split(",")]
    signs = {"-": False, "+": True}
    try:
        if not 3 <= len(parts) <= 5 or (len(parts) == 5 and parts[4] not in signs):
            raise ValueError
        label = int(parts[3]) if len(parts) > 3 else 1
        positive = signs[parts[4]] if len(parts) > 4 else True
        return ClickOption(int(parts[0]), float(parts[1]), float(parts[2]), label, positive)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no click: write T,Y,X or T,Y,X,LABEL or T,Y,X,LABEL,- (frame, row, "
            "column, object, minus for a negative click), such as 0,108,175"
        ) from None


def parse_others(texts: list[str]) -> dict[str, Any]:
    """Read ``AXIS=INDEX`` or ``AXIS=max``."""
    others: dict[str, Any] = {}
    for text in texts:
        axis, _, pick = text.partition("=")
        if not axis or not (pick == "max" or pick.isdigit()):
            raise typer.BadParameter(
                f"{text!r}: write AXIS=INDEX or AXIS=max, such as Z=4 or Z=max"
            )
        others[axis.upper()] = pick if pick == "max" else int(pick)
    return others


def parse_limits(text: str | None) -> tuple[float, float] | None:
    """Read ``LOW,HIGH``."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r}: write LOW,HIGH, such as 100,4095") from None
    return low, high


def parse_values(texts: list[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE``, each value a number, true, false, none or a word."""
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise typer.BadParameter(f"{text!r}: write NAME=VALUE, such as tau_user=0.1")
        try:
            values[name] = json.loads({"none": "null"}.get(value.lower(), value.lower()))
        except ValueError:
            values[name] = value
    return values


def parse_weights(names: list[str], tracker: str, refiner: str) -> dict[str, list[str]]:
    """Tell which weights are for which method.

    Parameters
    ----------
    names : of the catalogue
    tracker, refiner : the methods that were chosen

    Returns
    -------
    dict with the keys "tracker", of which several make an ensemble, and "refiner"
    """
    from napari_lazyvos import trackers
    from napari_lazyvos.models.catalogue import entries

    known = {entry.name: entry for entry in entries()}
    method = {"tracker": trackers.weights_of(tracker), "refiner": refiner}
    found: dict[str, list[str]] = {kind: [] for kind in method}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"no weights {name!r}: choose from {', '.join(known)}")
        entry = known[name]
        if entry.kind not in method:
            raise typer.BadParameter(f"the weights {name} are of no tracker and no refiner")
        if method[entry.kind] != entry.method:
            raise typer.BadParameter(
                f"the weights {name} are of the {entry.kind} {entry.method}: add "
                f"--{entry.kind} {entry.method}"
            )
        found[entry.kind].append(name)
    if len(found["refiner"]) > 1:
        raise typer.BadParameter(f"give weights of the refiner {refiner} once")
    return found


Device: TypeAlias = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or mps.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are there.")
]
ExportFormats: TypeAlias = Annotated[
    list[str],
    typer.Option("--export", metavar="FORMAT", help="Also write: tif, ome-zarr, coco, ctc, csv."),
]
OutFolder: TypeAlias = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
DatasetLayout: TypeAlias = Annotated[
    str, typer.Option("--layout", help="How its files lie, such as davis2017 or folder.")
]
DatasetSplit: TypeAlias = Annotated[
    str | None, typer.Option("--split", help="Such as val; the layout's own if left out.")
]
DatasetOnly: TypeAlias = Annotated[
    str, typer.Option("--only", metavar="TEXT", help="Only videos whose name contains this.")
]
DatasetJobs: TypeAlias = Annotated[int, typer.Option("--jobs", min=1, help="Videos at once.")]
JsonFile: TypeAlias = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
]
HtmlFile: TypeAlias = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a report with plots.")
]

"""What is to be said about a model: looks at its file, and never into it."""

from __future__ import annotations

from rich.filesize import decimal

from napari_lazyvos.gui.errand import Arrived
from napari_lazyvos.gui.pace import Pace
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import Entry, of_method
from napari_lazyvos.models.download import arrived

__all__ = [
    "HEADINGS",
    "advice",
    "facts",
    "forbidden",
    "how_much",
    "licences",
    "progress",
    "size",
    "state",
]

HEADINGS = ("Paper", "Licences", "File", "Check")
UNITS = ((10**9, "GB", 1), (10**6, "MB", 0), (10**3, "kB", 0))  # bytes, name, decimals


def state(entry: Entry) -> str:
    """Return whether a model is here: ``installed``, ``41 of 249 MB`` or ``not installed``."""
    if cache.is_installed(entry):
        return "installed"
    part = arrived(entry)
    return how_much(part, entry.size or entry.size_about) if part else "not installed"


def how_much(done: int, total: int | None) -> str:
    """Return two sizes in one unit: ``41 of 249 MB``; the first alone if that is all."""
    if not total:
        return decimal(done, precision=0)
    for unit, name, decimals in UNITS:
        if total >= unit:
            return f"{done / unit:.{decimals}f} of {total / unit:.{decimals}f} {name}"
    return f"{done} of {total} bytes"


def progress(now: Arrived, pace: Pace) -> str:
    """Return how far a download is: ``41 of 249 MB, 3.2 MB/s, 1:05 left``."""
    if now.total is not None and now.done >= now.total:
        return "Checking the file…"
    speed = pace.per_second()
    how_fast = "" if speed is None else f", {decimal(int(speed))}/s{pace.time_left(now)}"
    return how_much(now.done, now.total) + how_fast


def size(entry: Entry) -> str:
    """Return how large a file is, in a few letters: ``43 MB``, or ``~249 MB`` if computed."""
    size = entry.size or entry.size_about
    if size is None:
        return "?"
    return ("" if entry.size else "~") + decimal(size, precision=1 if size >= 10**9 else 0)


def licences(entry: Entry) -> str:
    """Return both licences in a few words; what there is to add, `facts` say."""
    return f"code {_short(entry.code_licence)}, weights {_short(entry.weights_licence)}"


def facts(entry: Entry) -> dict[str, str]:
    """Return what there is to know of a model, by `HEADINGS`."""
    check = (
        "its SHA-256 must be the one that its authors publish"
        if entry.sha256
        else "no SHA-256 is published: that of your first file is recorded, and must not change"
    )
    about = (
        entry.publication,
        f"code: {entry.code_licence}; weights: {entry.weights_licence}",
        f"{entry.file}, {entry.how_large}, from {entry.site}",
        check,
    )
    return dict(zip(HEADINGS, about, strict=True))


def forbidden(entry: Entry) -> str:
    """Return why no program may download a model; nothing if one may."""
    return f"{entry.site} gives this file to people only" if entry.by_hand else ""


def advice(entry: Entry) -> str:
    """Return what can be done with a model, in one sentence."""
    if entry.by_hand and not cache.is_installed(entry):
        return (
            f"Open {entry.url} in a browser, save {entry.file} ({entry.how_large}), and press "
            "Use a file…"
        )
    if not cache.is_installed(entry):
        rest = "the rest of " if arrived(entry) else ""
        return f"Press Download to get {rest}{entry.name} ({entry.how_large}) from {entry.site}."
    used = next(filter(cache.is_installed, of_method(entry.method)))
    if used == entry:
        return f"Installed. The {entry.kind} {entry.method} uses it."
    return (
        f"Installed. The {entry.kind} {entry.method} uses {used.name}, unless you choose this one "
        "under Advanced."
    )


def _short(licence: str) -> str:
    return licence.partition(",")[0]

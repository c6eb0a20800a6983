"""Weights that others have published: where from, under which licence, how large."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.filesize import decimal

from napari_lazyvos.errors import LazyVosError

__all__ = ["TABLE", "Entry", "entries", "find", "find_file", "of_method"]

TABLE = Path(__file__).parent / "catalogue.toml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of weights."""

    name: str  # as it is typed
    file: str  # its name as published
    method: str  # the tracker, refiner or fusion that it belongs to
    kind: str  # "tracker", "refiner" or "fusion"
    title: str
    publication: str
    code_licence: str
    weights_licence: str
    url: str  # of the file, or of the page where a person gets it
    tensor: str  # is in every file of the method, and in those of no other
    by_hand: bool = False  # no program may download it
    size: int | None = None  # bytes, where published
    size_about: int | None = None  # bytes, where computed from the network
    sha256: str | None = None  # as published

    @property
    def site(self) -> str:
        """Where it comes from, in one word."""
        return urlsplit(self.url).netloc

    @property
    def how_large(self) -> str:
        """Its size in words."""
        if self.size is not None:
            return decimal(self.size)
        if self.size_about is not None:
            return f"about {decimal(self.size_about, precision=0)}"
        return "size unknown"


def entries() -> tuple[Entry, ...]:
    """Return the catalogue; the first entry of each method is its default."""
    found = []
    for method, shared in tomllib.loads(TABLE.read_text(encoding="utf-8")).items():
        files, folder = shared.pop("files"), shared.pop("url", "")
        for own in files:
            page = own.pop("page", None)
            place = {"url": page or folder + own["file"], "by_hand": page is not None}
            found.append(Entry(method=method, **place, **shared, **own))
    return tuple(found)


def of_method(method: str) -> tuple[Entry, ...]:
    """Return the entries of a method, its default first; none if it needs no download."""
    return tuple(entry for entry in entries() if entry.method == method)


def find(name: str) -> Entry:
    """Return the entry with this name.

    Raises
    ------
    LazyVosError
        If there is none.
    """
    for entry in entries():
        if entry.name == name:
            return entry
    raise LazyVosError(f"There are no weights {name!r}: choose one of {_names()}.")


def find_file(file: str) -> Entry:
    """Return the entry whose file is called so, whatever the case of its letters.

    Raises
    ------
    LazyVosError
        If there is none.
    """
    for entry in entries():
        if entry.file.lower() == file.lower():
            return entry
    raise LazyVosError(
        f"No published weights are called {file}: add --as NAME, where NAME is one of {_names()}."
    )


def _names() -> str:
    return ", ".join(entry.name for entry in entries())

"""Where an export goes: it appears when it is complete, and nothing is lost without a word."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.atomic import PARTIAL

__all__ = ["new_file", "new_folder"]


@contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a file to write, which moves to `path` at the end; an error leaves no trace.

    Raises
    ------
    LazyVosError
        If `path` is a folder, or a file and `overwrite` is False.
    """
    if path.is_dir():
        raise LazyVosError(f"{path} is a folder: give the name of a file.")
    if path.exists() and not overwrite:
        raise _taken(path)
    partial = _partial(path)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, entries: re.Pattern[str], *, overwrite: bool) -> Iterator[Path]:
    """Give a folder to fill, which moves to `path` at the end; an error leaves no trace.

    Parameters
    ----------
    path : what is there is replaced as a whole
    entries : names that an earlier export of this format may have left there
    overwrite : allow that

    Raises
    ------
    LazyVosError
        If `path` is a file, holds an earlier export and `overwrite` is False, or holds more.
    """
    if path.exists():
        _check_folder(path, entries, overwrite=overwrite)
    partial = _partial(path)
    partial.mkdir()
    try:
        yield partial
        _replace_folder(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_folder(path: Path, entries: re.Pattern[str], *, overwrite: bool) -> None:
    if not path.is_dir():
        raise LazyVosError(f"{path} is a file: give the name of a folder.")
    names = sorted(entry.name for entry in path.iterdir())
    foreign = [name for name in names if not entries.fullmatch(name)]
    if foreign:
        raise LazyVosError(
            f"{path} holds {foreign[0]!r}, which no export of this format wrote: choose an empty "
            "folder."
        )
    if names and not overwrite:
        raise _taken(path)


def _replace_folder(partial: Path, path: Path) -> None:
    # A folder cannot be moved over one that is not empty: the old one steps aside first.
    old = partial.with_name(partial.name + "-old")
    if path.exists():
        path.rename(old)
    partial.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays at the end, because libraries look at it.
    return path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")


def _taken(path: Path) -> LazyVosError:
    return LazyVosError(f"{path} exists already: choose another name, or use --overwrite.")

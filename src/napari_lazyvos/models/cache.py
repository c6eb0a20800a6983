"""The folder of published weights: what is in it, and whether it may be used."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pooch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import checksums
from napari_lazyvos.models.catalogue import Entry, find, find_file, of_method
from napari_lazyvos.store.atomic import PARTIAL

__all__ = [
    "FOLDER",
    "add",
    "check",
    "expected",
    "folder",
    "how_to_get",
    "is_installed",
    "place",
    "remove",
    "unfinished",
    "verified",
    "weights_for",
    "writing",
]

FOLDER = "LAZYVOS_MODELS"
"""The environment variable that names another folder than the system's cache."""


def folder() -> Path:
    """Return the folder of published weights; it need not be there yet."""
    if chosen := os.environ.get(FOLDER):
        return Path(chosen).expanduser().absolute()
    return Path(pooch.os_cache("napari-lazyvos")) / "models"


def place(entry: Entry) -> Path:
    """Return where a file is, or would be."""
    return folder() / entry.file


def unfinished(entry: Entry) -> Path:
    """Return where a download keeps what has arrived so far."""
    return folder() / f"{entry.file}.part"


def is_installed(entry: Entry) -> bool:
    """Whether a file is there; `verified` says whether it is the right one."""
    return place(entry).is_file()


def weights_for(name: str) -> Path:
    """Return a file of weights that may be used.

    Parameters
    ----------
    name : str
        A method, such as ``sam_hq``: its default, or if only others of its files are installed,
        the first of those. Or an entry of the catalogue, such as ``sam_hq_vit_b``: only that. What
        names both is the method.

    Raises
    ------
    LazyVosError
        If it is not installed, or not the file that it should be.
    """
    choice = of_method(name) or (find(name),)
    return verified(next(filter(is_installed, choice), choice[0]))


def verified(entry: Entry, *, anew: bool = False) -> Path:
    """Return the place of an installed file, after looking whether it is what it should be.

    Where its authors publish no checksum, the first use records one, and later uses must match it.

    Parameters
    ----------
    entry : Entry
    anew : bool
        Read the file even if it seems unchanged since it was last read.

    Raises
    ------
    LazyVosError
        If it is not installed, or not the file that it should be.
    """
    path = place(entry)
    if not path.is_file():
        raise LazyVosError(f"The weights {entry.name} are not installed: {how_to_get(entry)}.")
    try:
        found, known = checksums.sha256(path, anew=anew), expected(entry)
        if known is None:
            check(entry, path)
        else:
            _compare(entry, path, found, known)
        if checksums.read(path.parent).get(entry.file) != found:
            # Where nobody may write, nobody changes the file either.
            with contextlib.suppress(OSError):
                checksums.record(path.parent, entry.file, found)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LazyVosError(f"The weights {path} cannot be read: {reason}.") from error
    return path


def how_to_get(entry: Entry) -> str:
    """Return in words how a file comes into the folder."""
    if entry.by_hand:
        return (
            f"open {entry.url} in a browser, save the file ({entry.how_large}), and add it with "
            f"`lazyvos models add {entry.file}`, or in napari with Plugins ▸ Lazy VOS ▸ Models ▸ "
            "Use a file…"
        )
    return (
        f"get them with `lazyvos models download {entry.name}` ({entry.how_large}), or in napari "
        f"with Plugins ▸ Lazy VOS ▸ Models, or without internet, copy {entry.file} from "
        f"{entry.url} into {folder()}"
    )


def expected(entry: Entry) -> str | None:
    """Return the checksum that a file must have; None if none is known yet."""
    return entry.sha256 or checksums.read(folder()).get(entry.file)


def check(entry: Entry, path: Path) -> None:
    """Look into a file for weights of the method that the entry is for.

    Raises
    ------
    LazyVosError
        If it is not a file of weights alone, or of another method.
    """
    from napari_lazyvos.models.checkpoint import read_checkpoint  # loads torch

    if entry.tensor not in read_checkpoint(path):
        raise LazyVosError(
            f"{path} holds weights, but not of {entry.method}: there is no {entry.tensor} in it."
        )


def add(file: Path, name: str | None = None) -> Entry:
    """Copy a file into the folder; what is wrong with it leaves the folder as it was.

    Parameters
    ----------
    file : Path
    name : str, optional
        Which entry of the catalogue it is; else its own name tells.

    Returns
    -------
    Entry

    Raises
    ------
    LazyVosError
        If it is not known, not the published file, not safe to read, or cannot be copied.
    """
    entry = find_file(file.name) if name is None else find(name)
    try:
        size = file.stat().st_size
    except OSError as error:
        raise LazyVosError(f"{file} cannot be read: {error.strerror}.") from error
    check(entry, file)
    if entry.size not in (None, size):
        raise LazyVosError(
            f"{file} is not {entry.file} as published: it has {size} bytes, not {entry.size}."
        )
    with writing(folder()) as here, TemporaryDirectory(prefix=PARTIAL, dir=here) as beside:
        copy = Path(shutil.copyfile(file, Path(beside, entry.file)))
        found, known = checksums.sha256(copy), expected(entry)
        _compare(entry, file, found, known or found)
        os.replace(copy, place(entry))
        checksums.record(here, entry.file, found)
        unfinished(entry).unlink(missing_ok=True)  # nobody needs to go on with that
    return entry


def remove(entry: Entry) -> None:
    """Delete a file, and what is kept of a download of it.

    A checksum that was recorded for it stays: the same file may come back, and no other.

    Raises
    ------
    LazyVosError
        If it cannot be deleted.
    """
    with writing(folder()):
        place(entry).unlink(missing_ok=True)
        unfinished(entry).unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Make a folder where there is none, and say in one sentence why it cannot be written.

    Raises
    ------
    LazyVosError
        Instead of an `OSError`.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield path
    except OSError as error:
        raise LazyVosError(
            f"The folder of models {path} cannot be written ({error.strerror or error}): free it, "
            f"or name another one in the environment variable {FOLDER}."
        ) from error


def _compare(entry: Entry, path: Path, found: str, known: str) -> None:
    if found == known:
        return
    differ = f"its SHA-256 begins with {found[:12]}, not with {known[:12]}"
    if entry.sha256:
        raise LazyVosError(
            f"{path} is not {entry.file} as its authors published it: {differ}. Get it anew with "
            f"`lazyvos models download {entry.name}`."
        )
    raise LazyVosError(
        f"{path} is not the {entry.file} that was installed first: {differ}. If you trust it, "
        f"delete the line of {entry.file} from {folder() / checksums.SUMS}; else delete the file."
    )

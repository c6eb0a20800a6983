"""Download published weights; what arrived of a file is kept when the connection is cut."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import pooch
import requests
from filelock import FileLock, Timeout
from rich.filesize import decimal

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import cache, checksums
from napari_lazyvos.models.catalogue import Entry

__all__ = ["DownloadStoppedError", "Progress", "arrived", "download"]

TIMEOUT_S = 30  # without an answer, or without the next bytes
CHUNK = 1 << 16  # bytes; so much is lost at most when the connection is cut

# In words, what to do with a file that was got in another way.
_ADD = "add it with `lazyvos models add FILE`, or in napari with Use a file…"

WHOLE, PIECE, NO_SUCH_PIECE = 200, 206, 416  # what a site answers

Progress: TypeAlias = Callable[[int, int | None], object]
"""Is told how many bytes have arrived, and of how many, if that is known."""


class DownloadStoppedError(LazyVosError):
    """Whoever asked for a download has stopped it."""


def download(
    entry: Entry,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Bring a file of weights into the folder, unless the right one is there.

    A download that was cut off goes on where it ended, if the site can do that.

    Parameters
    ----------
    entry : Entry
    on_progress : callable, optional
        Called with the number of bytes that have arrived, and of all (None if unknown).
    cancelled : callable, optional
        Asked before each piece of the file; True stops the download.

    Returns
    -------
    Path of the verified file

    Raises
    ------
    DownloadStoppedError
        If `cancelled` said so.
    LazyVosError
        If it could not be downloaded, or has to be got by hand, or what came is not the file; what
        was there before under its name is there still.
    """

    def tell(done: int, total: int | None) -> None:
        if cancelled is not None and cancelled():
            raise DownloadStoppedError(
                f"The download of {entry.name} was stopped: {decimal(done)} are kept, and the "
                "next one goes on from there."
            )
        if on_progress is not None:
            on_progress(done, total)

    if entry.by_hand and not _is_right(entry):
        raise LazyVosError(
            f"{entry.site} gives {entry.file} to people only: {cache.how_to_get(entry)}."
        )
    with cache.writing(cache.folder()) as here, _alone(here, entry):
        if not _is_right(entry):
            _retrieve(entry, here, tell)
        return cache.verified(entry)


def arrived(entry: Entry) -> int:
    """Return how many bytes are kept of a download that was cut off."""
    return _size(cache.unfinished(entry))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _is_right(entry: Entry) -> bool:
    if not cache.is_installed(entry):
        return False
    try:
        cache.verified(entry)
    except LazyVosError:
        return False
    return True


def _retrieve(entry: Entry, here: Path, tell: Progress) -> None:
    known, part = cache.expected(entry), cache.unfinished(entry)

    def bring(url: str, target: str, _: object) -> None:
        if arrived(entry) != entry.size:  # else only the last step was missing
            _fetch(url, part, entry.size, tell)
        if known is None:
            _check(entry, part)
        os.replace(part, target)

    # Under a name of its own: without a checksum, pooch would leave whatever it finds.
    fresh = here / f".{entry.file}.new"
    fresh.unlink(missing_ok=True)
    try:
        with _quiet_pooch():
            pooch.retrieve(entry.url, known, fname=fresh.name, path=here, downloader=bring)
        os.replace(fresh, cache.place(entry))
    except LazyVosError:
        raise
    except ValueError as error:  # pooch has deleted what came
        first = (
            f"of the first time, which the line of {entry.file} in {here / checksums.SUMS} tells"
        )
        raise LazyVosError(
            f"What {entry.url} gives is not the file "
            f"{'that its authors published' if entry.sha256 else first}: its SHA-256 does not "
            f"begin with {str(known)[:12]}, and nothing of it was kept."
        ) from error


def _check(entry: Entry, part: Path) -> None:
    try:
        cache.check(entry, part)
    except LazyVosError as error:
        part.unlink()
        raise LazyVosError(f"What {entry.url} gives was not kept: {error}") from error


def _fetch(url: str, part: Path, size: int | None, tell: Progress) -> None:
    """Download into a file, going on after what is there already."""
    have = _size(part)
    with _ask(url, have) as answer:
        status, piece = answer.status_code, answer.headers.get("Content-Range", "")
        if status == NO_SUCH_PIECE and piece == f"bytes */{have}":
            return  # nothing was missing
        if status == WHOLE or piece.startswith(f"bytes {have}-"):
            begin = have if status == PIECE else 0  # 0: the site cannot go on in the middle
            length = answer.headers.get("Content-Length")
            total = _number(piece.rpartition("/")[2] if begin else length)
            _refuse(url, part, total, size, begin)
            _pour(answer, part, begin, total, tell)
            return
    part.unlink()  # it is not of this file
    _fetch(url, part, size, tell)


def _ask(url: str, have: int) -> requests.Response:
    """Ask for a file, or for what is missing of it; raise if the answer is no file."""
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    site = urlsplit(url).netloc
    by_hand = f"or get it in another way, and {_ADD}"
    try:
        answer = requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise LazyVosError(
            f"{site} cannot be reached ({type(error).__name__}): check the network, {by_hand}."
        ) from error
    wrong, status = "", answer.status_code
    if status not in ((WHOLE, PIECE, NO_SUCH_PIECE) if have else (WHOLE,)):
        wrong = f"{status} {answer.reason}"
    elif status != NO_SUCH_PIECE and answer.headers.get("Content-Type", "").startswith("text/html"):
        wrong = "a web page instead of a file"
    if wrong:
        answer.close()
        raise LazyVosError(f"{url} answers with {wrong}: try again later, {by_hand}.")
    return answer


def _refuse(url: str, part: Path, total: int | None, size: int | None, begin: int) -> None:
    """Raise before anything is written, if the file is another one, or has no room."""
    if total is not None and size not in (None, total):
        raise LazyVosError(
            f"{url} offers a file of {total} bytes, not the published one of {size}: get it in "
            f"another way, and {_ADD}."
        )
    free, needed = shutil.disk_usage(part.parent).free, (total or 0) - begin
    if needed > free:
        raise LazyVosError(
            f"{part.parent} has room for {decimal(free)}, and {decimal(needed)} are to come: "
            f"free it, or name another folder in the environment variable {cache.FOLDER}."
        )


def _pour(
    answer: requests.Response, part: Path, begin: int, total: int | None, tell: Progress
) -> None:
    """Write what comes, after the first `begin` bytes of the file."""
    done = begin
    with part.open("ab" if begin else "wb") as file:
        try:
            tell(done, total)
            for piece in answer.iter_content(CHUNK):
                file.write(piece)
                done += len(piece)
                tell(done, total)
        except requests.RequestException as error:
            raise LazyVosError(_cut(answer, done, total)) from error
    if total is not None and done < total:
        raise LazyVosError(_cut(answer, done, total))


def _cut(answer: requests.Response, done: int, total: int | None) -> str:
    of_all = "" if total is None else f" of {decimal(total)}"
    return (
        f"The connection to {urlsplit(answer.url).netloc} was cut after {decimal(done)}{of_all}: "
        "download again, and it goes on from there."
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


@contextmanager
def _alone(here: Path, entry: Entry) -> Iterator[None]:
    """Let nobody else write the same file meanwhile."""
    try:
        with FileLock(here / f".{entry.file}.lock", timeout=0):
            yield
    except Timeout as error:
        raise LazyVosError(
            f"{entry.file} is being downloaded in another window or process: wait for that one."
        ) from error


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep what pooch tells programmers off the terminal."""
    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)

"""Checksums of the files in a folder: those that hold, and those that were computed lately.

``SHA256SUMS`` says what each file must be, as sha256sum writes it. ``.verified.json`` remembers
what each file was when it was last read in full: one that has its size and time of change still is
not read again, since that takes seconds per gigabyte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from filelock import FileLock

from napari_lazyvos.store.atomic import write_bytes

__all__ = ["SUMS", "read", "record", "sha256"]

SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_LATELY = ".verified.json"
_LOCK = ".checksums.lock"
_PATIENCE_S = 2.0  # whoever holds the lock writes two small files


def read(folder: Path) -> dict[str, str]:
    """Return the checksums that hold, by name of file.

    Raises
    ------
    OSError
        If they are there and cannot be read.
    """
    try:
        text = (folder / SUMS).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {found[2]: found[1] for found in map(_LINE.fullmatch, text.splitlines()) if found}


def record(folder: Path, file: str, checksum: str) -> None:
    """Let a checksum hold from now on.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    with FileLock(folder / _LOCK, timeout=_PATIENCE_S):
        sums = read(folder) | {file: checksum}
        lines = (f"{each}  {name}\n" for name, each in sorted(sums.items()))
        write_bytes(folder / SUMS, "".join(lines).encode())


def sha256(path: Path, *, anew: bool = False) -> str:
    """Return the checksum of a file in 64 hexadecimal digits.

    Parameters
    ----------
    path : Path
    anew : bool
        Read it even if it seems unchanged.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    stat = path.stat()
    mark = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    seen = _lately(path.parent).get(path.name)
    if not anew and isinstance(seen, dict) and mark.items() <= seen.items() and "sha256" in seen:
        return str(seen["sha256"])
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    with contextlib.suppress(OSError):  # a folder to read only: it is computed each time
        _remember(path, mark | {"sha256": checksum})
    return checksum


def _lately(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _LATELY).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(path: Path, what: dict[str, Any]) -> None:
    with FileLock(path.parent / _LOCK, timeout=_PATIENCE_S):
        lately = _lately(path.parent) | {path.name: what}
        write_bytes(path.parent / _LATELY, json.dumps(lately, indent=1).encode())

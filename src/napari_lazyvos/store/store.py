"""One session on disk: a folder that can be copied, resumed after a crash, and exported."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock
import numpy as np
import zarr

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store import atomic, commands, document, ledger
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.document import Document
from napari_lazyvos.store.edit import Edit
from napari_lazyvos.store.journal import Change, Journal, Part
from napari_lazyvos.store.ledger import Ledger
from napari_lazyvos.store.migration import bring_up_to_date
from napari_lazyvos.store.scale import PixelScale
from napari_lazyvos.store.stack import FrameStack

__all__ = ["Store"]

VERSION = 2  # of the layout below; a store with a newer one is refused
HEADER = "session.json"  # its presence makes a folder a store
FRAMES = "frames.zarr"  # a group: masks and uncertainty (T, Y, X)
DATABASE = "session.sqlite"  # rows, objects, clicks, history
CHECKPOINT = "checkpoint.pt"  # the tracker's memory; bytes to this room
LOCK = "session.lock"  # held by the process that has the store open


class Store:
    """Masks, uncertainty, rows, objects, clicks and history of one session.

    A process that is killed at any moment leaves a store that opens. One process at a time has it
    open; the lock goes with the process.

    Attributes
    ----------
    path : Path
    frames, height, width : int
    scale : PixelScale
    metadata : dict of what the session wrote of itself; change it with `set_metadata`
    masks : FrameStack (T, Y, X) uint8 or uint16; 0 = background, else a label
    uncertainty : FrameStack (T, Y, X) uint8; round(255 * S), S the normalised entropy in [0, 1]
    ledger : Ledger
    document : Document
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        header = _read_header(self.path)
        self.scale = PixelScale(**header["scale"])
        self.metadata: dict[str, Any] = header["metadata"]
        self._lock = filelock.FileLock(self.path / LOCK, thread_local=False)
        _acquire(self._lock, self.path)
        try:
            self._open()
            if header["version"] < VERSION:
                self.set_metadata(self.metadata)  # and the version with it
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> None:
        self.masks = FrameStack(self.path / FRAMES / "masks")
        self.uncertainty = FrameStack(self.path / FRAMES / "uncertainty")
        frames = max(len(self.masks), len(self.uncertainty))  # unequal if `resize` was cut short
        self.masks.resize(frames)
        self.uncertainty.resize(frames)
        schema = ledger.SCHEMA + document.SCHEMA + commands.SCHEMA
        self._database = Database(self.path / DATABASE, schema)
        bring_up_to_date(self._database)
        self.ledger = Ledger(self._database, self.frames)
        self.document = Document(self._database)
        self._journal = Journal(self._database, self._parts())

    def _parts(self) -> dict[str, Part]:
        masks, uncertainty, rows, texts = self.masks, self.uncertainty, self.ledger, self.document
        return {
            "masks": Part(masks.chunk, masks.put_chunk, True),
            "uncertainty": Part(uncertainty.chunk, uncertainty.put_chunk, True),
            "rows": Part(rows.frame_image, rows.put_frame_image, True),
            "column": Part(rows.column_image, rows.put_column_image, False),
            "document": Part(
                lambda _: texts.image(), lambda _, image: texts.put_image(image), False
            ),
        }

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        frames: int,
        height: int,
        width: int,
        scale: PixelScale | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Store:
        """Make a new store, and open it.

        Parameters
        ----------
        path : folder that does not exist, or is empty; by custom its name ends in ``.lazyvos``
        frames, height, width : of the video
        scale : of the video; None where unknown
        metadata : what the session wants to know when it is opened again; goes through JSON

        Raises
        ------
        LazyVosError
            If something is there already.
        """
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            what = "a session already: open it" if cls.exists(path) else "not empty"
            raise LazyVosError(f"{path} is {what}, or choose another folder.")
        header = {
            "version": VERSION,
            "scale": asdict(scale or PixelScale()),
            "metadata": dict(metadata or {}),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        # Built beside its place and then moved there: a process that is killed leaves no half.
        partial = path.with_name(f"{atomic.PARTIAL}{os.getpid()}-{path.name}")
        shutil.rmtree(partial, ignore_errors=True)
        about = {name: header[name] for name in ("version", "scale")}
        zarr.create_group(partial / FRAMES, attributes=about)
        for name in ("masks", "uncertainty"):
            FrameStack.create(partial / FRAMES / name, (frames, height, width), np.uint8)
        _write_header(partial, header)
        if path.exists():
            path.rmdir()
        partial.rename(path)
        return cls(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """Open a store that exists.

        Raises
        ------
        LazyVosError
            If there is none, if a newer version made it, or if another process has it open.
        """
        return cls(path)

    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Tell whether a folder is a store."""
        return (Path(path) / HEADER).is_file()

    @classmethod
    def remove(cls, path: str | os.PathLike[str]) -> None:
        """Delete a store; a file that is not its own stays, and so does the folder then.

        Raises
        ------
        LazyVosError
            If the folder is no store, or another process has it open.
        """
        cls.open(path).close()  # says so if it cannot be had
        path = Path(path)
        shutil.rmtree(path / FRAMES)
        for entry in path.iterdir():
            if entry.name.startswith((atomic.PARTIAL, DATABASE, HEADER, CHECKPOINT, LOCK)):
                entry.unlink()
        if not any(path.iterdir()):
            path.rmdir()

    @property
    def frames(self) -> int:
        """Number of frames now."""
        return len(self.masks)

    @property
    def height(self) -> int:
        """Pixels along y."""
        return self.masks.shape[1]

    @property
    def width(self) -> int:
        """Pixels along x."""
        return self.masks.shape[2]

    def set_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace the metadata."""
        self.metadata = dict(metadata)
        header = {"version": VERSION, "scale": asdict(self.scale), "metadata": self.metadata}
        _write_header(self.path, header)

    def edit(self, kind: str, text: str, **payload: Any) -> Edit:
        """Begin a change that can be undone as one; use it in a ``with`` statement.

        Parameters
        ----------
        kind : a word for programs, such as "click"
        text : words for a person, such as "track frames {frames}", where {frames} becomes "3-40"
        **payload : what a program needs to do it again; goes through JSON
        """
        parts = (self.masks, self.uncertainty, self.ledger, self.document)
        return Edit(self._journal, *parts, (kind, text, payload))

    def undo(self) -> Change | None:
        """Take back the newest edit, and say what it was; None if there is none."""
        return self._journal.undo()

    def redo(self) -> Change | None:
        """Do again what was undone last, and say what it was; None if there is nothing."""
        return self._journal.redo()

    @property
    def undo_text(self) -> str | None:
        """What `undo` would take back, in words; never waits."""
        return self._journal.undo_text

    @property
    def redo_text(self) -> str | None:
        """What `redo` would do again, in words; never waits."""
        return self._journal.redo_text

    def write_checkpoint(self, memory: bytes) -> None:
        """Keep the tracker's memory, in place of the one before."""
        atomic.write_bytes(self.path / CHECKPOINT, memory)

    def read_checkpoint(self) -> bytes | None:
        """Return what `write_checkpoint` kept; None if there is nothing."""
        try:
            return (self.path / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None

    def drop_checkpoint(self) -> None:
        """Forget the tracker's memory."""
        (self.path / CHECKPOINT).unlink(missing_ok=True)

    def resize(self, frames: int) -> None:
        """Grow with a video that grows; cannot be undone."""
        self.masks.resize(frames)
        self.uncertainty.resize(frames)
        self.ledger.resize(frames)

    def widen(self) -> None:
        """Make masks uint16, for labels above 255: `masks` stays the same object. Not undoable."""
        self.masks.widen()

    def close(self) -> None:
        """Let go of files and of the lock; safe to call twice."""
        self._database.close()
        self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _read_header(path: Path) -> dict[str, Any]:
    if not Store.exists(path):
        raise LazyVosError(f"{path} is no session: it has no {HEADER}. Choose the folder of one.")
    try:
        header: dict[str, Any] = json.loads((path / HEADER).read_text("utf-8"))
        version = int(header["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise LazyVosError(f"{path / HEADER} is damaged ({error}): restore it.") from error
    if version > VERSION:
        raise LazyVosError(
            f"{path} was written by a newer napari-lazyvos (its version is {version}, this one "
            f"reads up to {VERSION}): update napari-lazyvos."
        )
    return header


def _write_header(path: Path, header: Mapping[str, Any]) -> None:
    atomic.write_bytes(path / HEADER, json.dumps(header, indent=2).encode())


def _acquire(lock: filelock.BaseFileLock, path: Path) -> None:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise LazyVosError(
            f"{path} is open in another window or process: close it there first."
        ) from None

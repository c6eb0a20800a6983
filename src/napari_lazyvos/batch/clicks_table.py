"""A table of clicks on the objects of many videos: CSV with one line per click.

    video,label,t,y,x,positive,name
    day1.tif,1,0,105.5,175,1,left cell
    day1.tif,1,12,98,180,0,
    day2,1,0,44,61,,

``video`` is the name of a video or its path, seen from the folder of the table. ``t`` is a frame;
``y`` and ``x`` are data pixels, pixel centres at integers. ``positive`` (1 or 0) and ``name`` (of
the object) may be left out.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.checks import check_label, check_place
from napari_lazyvos.video import open_video

__all__ = ["TableClick", "read_clicks"]

NEEDED = ("video", "label", "t", "y", "x")
OPTIONAL = ("positive", "name")
Fault: TypeAlias = tuple[int, str]  # line of the table, and what is wrong in it


@dataclass(frozen=True, slots=True)
class TableClick:
    """One line of the table."""

    line: int
    label: int
    t: int
    y: float
    x: float
    positive: bool = True
    name: str = ""  # of the object

    @property
    def place(self) -> tuple[int, int, float, float, bool]:
        """What tells this click from all others of its video."""
        return self.label, self.t, self.y, self.x, self.positive


def read_clicks(path: Path, videos: Mapping[str, Path]) -> dict[str, tuple[TableClick, ...]]:
    """Read a table, and check every line of it.

    Parameters
    ----------
    path : CSV file, UTF-8, whose first line names the columns
    videos : name -> absolute path, those that the table may name
        They are opened to see whether each click lies in them; of one that cannot be opened that
        is not known.

    Returns
    -------
    dict of the name of a video to its clicks, in the order of the table

    Raises
    ------
    LazyVosError
        If anything is wrong; every fault is named, with its line.
    """
    clicks: dict[str, list[TableClick]] = {}
    faults: list[Fault] = []
    for line, row in _read_rows(path):
        values, wrong = _read_values(row)
        name = _find_video(row["video"], videos, path.parent)
        if name is None:
            wrong.append(f"no video {row['video']!r} is among those given")
        faults += [(line, each) for each in wrong]
        if name is not None and not wrong:
            clicks.setdefault(name, []).append(TableClick(line, **values))
    for name, own in clicks.items():
        faults += [*_repeated(own), *_named_twice(own), *_outside(videos[name], own)]
    if faults:
        listed = "".join(f"\n  line {line}: {fault}" for line, fault in sorted(faults))
        how_many = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise LazyVosError(f"{path} has {how_many}; correct the table:{listed}")
    if not clicks:
        raise LazyVosError(f"{path} holds no click: write one line for each, below the columns.")
    return {name: tuple(own) for name, own in clicks.items()}


def _read_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each line, and its cells by column."""
    try:
        # The BOM is what spreadsheets write.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            _check_columns(path, reader.fieldnames or ())
            for row in reader:
                yield reader.line_num, {name: _text(cell) for name, cell in row.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LazyVosError(f"{path} cannot be read as CSV in UTF-8: {error}") from error


def _text(cell: str | list[str]) -> str:
    return (cell if isinstance(cell, str) else ",".join(filter(None, cell))).strip()


def _check_columns(path: Path, columns: Iterable[str]) -> None:
    known = (*NEEDED, *OPTIONAL)
    columns = tuple(columns)
    missing = [name for name in NEEDED if name not in columns]
    unknown = [name for name in columns if name not in known]
    if not missing and not unknown and len(set(columns)) == len(columns):
        return
    raise LazyVosError(
        f"the first line of {path} is {','.join(columns)!r}: let it be {','.join(NEEDED)}, and "
        f"{' and '.join(OPTIONAL)} if you like, with commas in between."
    )


def _whole(text: str) -> int:
    number = float(text)  # 12.0 is what napari and pandas write of a frame
    if not number.is_integer():
        raise ValueError
    return int(number)


def _label(text: str) -> int:
    label = _whole(text)
    check_label(label)
    return label


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _sign(text: str) -> bool:
    return {"": True, "1": True, "0": False}[text]


READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "label": (_label, "write a whole number from 1 to 65535"),
    "t": (_whole, "write the number of a frame, from 0"),
    "y": (_finite, "write a row in pixels, such as 105.5"),
    "x": (_finite, "write a column in pixels, such as 175"),
    "positive": (_sign, "write 1 or 0"),
}


def _read_values(row: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of a `TableClick`, and what is wrong in a line."""
    values: dict[str, Any] = {"name": row.get("name", "")}
    wrong = [f"there is a cell too many, {row['']!r}"] if row.get("") else []
    for column, (read, wanted) in READERS.items():
        text = row.get(column, "")
        try:
            values[column] = read(text)
        except (ValueError, OverflowError, KeyError):
            wrong.append(f"{column} is {text!r}: {wanted}")
    return values, wrong


def _find_video(text: str, videos: Mapping[str, Path], folder: Path) -> str | None:
    """Return the name of the video that is meant."""
    if text in videos:
        return text
    path = (folder / Path(text).expanduser()).resolve()
    return next((name for name, known in videos.items() if text and known == path), None)


def _repeated(clicks: Iterable[TableClick]) -> Iterator[Fault]:
    seen: dict[object, int] = {}
    for click in clicks:
        first = seen.setdefault(click.place, click.line)
        if first != click.line:
            yield click.line, f"it repeats line {first}"


def _named_twice(clicks: Iterable[TableClick]) -> Iterator[Fault]:
    names: dict[int, TableClick] = {}
    for click in clicks:
        if not click.name:
            continue
        first = names.setdefault(click.label, click)
        if first.name != click.name:
            yield (
                click.line,
                f"object {click.label} is called {click.name!r}, and {first.name!r} in line "
                f"{first.line}",
            )


def _outside(path: Path, clicks: Iterable[TableClick]) -> Iterator[Fault]:
    """Find the clicks that do not lie in the video."""
    try:
        video = open_video(path)
    except Exception:  # said when its turn comes: the other videos are tracked all the same
        return
    with video:
        for click in clicks:
            try:
                check_place(video, click.t, click.y, click.x)
            except LazyVosError as error:
                yield click.line, str(error)

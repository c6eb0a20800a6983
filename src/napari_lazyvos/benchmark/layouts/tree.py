"""What most data sets share: a folder of frames and one of label pictures for each video."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video.folder import list_frames

__all__ = [
    "Found",
    "frame_numbers",
    "list_folders",
    "match",
    "read_json",
    "read_lines",
    "read_meta",
    "read_text",
]

Found: TypeAlias = dict[str, Callable[[], Clip]]
"""Names of the videos that a data set has, and what makes their clips."""


def list_folders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )


def frame_numbers(video: Path) -> dict[str, int]:
    """Return which frame of a folder of pictures has which name, without its suffix.

    Raises
    ------
    LazyVosError
        If there is no such folder, or no picture in it.
    """
    _check_folder(video, "frames")
    return {frame.stem: t for t, frame in enumerate(list_frames(video))}


def match(video: Path, masks: Path) -> dict[int, Path]:
    """Find which picture of labels belongs to which frame: it has the frame's name.

    Raises
    ------
    LazyVosError
        If a folder is missing or empty, or a picture has the name of no frame.
    """
    numbers = frame_numbers(video)
    _check_folder(masks, "masks")
    files: dict[int, Path] = {}
    for file in list_frames(masks):
        if file.stem not in numbers:
            raise LazyVosError(
                f"{file} belongs to no frame: {video} has none of that name. Download the frames "
                "again."
            )
        files[numbers[file.stem]] = file
    return files


def read_text(path: Path) -> str:
    """Return what a text file holds.

    Raises
    ------
    LazyVosError
        If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LazyVosError(f"{path} cannot be read: {error}") from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty; see `read_text`."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_json(path: Path) -> Any:
    """Return what a json holds.

    Raises
    ------
    LazyVosError
        If it cannot be read.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise LazyVosError(f"{path} cannot be read: {error}") from error


def read_meta(path: Path) -> dict[str, dict[int, dict[str, Any]]]:
    """Return what YouTube-VOS and LVOS say of their objects: {video: {label: what is said}}.

    Nothing, if there is no such file.

    Raises
    ------
    LazyVosError
        If it cannot be read, or says something else.
    """
    if not path.is_file():
        return {}
    content = read_json(path)
    try:
        return {
            video: {int(label): dict(said) for label, said in of["objects"].items()}
            for video, of in content["videos"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LazyVosError(
            f"{path} does not say which objects the videos have ({error!r}): download it again."
        ) from error


def _check_folder(folder: Path, what: str) -> None:
    if not folder.is_dir():
        raise LazyVosError(f"there are no {what} in {folder}: there is no such folder.")

"""Rooms import only rooms below them, and only `gui` knows napari and Qt."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "napari_lazyvos"
SOURCE = Path(__file__).resolve().parents[1] / "src" / PACKAGE
FILES = sorted(SOURCE.rglob("*.py"))

# From the top down; rooms on one line know nothing of each other.
ROOMS = (
    {"gui"},
    {"cli"},
    {"batch", "benchmark"},
    {"lazy"},
    {"refine"},
    {"trackers"},
    {"memory"},
    {"nets"},
    {"models"},
    {"label_maps", "uncertainty", "metrics"},
    {"video"},
    {"store"},
    {"errors"},
)
HEIGHT = {room: -row for row, rooms in enumerate(ROOMS) for room in rooms}
# What the package itself offers comes from every room, so no room may take it from there.
FACE = "the package's face"
GUI_LIBRARIES = {
    "PyQt5",
    "PyQt6",
    "PySide6",
    "magicgui",
    "napari",
    "pyqtgraph",
    "qtpy",
    "superqt",
    "vispy",
}


def module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[str]:
    """Yield the absolute dotted name of everything a file imports, at whatever depth."""
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str | None:
    """Return the room that a dotted name lies in; None outside this package."""
    package, _, rest = name.partition(".")
    if package != PACKAGE:
        return None
    room = rest.split(".")[0]
    is_room = (SOURCE / room).is_dir() or (SOURCE / f"{room}.py").is_file()
    return room if rest and is_room else FACE


def engine_modules() -> list[str]:
    names = [module_name(file) for file in FILES]
    return [name for name in names if room_of(name) != "gui" and not name.endswith("__main__")]


def test_every_room_stands_in_the_table():
    rooms = {room_of(module_name(file)) for file in FILES if file.parent != SOURCE}
    rooms |= {file.stem for file in SOURCE.glob("*.py") if not file.stem.startswith("__")}
    assert rooms <= HEIGHT.keys()


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_rooms_import_only_rooms_below(file):
    here = room_of(module_name(file))
    if here == FACE:
        pytest.skip("the package's face offers what every room has")
    for name in imported(file):
        there = room_of(name)
        if there in (None, here) or name in (PACKAGE, f"{PACKAGE}.__version__"):
            continue
        assert there != FACE, f"{here} takes {name} from the package's face"
        assert HEIGHT[there] < HEIGHT[here], f"{here} imports {name}, which is not below it"


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_only_gui_names_gui_libraries(file):
    libraries = {name.split(".")[0] for name in imported(file)}
    assert room_of(module_name(file)) == "gui" or not libraries & GUI_LIBRARIES


def test_engine_loads_no_gui_library():
    code = f"import importlib, sys\nfor name in {engine_modules()}: importlib.import_module(name)\n"
    assert not loaded_after(code) & GUI_LIBRARIES


def test_importing_the_package_is_light():
    heavy = {"torch", "numpy", "zarr", "av", "cv2", "skimage", "scipy", "pandas"}
    assert not loaded_after(f"import {PACKAGE}") & (heavy | GUI_LIBRARIES)


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh Python, and return the top-level packages that it loaded."""
    report = f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())

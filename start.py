#!/usr/bin/env python3
"""Set this project up and run it, from nothing but Python 3.11 or newer.

    python3 start.py demo      track a heart chamber in a real ultrasound clip, from one click
    python3 start.py test      check and test everything
    python3 start.py docs      build the documentation into site/

The first run makes a virtual environment in .venv and installs into it; later runs start at once
and need no network. Arguments after the command go to `lazyvos demo` or to pytest.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed.sha256"
OLDEST = (3, 11)

ENVIRONMENT = {
    "NAPARI_CONFIG": "",  # napari neither reads nor writes the user's settings
    "NO_MKDOCS_2_WARNING": "1",  # an advertisement
}

# What Qt loads from a Linux system, and the Debian package that brings it.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return its exit status."""
    commands = {"demo": demo, "test": test, "docs": docs}
    if sys.version_info < OLDEST:
        sys.exit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version}.")
    if not arguments or arguments[0] not in commands:
        sys.exit(__doc__)
    os.chdir(ROOT)
    return commands[arguments[0]](list(arguments[1:]))


def demo(arguments: list[str]) -> int:
    """Track the bundled sample into demo-output/; with a display, open it in napari after that."""
    show = has_display() and not arguments
    set_up(qt=show)
    return run("lazyvos", "demo", *arguments) or (show and run("lazyvos", "demo", "--gui"))


def test(arguments: list[str]) -> int:
    """Run every check, the tests last, so that pytest's summary ends the output."""
    set_up(qt=True, xvfb=True)
    checks = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("npe2", "validate", "src/napari_lazyvos/napari.yaml"),
        ("mkdocs", "build", "--strict", "--quiet"),
    )
    failed = [" ".join(check) for check in checks if run(*check)]
    for check in failed:
        print(f"FAILED: {check}", flush=True)
    # One process for each core, and one thread in each: more would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return run("pytest", "--numprocesses", "auto", "--dist", "loadfile", *arguments) or bool(failed)


def docs(arguments: list[str]) -> int:
    """Build the documentation."""
    set_up()
    return run("mkdocs", "build", "--strict", *arguments)


def run(tool: str, *arguments: str) -> int:
    """Run an installed tool and return its exit status."""
    print("$", tool, *arguments, flush=True)
    return subprocess.run([BIN / tool, *arguments], env={**os.environ, **ENVIRONMENT}).returncode


def has_display() -> bool:
    """Return whether a window could be seen."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_system_packages(*, qt: bool, xvfb: bool) -> list[str]:
    """Return the Debian packages that pip cannot bring, and that are not there."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if sys.platform.startswith("linux"):
        if qt:
            missing += [package for name, package in QT_LIBRARIES.items() if not loads(name)]
        if xvfb and not shutil.which("Xvfb"):
            missing.append("xvfb")
    return missing


def loads(library: str) -> bool:
    """Return whether the system has this shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def set_up(*, qt: bool = False, xvfb: bool = False) -> None:
    """Install everything that is missing; do nothing where all is there."""
    if packages := missing_system_packages(qt=qt, xvfb=xvfb):
        install_system_packages(packages)
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted and PYTHON.exists():
        return
    print("Installing into .venv; the first time this downloads a few gigabytes.", flush=True)
    if not PYTHON.exists():
        venv.create(VENV, clear=True, with_pip=True)
    # uv resolves and unpacks many times faster than pip.
    must([PYTHON, "-m", "pip", "install", "--quiet", "uv"])
    must([PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "-e", ".", "--group", "dev"])
    STAMP.write_text(wanted)


def install_system_packages(packages: list[str]) -> None:
    """Install packages with apt where that needs no question; else say what to do, and stop."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        sys.exit(f"Install what your system calls these Debian packages, then run again: {names}")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    may = not sudo or (shutil.which("sudo") and not subprocess.call([*sudo, "true"]))
    if not may:
        sys.exit(f"Run `sudo apt-get install {names}`, then run this again.")
    print(f"Installing with apt-get: {names}", flush=True)
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    must([*apt, "update"])
    must([*apt, "install", "--yes", "--no-install-recommends", *packages])


def must(command: Sequence[str | Path]) -> None:
    """Run a step of the set-up; stop if it fails."""
    if status := subprocess.call(command):
        sys.exit(f"This step failed with status {status}: {' '.join(map(str, command))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

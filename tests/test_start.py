"""The launcher that sets the project up: it says what is wrong, and does nothing twice."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

START = Path(__file__).resolve().parents[1] / "start.py"


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Return the launcher as a module, with a virtual environment of its own."""
    spec = importlib.util.spec_from_file_location("start", START)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    return module


@pytest.fixture
def steps(start, monkeypatch):
    """Return the steps of the set-up that would have run."""
    taken = []
    monkeypatch.setattr(start, "must", taken.append)
    return taken


def test_unknown_command_shows_the_commands():
    result = subprocess.run([sys.executable, START, "tset"], capture_output=True, text=True)
    assert result.returncode == 1
    assert "start.py test" in result.stderr


def test_second_set_up_does_nothing(start, steps):
    start.set_up()
    assert steps
    steps.clear()
    start.set_up()
    assert not steps


def test_changed_dependencies_are_installed(start, steps):
    start.STAMP.write_text(hashlib.sha256(b"another pyproject.toml").hexdigest())
    start.set_up()
    assert steps


def test_failed_step_leaves_no_stamp(start, monkeypatch):
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable).with_name("no-such-python"))
    monkeypatch.setattr(start.venv, "create", lambda *args, **options: None)
    with pytest.raises(FileNotFoundError):
        start.set_up()
    assert not start.STAMP.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks a Linux system")
def test_missing_library_is_named_by_its_package(start, monkeypatch):
    monkeypatch.setattr(start, "QT_LIBRARIES", {"libc.so.6": "libc6", "libnone.so.9": "libnone9"})
    assert start.missing_system_packages(qt=True, xvfb=False) == ["libnone9"]


def test_without_apt_the_missing_packages_are_said(start, monkeypatch):
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="libnone9"):
        start.install_system_packages(["libnone9"])

"""``lazyvos review`` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from napari_lazyvos.cli import main
from napari_lazyvos.lazy.session import Session
from napari_lazyvos.store.ledger import Call, Origin, Row, State
from napari_lazyvos.store.store import Store


@pytest.fixture
def batch(tmp_path):
    """Return a folder with three tracked videos, of which two call for help."""
    for name, rises in (("a", {2: 0.1, 3: 0.2}), ("b", {}), ("c", {1: 0.3})):
        video = tmp_path / f"{name}.npy"
        np.save(video, np.zeros((4, 16, 24), np.uint8))
        mask = np.ones((16, 24), bool)
        store = tmp_path / "out" / name / f"{name}.lazyvos"
        with Session(video, store=store, tracker="handcrafted", refiner="classical") as session:
            session.set_mask(0, mask)
            with session.store.edit("track", "track") as edit:
                for t in range(1, 4):
                    call = Call.OPEN if t in rises else Call.NONE
                    made = (State.TRACKED, Origin.MACHINE, False, 1, 0.5, mask.size)
                    edit.write_frame(t, rows=[Row(1, *made, rises.get(t, 0.0), call)])
    return tmp_path / "out"


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of the command."""
    with pytest.raises(SystemExit) as exit:
        main(["review", *map(str, arguments)])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def test_what_waits_is_listed_the_greatest_rise_first(batch, capsys):
    status, out, err = run(capsys, batch, "--list")
    assert status == 0
    assert err == "2 videos with 3 calls for help\n"
    assert out == "c\t1\na\t2\n"
    status, out, _ = run(capsys, batch, "--json")
    assert status == 0
    assert json.loads(out) == [{"video": "c", "calls": 1}, {"video": "a", "calls": 2}]


def test_a_video_that_is_open_already_is_left_out(batch, capsys):
    with Store.open(batch / "c" / "c.lazyvos"):
        status, out, err = run(capsys, batch, "--list")
    assert (status, out) == (0, "a\t2\n")
    assert "c is left out: " in err
    assert "1 video with 2 calls for help" in err


def test_it_says_so_when_nothing_waits(batch, capsys):
    for name in "ac":
        with Session.resume(batch / name / f"{name}.lazyvos") as session:
            for call in session.calls:
                session.confirm(call.label, call.t)
    status, out, err = run(capsys, batch)
    assert (status, out, err) == (0, "", "no video waits for help\n")


def test_a_folder_without_a_batch(tmp_path, capsys):
    status, _, err = run(capsys, tmp_path)
    assert (status, err.count("\n")) == (1, 1)
    assert "holds no results of a batch" in err


def test_the_next_video_is_opened_and_then_it_says_what_is_left(batch, capsys, monkeypatch):
    store = batch / "c" / "c.lazyvos"

    def answer(command):
        """Do what a person does in the viewer, which is a process of its own."""
        assert command == [sys.executable, "-m", "napari_lazyvos.gui.review", str(store)]
        with Session.resume(store) as session:
            session.confirm(1, 1)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", answer)
    status, _, err = run(capsys, batch)
    assert status == 0
    assert [line for line in err.splitlines() if "for help" in line] == [
        "2 videos with 3 calls for help",
        "1 video with 2 calls for help",
    ]
    assert "c is opened" in err
    assert "the same `lazyvos batch` command" in err
    monkeypatch.setattr(subprocess, "run", lambda each: subprocess.CompletedProcess(each, 3))
    assert run(capsys, batch)[0] == 3  # the viewer has said why

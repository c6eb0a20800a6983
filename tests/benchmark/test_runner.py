"""Many clips, here and in other processes: all are tried, and what fails is told."""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path

import pytest

from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.runner import Failure, each_clip
from napari_lazyvos.errors import LazyVosError


@pytest.fixture
def do(monkeypatch):
    """Return work that does what the name of the clip says."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("deeds").do


def clips(*names: str) -> list[Clip]:
    return [Clip(name, Path(name), references=None) for name in names]


def test_here_one_after_the_other(do):
    ticks = []
    found = list(each_clip(clips("a", "broken", "b"), do, on_frame=lambda: ticks.append(1)))
    assert found == [
        ("a", os.getpid()),
        Failure("broken", "it is no video: take another."),
        ("b", os.getpid()),
    ]
    assert len(ticks) == 3
    assert list(each_clip([], do, jobs=2)) == []


def test_an_error_of_another_kind_names_its_kind(do):
    assert list(each_clip(clips("wrong"), do)) == [Failure("wrong", "ZeroDivisionError: by hand")]


def test_no_process_is_refused(do):
    with pytest.raises(LazyVosError, match="jobs is 0"):
        list(each_clip(clips("a"), do, jobs=0))


def test_in_processes_of_their_own(do):
    ticks = []
    chosen = clips("a", "broken", "b", "wrong", "c")
    found = list(each_clip(chosen, do, jobs=2, on_frame=lambda: ticks.append(1)))
    told = {each.name for each in found if isinstance(each, Failure)}
    done = dict(each for each in found if not isinstance(each, Failure))
    assert (told, set(done)) == ({"broken", "wrong"}, {"a", "b", "c"})
    assert os.getpid() not in done.values()
    assert len(ticks) == 5


def test_closing_stops_what_is_under_way(do):
    ticks, ticked = [], threading.Event()

    def on_frame() -> None:
        ticks.append(1)
        if len(ticks) > 10:
            ticked.set()

    outcomes = each_clip(clips("endless", "a", "endless"), do, jobs=2, on_frame=on_frame)
    assert next(outcomes)[0] == "a"
    assert ticked.wait(60)
    outcomes.close()  # would not come back


def test_a_process_that_dies_is_told_of(do):
    found = list(each_clip(clips("dead", "dead"), do, jobs=2))
    assert [each.name for each in found] == ["dead", "dead"]
    assert all("a process died, perhaps for lack of memory" in each.message for each in found)

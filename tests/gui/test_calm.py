"""What a run holds back, and gives back."""

import gc
import os
import threading

import pytest
import torch

from napari_lazyvos.gui import calm as module
from napari_lazyvos.gui.calm import STEPS_BACK, calm


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    """As on systems where the engine cannot step back."""
    monkeypatch.setattr(module, "STEPS_BACK", False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def held():
    return gc.get_freeze_count() > 0, torch.get_num_threads()


def test_a_core_is_left_free_and_old_objects_are_not_looked_at():
    with calm():
        assert held() == (True, 2)
    assert held() == (False, 3)


def test_the_last_of_overlapping_runs_gives_all_back():
    one, other = calm(), calm()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert held() == (True, 2)
    other.__exit__(None, None, None)
    assert held() == (False, 3)


def test_an_error_gives_all_back():
    with pytest.raises(ZeroDivisionError), calm():
        raise ZeroDivisionError
    assert held() == (False, 3)


def test_a_single_thread_stays():
    torch.set_num_threads(1)
    with calm():
        assert torch.get_num_threads() == 1


@pytest.mark.skipif(not STEPS_BACK, reason="only Linux lets one thread of a process step back")
def test_where_the_engine_steps_back_it_has_all_cores(monkeypatch):
    monkeypatch.setattr(module, "STEPS_BACK", True)
    with calm():
        assert held() == (True, 3)
    courtesy = []

    def live():
        module.step_back()
        courtesy.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=live)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread.start()
    thread.join()
    assert courtesy == [max(before, module.COURTESY)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_tracking_in_the_viewer_is_calm(dock, movie, centre, bright):
    seen = []

    class Watching(bright):
        def step(self, frame):
            seen.append(held())  # torch counts threads for each thread by itself
            return super().step(frame)

    desk = dock(movie, tracker=Watching())
    desk.layers.clicks.add((0, *centre(1, 0)))
    desk.quiet()
    assert held() == (False, 3)
    desk.widget.track.track.click()
    desk.quiet()
    assert seen == [(True, 2)] * 11
    desk.wait(lambda: held() == (False, 3))

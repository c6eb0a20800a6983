"""Sentences, colours, folders and speeds: what needs no viewer."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from napari_lazyvos.gui import pace
from napari_lazyvos.gui.colours import EXCLUDE, INCLUDE, OBJECT_COLOURS, colour_of, label_colormap
from napari_lazyvos.gui.folder import results_folder
from napari_lazyvos.gui.hint import Situation, next_step
from napari_lazyvos.gui.inbox import Inbox
from napari_lazyvos.gui.keys import KEYS
from napari_lazyvos.lazy.events import FrameResult, RunState, Status


def status(**changes):
    plain = Status(RunState.IDLE, (), 10, 0, None, None, 0)
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Situation(None), "Open a movie"),
        (Situation("a", folder="a.lazyvos"), "Press Start"),
        (Situation("a", folder="a.lazyvos", resumable=True), "Press Resume"),
        (Situation("a", opening=True), "Opening a"),
        (Situation("a", status=status()), "Click on the object"),
        (Situation("a", status=status(labels=(1,)), label=2), "Click on object 2"),
        (Situation("a", status=status(labels=(1,), todo=1)), "1 frame to do"),
        (Situation("a", status=status(labels=(1,), todo=9)), "9 frames to do"),
        (
            Situation("a", status=status(labels=(1,), todo=9, state=RunState.PAUSED)),
            "Press Track to go on",
        ),
        (Situation("a", status=status(labels=(1,))), "Tracked to the end"),
        (Situation("a", status=status(), running=True), "Getting the tracker ready"),
        (Situation("a", status=status(), running=True, progress="frame 3"), "Tracking frame 3"),
        (Situation("a", status=status(), layers_missing=True), "Show layers"),
    ],
)
def test_the_hint_says_the_next_step(now, words):
    assert words in next_step(now)


def test_labels_have_the_colours_that_the_list_shows():
    colormap = label_colormap()
    for label in (1, 2, len(OBJECT_COLOURS), len(OBJECT_COLOURS) + 1, 254):
        shown = colormap.map(np.uint8(label)).ravel()
        assert "#" + "".join(f"{round(255 * float(c)):02x}" for c in shown[:3]) == colour_of(label)
    assert colormap.map(np.uint8(0)).ravel()[3] == 0


def test_no_object_looks_like_a_click():
    assert not {INCLUDE, EXCLUDE} & set(OBJECT_COLOURS)
    assert len(set(OBJECT_COLOURS)) == len(OBJECT_COLOURS)


def test_results_go_beside_the_file(tmp_path):
    layer = Image(np.zeros((3, 4, 5)), name="whatever")
    layer.source.__dict__["path"] = str(tmp_path / "heart.mp4")
    assert results_folder(layer) == tmp_path / "heart.lazyvos"


@pytest.mark.parametrize(("name", "folder"), [("a/b: c", "a-b-c.lazyvos"), ("..", "video.lazyvos")])
def test_results_of_arrays_go_home(monkeypatch, name, folder):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/someone"))
    layer = Image(np.zeros((3, 4, 5)), name=name)
    assert results_folder(layer) == Path("/home/someone/lazyvos") / folder


def result(t, done, total=100):
    empty = np.zeros((2, 2), np.uint8)
    return FrameResult(t, empty, empty, (), done, total, 0)


def test_pace(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    watch = pace.Pace()
    watch.start()
    assert watch.describe(result(0, 0)) == ""
    now[0] += 2
    watch.see(result(10, 10))
    assert watch.describe(result(10, 10)) == "5.0 frames/s, 0:18 left"
    now[0] += 18
    watch.see(result(100, 100))
    assert watch.describe(result(100, 100)) == "5.0 frames/s"


def test_an_inbox_keeps_the_latest_frame_and_every_message():
    inbox = Inbox()
    for t in range(300):
        inbox.put(result(t, t))
    inbox.put("hello")
    mail = inbox.take()
    assert (mail.latest.t, mail.messages, mail.written) == (299, ["hello"], set(range(300)))
    assert inbox.take().latest is None


def test_every_key_is_bound_once_and_none_of_naparis_is_taken(make_napari_viewer_proxy):
    from napari.layers import Labels, Points
    from napari.utils.action_manager import action_manager

    taken = {str(key) for kind in (Points, Labels) for key in kind.class_keymap}
    taken |= {str(key) for keys in action_manager._shortcuts.values() for key in keys}
    pairs = [(key.key, where) for key in KEYS for where in key.where]
    assert len(pairs) == len(set(pairs))
    of_viewer = [key.key.replace("-", "+") for key in KEYS if "viewer" in key.where]
    assert of_viewer
    assert not set(of_viewer) & taken
    of_clicks = {k.key for k in KEYS if "clicks" in k.where and len(k.key) == 1}
    assert not of_clicks & {str(key) for key in Points.class_keymap}
    assert all(re.fullmatch(r"(Control-|Shift-)*.", key.key) for key in KEYS)

"""Sentences, colours, folders and speeds: what needs no viewer."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image
from napari.utils.key_bindings import coerce_keybinding

from napari_lazyvos.gui import pace
from napari_lazyvos.gui.colours import EXCLUDE, INCLUDE, OBJECT_COLOURS, colour_of, label_colormap
from napari_lazyvos.gui.folder import results_folder
from napari_lazyvos.gui.help_mode import HelpMode, in_mode, mode_of
from napari_lazyvos.gui.hint import Situation, next_step
from napari_lazyvos.gui.inbox import Inbox
from napari_lazyvos.gui.keys import KEYS
from napari_lazyvos.gui.news import News
from napari_lazyvos.gui.question import Question
from napari_lazyvos.lazy.events import Corrected, FrameResult, RunState, Status, WelcomeBack
from napari_lazyvos.lazy.policy import Policy


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
        (Situation("a", status=status(labels=(1,)), calls=1), "1 call for help is open"),
        (Situation("a", status=status(labels=(1,)), calls=3), "3 calls for help are open"),
        (Situation("a", status=status(labels=(1,)), news="Something new."), "\nSomething new."),
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


def test_the_news_of_a_run():
    news = News(lambda label: f"Cell {label}")
    assert news.text == ""
    news.hear(Corrected(3, 1, 5, 5, accepted=False))
    assert news.text == ""
    news.hear(Corrected(4, 1, 5, 5, accepted=True))
    assert news.text == "The tracker corrected itself once."
    news.hear(Corrected(5, 1, 5, 5, accepted=True))
    news.hear(WelcomeBack(57, 2, 40))
    assert news.text == (
        "Cell 2 is back in frame 57, last seen in 40. The tracker corrected itself 2 times."
    )
    news.hear(WelcomeBack(58, 3, None))
    assert "Cell 3 is back in frame 58." in news.text
    news.forget()
    assert news.text  # the run goes on
    news.end()
    assert news.text
    news.forget()
    assert news.text == ""


def question(**changes):
    plain = Question(41, 1, "Object 1", 0.58, 0.46, 5, 5, (4, 4, 6, 6), 41, 91)
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (question(), "Frames 42 to 90 of this object will be tracked again."),
        (question(stop=43), "Frame 42 of this object will be tracked again."),
        (question(stop=42), "No other frame changes."),
        (question(start=30, stop=42), "Frames 30 to 40 of this object will be tracked again."),
        (question(start=30), "Frames 30 to 90 of this object will be tracked again."),
    ],
)
def test_a_question_says_what_an_answer_changes(asked, words):
    assert asked.consequence == words


def test_a_question_says_why_it_is_asked():
    assert question().reason == "uncertainty rose, 0.12 → 0.58"
    assert question(rise=float("nan")).reason == "uncertainty 0.58"


@pytest.mark.parametrize(
    ("mode", "tau", "pseudo"),
    [
        (HelpMode.NEVER, None, 0.2),
        (HelpMode.STOP, 0.3, 0.2),
        (HelpMode.COLLECT, 0.3, 0.2),
    ],
)
def test_a_mode_is_a_policy(mode, tau, pseudo):
    policy = in_mode(Policy(absent_after=7), mode, 0.3)
    assert (policy.tau_user, policy.tau_pseudo, policy.absent_after) == (tau, pseudo, 7)
    assert mode_of(policy, mode) is mode


def test_the_tracker_never_corrects_itself_where_it_is_to_ask():
    assert in_mode(Policy(), HelpMode.STOP, 0.1).tau_pseudo == 0.1


def test_no_key_of_napari_is_taken_but_the_two_that_are_meant(make_napari_viewer_proxy):
    from napari.components import ViewerModel
    from napari.layers import Labels, Points
    from napari.utils.action_manager import action_manager

    make_napari_viewer_proxy()  # which binds napari's own
    layers = {"clicks": Points, "masks": Labels, "image": Image}
    bound = {where: set(map(keystroke, kind.class_keymap)) for where, kind in layers.items()}
    bound["viewer"] = set(map(keystroke, ViewerModel.class_keymap))
    kinds = layers | {"viewer": ViewerModel}
    for name, keys in action_manager._shortcuts.items():
        provider = action_manager._actions[name].keymapprovider
        for where, kind in kinds.items():
            if issubclass(kind, provider):
                bound[where] |= set(map(keystroke, keys))
    assert keystroke("Space") in bound["viewer"]
    assert keystroke("Shift-A") in bound["clicks"]
    # Keys of the viewer must not be shadowed by those of any layer.
    bound["viewer"] = set().union(*bound.values())
    clashes = {
        (k.key, where) for k in KEYS for where in k.where if keystroke(k.key) in bound[where]
    }
    meant = {("M", "masks"), ("Control-Z", "masks"), ("Control-Shift-Z", "masks")}
    assert clashes == meant  # new object, and one history: see `keys`


def keystroke(key):
    """Write a key as napari does, however it was written."""
    return str(coerce_keybinding(key))


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

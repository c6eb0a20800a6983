"""The point of it all, with the real tracker in a real viewer: it asks, one click, and it is kept.

An object goes behind a bar while its twin comes the other way. Left to itself the tracker takes
one for the other, and is unsure just then.
"""

import cv2
import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lazyvos.lazy.policy import Policy

FRAMES, HEIGHT, WIDTH = 26, 96, 160
RADIUS = 11
BAR = slice(70, 92)


def twins() -> tuple[np.ndarray, np.ndarray]:
    """Return a (T, Y, X) uint8 movie, and where the object is seen in it, (T, Y, X) bool."""
    noise = np.random.default_rng(1)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ground = cv2.GaussianBlur(noise.normal(0, 1, (HEIGHT, WIDTH)), (0, 0), 4)
    ground = 60 + 25 * ground / ground.std()
    movie, seen = (
        np.empty((FRAMES, HEIGHT, WIDTH), np.uint8),
        np.zeros((FRAMES, HEIGHT, WIDTH), bool),
    )
    for t in range(FRAMES):
        frame = ground.copy()
        it = (y - 48) ** 2 + (x - 30 - 4 * t) ** 2 < RADIUS**2
        twin = (y - 30) ** 2 + (x - 118 + 4 * t) ** 2 < RADIUS**2
        frame[it | twin] = 200
        frame[:, BAR] = 100
        it[:, BAR] = False
        movie[t] = np.clip(frame + noise.normal(0, 4, frame.shape), 0, 255)
        seen[t] = it
    return movie, seen


def centre(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)


@pytest.fixture
def lazy(viewer):
    viewer.add_image(twins()[0], name="twins", contrast_limits=(0, 255))
    _, widget = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Lazy segmentation")
    return widget


def track(lazy, qtbot, press, *, answer: bool) -> int:
    """Click the object in the first frame and track; return how many calls were answered."""
    _, seen = twins()

    def until(condition):
        qtbot.waitUntil(lambda: bool(condition()), timeout=90_000)

    def settled():
        return lazy.session is not None and not lazy.binding.busy

    qtbot.mouseClick(lazy.video.start, Qt.LeftButton)
    until(settled)
    lazy.session.policy = Policy.for_tracker("compact", tau_user=0.1, tau_pseudo=None)
    press(lazy.binding.layers.clicks, (0, *centre(seen[0])))
    until(settled)
    qtbot.mouseClick(lazy.track.track, Qt.LeftButton)
    answers = 0
    while True:
        until(lambda: lazy.asking.open or (settled() and not lazy.session.status.todo))
        if not lazy.asking.open:
            return answers
        t = lazy.asking.question.t
        assert lazy.binding.layers.shown_frame() == t
        if answer and seen[t].any():
            answers += 1
            press(lazy.binding.layers.clicks, (t, *centre(seen[t])))
        else:
            lazy.asking.later()
        until(lambda t=t: not lazy.asking.open or lazy.asking.question.t != t)


def overlap(lazy) -> float:
    """Return J of the last frame, in which the object is free again."""
    mask, truth = lazy.session.store.masks.stored(FRAMES - 1) == 1, twins()[1][-1]
    return (mask & truth).sum() / (mask | truth).sum()


def test_one_click_when_it_asks_keeps_the_object(lazy, qtbot, press):
    assert 1 <= track(lazy, qtbot, press, answer=True) <= 5
    assert overlap(lazy) > 0.8
    assert lazy.session.status.todo == 0


def test_without_the_click_it_is_lost(lazy, qtbot, press):
    track(lazy, qtbot, press, answer=False)
    assert overlap(lazy) < 0.1
    assert lazy.session.calls

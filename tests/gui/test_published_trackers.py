"""Trackers whose weights a person has to get, from the file to corrected masks, in a real viewer.

The weights have the published names and are random: the masks mean nothing, but all the rest is
as with learned ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt

from napari_lazyvos.gui.help_mode import HelpMode
from napari_lazyvos.gui.memory_dock import MemoryDock
from napari_lazyvos.lazy.events import RunState
from napari_lazyvos.models import cache
from napari_lazyvos.nets.livos import LivosNet
from napari_lazyvos.nets.mavos import MavosNet
from napari_lazyvos.nets.simvos import SimVosNet, Sizes
from napari_lazyvos.store.ledger import Origin, State
from napari_lazyvos.trackers import MEMORIES

FRAMES = 8
SIDE = 64  # pixels
# A network, and one of its published files that is not the default. All sizes of a transformer
# are read off its weights.
TRACKERS: dict[str, tuple[Callable[[], torch.nn.Module], str]] = {
    "livos": (LivosNet, "livos-nomose"),
    "mavos": (MavosNet, "mavos-davis"),
    "simvos": (partial(SimVosNet, Sizes(width=64, depth=6), refined=True), "simvos-b"),
}


class Compiler:
    """Stands where torch looks for its compiler, and has none.

    In a process that has opened a window, the LLVM of triton meets that of Mesa, and Python dies:
    no tracker may make torch look for it, as random numbers do on the meta device.
    """

    looked_for = False

    def find_spec(self, name, path=None, target=None):
        if name == "triton":
            self.looked_for = True
            raise ModuleNotFoundError(name=name)


@pytest.fixture(autouse=True)
def _no_compiler(monkeypatch) -> Iterator[None]:
    compiler = Compiler()
    monkeypatch.setattr(sys, "meta_path", [compiler, *sys.meta_path])
    yield
    assert not compiler.looked_for, "making a network has loaded torch's compiler"


@pytest.fixture(params=TRACKERS)
def lazy(request, viewer, movie, tmp_path, monkeypatch, qtbot):
    """The widget beside a movie, with a tracker and a file of its weights chosen."""
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))
    net, name = TRACKERS[request.param]
    torch.manual_seed(0)
    file = tmp_path / "downloaded.pth"
    torch.save(net().state_dict(), file)
    viewer.add_image(movie[:FRAMES], name="discs")
    _, lazy = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Lazy segmentation")
    settings = lazy.advanced
    settings.tracker.setCurrentText(request.param)
    assert "(not installed)" in settings.tracker_weights.currentText()
    cache.add(file, name)  # as Models ▸ Use a file… does
    file.unlink()
    weights = settings.tracker_weights
    weights.look()  # as when the mouse enters
    weights.setCurrentIndex(weights.findData(name))
    weights.activated.emit(weights.currentIndex())
    assert weights.currentText() == name
    settings.size.setValue(SIDE)
    settings.device.setCurrentText("cpu")
    lazy.help.modes.setCurrentIndex(list(HelpMode).index(HelpMode.NEVER))
    push(qtbot, lazy.video.start)
    settle(qtbot, lazy)
    return lazy


def push(qtbot, button):
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.LeftButton)


def until(qtbot, lazy, condition):
    def check():
        assert condition(), lazy.hint.text()

    qtbot.waitUntil(check, timeout=60_000)


def settle(qtbot, lazy):
    until(qtbot, lazy, lambda: lazy.session is not None and not lazy.binding.busy)


def scores(session, start):
    return [session.store.ledger.row(1, t).score for t in range(start, FRAMES)]


@pytest.fixture
def panel(lazy, qtbot):
    """The panel of what the tracker remembers; nothing is read while nobody looks."""
    panel = MemoryDock(lazy._viewer)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_from_a_file_of_weights_to_corrected_masks(lazy, panel, qtbot, press, centre):
    layers, session = lazy.binding.layers, lazy.session
    press(layers.clicks, (0, *centre(1, 0)))
    settle(qtbot, lazy)
    assert layers.masks.data[0][centre(1, 0)] == 1

    push(qtbot, lazy.track.track)
    until(qtbot, lazy, lambda: session.store.ledger.row(1, 1).state != State.UNTRACKED)
    push(qtbot, lazy.track.cancel)
    settle(qtbot, lazy)
    assert session.status.state is RunState.IDLE
    assert session.status.todo > 0
    push(qtbot, lazy.track.track)
    settle(qtbot, lazy)
    assert session.status.todo == 0
    found = np.array(layers.masks.data)
    assert (found == 1).any((1, 2)).all()
    assert {session.store.ledger.row(1, t).origin for t in range(1, FRAMES)} == {Origin.MACHINE}

    corrected = FRAMES // 2
    unsure = scores(session, corrected + 1)
    press(layers.clicks, (corrected, *centre(1, corrected)))
    settle(qtbot, lazy)
    assert session.store.ledger.row(1, corrected).origin == Origin.HUMAN
    assert session.status.todo == FRAMES - corrected - 1
    push(qtbot, lazy.track.track)
    settle(qtbot, lazy)
    assert session.status.todo == 0
    again = np.array(layers.masks.data)
    np.testing.assert_array_equal(again[:corrected], found[:corrected])
    assert scores(session, corrected + 1) != unsure  # whatever the masks, they are new ones
    assert corrected in session._models.tracker.memory_frames
    assert not lazy._is_error, lazy.hint.text()

    name, memory = session.tracker_name, lazy.advanced.memory
    assert f"The tracker {name} does not tell" in panel.words.text()
    for button in (panel.forget, panel.keep):
        assert not button.isEnabled()
        assert "correct it in the viewer" in button.toolTip()
    assert panel.curve is None
    offered = bool(MEMORIES[name])
    assert memory.kind.isEnabledTo(memory) == offered
    assert offered or f"{name} leaves no choice" in memory.kind.toolTip()

"""The settings that most people leave as they are."""

from __future__ import annotations

from napari_lazyvos.gui.advanced_box import AdvancedBox
from napari_lazyvos.models import cache
from napari_lazyvos.models.thresholds import DEFAULT, Thresholds, store_thresholds


def test_frames_are_brought_to_a_size_or_stay_as_they_are(qtbot):
    box = AdvancedBox()
    qtbot.addWidget(box)
    assert box.options["tracker_options"] == {"size": 480}
    box.size.setValue(720)
    assert box.options["tracker_options"] == {"size": 720}
    box.size.setValue(box.size.minimum())
    assert box.options["tracker_options"] == {"size": -1}
    assert box.size.text() == "as they are"


def test_each_tracker_suggests_when_to_ask(qtbot):
    box = AdvancedBox()
    qtbot.addWidget(box)
    suggested = set()
    for name in ("compact", "handcrafted", "xmem"):
        box.tracker.setCurrentText(name)
        suggested.add(box.rise.value())
    assert len(suggested) == 3


def test_a_calibrated_tracker_suggests_what_was_found(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path))
    store_thresholds("compact", Thresholds(0.053))
    store_thresholds("handcrafted", Thresholds(None, None, 0.7))
    box = AdvancedBox()
    qtbot.addWidget(box)
    assert box.rise.value() == 0.053
    box.tracker.setCurrentText("handcrafted")
    assert box.rise.value() == DEFAULT.tau_user

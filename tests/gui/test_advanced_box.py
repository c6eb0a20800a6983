"""The settings that most people leave as they are."""

from __future__ import annotations

from qtpy.QtCore import QPointF
from qtpy.QtGui import QEnterEvent

from napari_lazyvos import trackers
from napari_lazyvos.gui.advanced_box import AdvancedBox
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.models.thresholds import DEFAULT, Thresholds, store_thresholds
from napari_lazyvos.trackers import MEMORIES


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


def test_the_memories_of_a_tracker_can_be_chosen(qtbot):
    box = AdvancedBox()
    qtbot.addWidget(box)
    memory = box.memory
    for name, offered in MEMORIES.items():
        box.tracker.setCurrentText(name)
        assert tuple(lines(memory.kind)) == offered
        assert memory.kind.isEnabled() == bool(offered)
        assert "memory" not in box.options["tracker_options"]  # its usual one
    box.tracker.setCurrentText("compact")
    memory.kind.setCurrentText("readmem")
    assert memory.size.text() == "usual size"
    assert box.options["tracker_options"] == {"size": 480, "memory": "readmem"}
    memory.size.setValue(7)
    assert box.options["tracker_options"]["memory_size"] == 7
    memory.kind.setCurrentText("all")
    assert not memory.size.isEnabled()
    assert "no number of frames" in memory.size.toolTip()
    assert box.options["tracker_options"] == {"size": 480, "memory": "all"}
    box.tracker.setCurrentText("handcrafted")
    assert not memory.kind.isEnabled()
    assert "handcrafted leaves no choice" in memory.kind.toolTip()
    assert box.options["tracker_options"] == {"size": 480}


def test_what_is_chosen_is_what_the_tracker_gets(qtbot):
    box = AdvancedBox()
    qtbot.addWidget(box)
    for name in trackers.BUNDLED:
        box.tracker.setCurrentText(name)
        for kind in lines(box.memory.kind) or [""]:
            box.memory.kind.setCurrentText(kind)
            box.memory.size.setValue(4)
            tracker = trackers.load(name, device="cpu", **box.options["tracker_options"])
            assert not kind or tracker._keeping.memory == kind


def install(folder, monkeypatch, *names):
    """Put something where these files would be: the box looks at no more than that."""
    monkeypatch.setenv(cache.FOLDER, str(folder))
    for name in names:
        cache.place(find(name)).write_bytes(b"weights")


def choose(combo, text):
    """Choose a line as a person does."""
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def lines(combo):
    return [combo.itemText(row) for row in range(combo.count())]


def test_methods_with_several_files_let_one_choose(qtbot, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "xmem-s012", "xmem-s2", "sam_hq_vit_l")
    box = AdvancedBox()
    qtbot.addWidget(box)
    assert box.tracker_weights.isHidden()
    assert box.refiner_weights.isHidden()
    assert box.options["refiner_options"] == {}
    box.tracker.setCurrentText("xmem")
    box.refiner.setCurrentText("sam_hq")
    assert not box.tracker_weights.isHidden()
    assert lines(box.tracker_weights) == [
        "xmem-s012",
        "xmem (not installed)",
        "xmem-s2",
        "xmem-no-sensory (not installed)",
    ]
    assert box.options["tracker_options"] == {"size": 480, "weights": "xmem-s012"}
    assert box.options["refiner_options"] == {"weights": "sam_hq_vit_l"}  # the one that is here
    choose(box.tracker_weights, "xmem-s2")
    box.tracker.setCurrentText("compact")
    assert box.options["tracker_options"] == {"size": 480}
    box.tracker.setCurrentText("xmem")
    assert box.options["tracker_options"]["weights"] == "xmem-s2"


def test_the_default_is_offered_where_nothing_is_installed(qtbot, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch)
    box = AdvancedBox()
    qtbot.addWidget(box)
    box.tracker.setCurrentText("xmem")
    assert box.tracker_weights.currentText() == "xmem-s012 (not installed)"


def test_what_was_downloaded_meanwhile_is_seen(qtbot, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch)
    box = AdvancedBox()
    qtbot.addWidget(box)
    box.tracker.setCurrentText("xmem")
    install(tmp_path, monkeypatch, "xmem")
    place = QPointF(1, 1)
    box.enterEvent(QEnterEvent(place, place, place))
    assert box.tracker_weights.currentText() == "xmem"
    choose(box.tracker_weights, "xmem-s2 (not installed)")
    install(tmp_path, monkeypatch, "xmem-s012")
    box.tracker_weights.showPopup()
    box.tracker_weights.hidePopup()
    assert box.tracker_weights.currentText() == "xmem-s2 (not installed)"  # a person's choice
    assert lines(box.tracker_weights)[0] == "xmem-s012"
    assert box.options["tracker_options"]["weights"] == "xmem-s2"


def test_the_open_box_has_room_for_them(qtbot):
    box = AdvancedBox()
    qtbot.addWidget(box)
    box.show()
    box.expand(animate=False)
    before = box.sizeHint().height()
    box.tracker.setCurrentText("xmem")
    qtbot.waitUntil(lambda: box.sizeHint().height() > before)
    weights = box.tracker_weights
    qtbot.waitUntil(lambda: weights.visibleRegion().boundingRect().height() == weights.height())
    assert weights.minimumSizeHint().width() < 250

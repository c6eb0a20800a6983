"""The dock widget *Models*, with a site on this computer that publishes two toys."""

import threading

import pytest
import torch
from napari.utils.notifications import notification_manager
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_lazyvos.gui import models_words
from napari_lazyvos.gui.errand import Arrived
from napari_lazyvos.gui.models_widget import ModelsWidget
from napari_lazyvos.gui.pace import Pace
from napari_lazyvos.models import cache, catalogue
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.models.download import arrived, download

WHOLE = "802 kB"  # each toy
SLOW = 0.1  # seconds per 64 kB: a toy takes more than a second


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "lazyvos-models"]


class Desk:
    """A viewer with the widget docked."""

    def __init__(self, viewer, qtbot, publisher):
        self.viewer, self.qtbot, self.publisher = viewer, qtbot, publisher
        self.widget = ModelsWidget()
        viewer.window.add_dock_widget(self.widget, name="models")

    def wait(self, condition):
        self.qtbot.waitUntil(condition, timeout=10_000)

    def quiet(self):
        self.wait(lambda: not self.widget._errands)

    def choose(self, name):
        self.widget.list.choose(name)

    def state(self, name):
        return self.widget.list.state_of(name)

    def enabled(self):
        widget = self.widget
        buttons = (widget.download, widget.cancel, widget.use_file, widget.delete)
        return [button.isEnabled() for button in buttons]

    @property
    def says(self):
        return self.widget.hint.text()

    @property
    def tone(self):
        return self.widget.hint.property("tone")

    def begin_slowly(self, name="toy-sure"):
        """Press Download, and wait until something has arrived."""
        self.publisher.seconds = SLOW
        self.choose(name)
        self.widget.download.click()
        self.wait(lambda: self.widget._errands[0].arrived is not None)
        self.wait(lambda: self.widget._errands[0].arrived.done > 0)


@pytest.fixture
def desk(viewer, qtbot, publisher):
    yield Desk(viewer, qtbot, publisher)
    qtbot.waitUntil(lambda: not threads(), timeout=5_000)


@pytest.fixture
def pick(monkeypatch):
    """Answer the file dialog."""

    def answer(path):
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))

    return answer


def test_opening_it_shows_what_is_here_and_asks_the_network_for_nothing(desk):
    assert desk.state("toy-first") == desk.state("toy-sure") == "not installed"
    assert desk.says.startswith("Press Download to get toy-first (about 800 kB) from 127.0.0.1")
    assert desk.widget.title.text() == "Toy without a published checksum"
    assert "recorded" in desk.widget.facts["Check"].text()
    desk.choose("toy-sure")
    assert "publish" in desk.widget.facts["Check"].text()
    assert desk.widget.facts["Paper"].text() == "Nobody, A Toy, 2026"
    licences = desk.widget.facts["Licences"].text()
    assert licences == "code: MIT; weights: not stated by the authors"
    assert desk.enabled() == [True, False, True, False]
    assert not desk.widget.bar.isVisibleTo(desk.widget)
    assert desk.publisher.asked == []
    assert not cache.folder().exists()


def test_the_default_of_a_method_is_marked(desk):
    method = desk.widget.list.topLevelItem(0)
    lines = [method.child(i).text(0) for i in range(method.childCount())]
    assert method.text(0) == "Tracker toy"
    assert lines == [
        "code MIT, weights not stated by the authors",
        "toy-first (default)",
        "toy-sure",
    ]


@pytest.mark.parametrize("name", ["toy-first", "toy-sure"])
def test_a_download_to_the_end(desk, name):
    desk.begin_slowly(name)
    assert desk.says == f"Downloading {name} from {find(name).site}…"
    assert desk.enabled() == [False, True, False, False]
    assert desk.widget.bar.isVisibleTo(desk.widget)
    desk.wait(lambda: f" of {WHOLE}, " in desk.widget.bar.text())
    desk.quiet()
    assert desk.state(name) == "installed"
    assert desk.says == "Installed. The tracker toy uses it."
    assert desk.enabled() == [False, False, True, True]
    assert not desk.widget.bar.isVisibleTo(desk.widget)
    assert cache.weights_for("toy") == cache.place(find(name))
    assert notification_manager.records[-1].message == f"{name} is installed."


def test_another_model_may_be_looked_at_meanwhile(desk):
    desk.begin_slowly("toy-sure")
    desk.choose("toy-first")
    assert desk.widget.title.text() == "Toy without a published checksum"
    assert desk.says.startswith("Downloading toy-sure")
    assert desk.enabled() == [False, True, False, False]
    desk.quiet()
    assert desk.says == "toy-sure is installed."
    assert desk.enabled() == [True, False, True, False]


def test_cancel_keeps_what_has_arrived_and_the_next_download_goes_on(desk):
    desk.begin_slowly()
    desk.widget.cancel.click()
    assert desk.says == "Stopping the download…"
    assert desk.enabled() == [False] * 4
    desk.quiet()
    assert "was stopped" in desk.says
    assert "goes on from there" in desk.says
    assert desk.tone == "plain"
    kept = arrived(find("toy-sure"))
    assert desk.state("toy-sure") == f"{kept / 1000:.0f} of {WHOLE}"
    desk.choose("toy-first")
    desk.choose("toy-sure")
    assert desk.says.startswith("Press Download to get the rest of toy-sure")
    desk.widget.download.click()
    desk.quiet()
    assert desk.state("toy-sure") == "installed"
    assert desk.publisher.asked == [None, f"bytes={kept}-"]


def test_a_cut_connection_is_a_sentence_and_a_part(desk):
    desk.publisher.cut = 400_000
    desk.choose("toy-sure")
    desk.widget.download.click()
    desk.quiet()
    assert "was cut after" in desk.says
    assert desk.tone == "error"
    assert desk.state("toy-sure").endswith(f" of {WHOLE}")
    assert desk.enabled() == [True, False, True, True]
    desk.publisher.cut = None
    desk.widget.download.click()
    desk.quiet()
    assert desk.state("toy-sure") == "installed"
    assert desk.tone == "plain"


def test_a_wrong_file_is_a_sentence_and_nothing_is_installed(desk):
    changed = bytearray(desk.publisher.files["Toy-Sure.pth"])
    changed[-1] ^= 1
    desk.publisher.files["Toy-Sure.pth"] = bytes(changed)
    desk.choose("toy-sure")
    desk.widget.download.click()
    desk.quiet()
    assert "is not the file that its authors published" in desk.says
    assert desk.tone == "error"
    assert desk.state("toy-sure") == "not installed"
    desk.choose("toy-first")
    assert desk.tone == "plain"


def test_a_file_from_elsewhere_is_used(desk, pick, tmp_path):
    file = tmp_path / "Toy (1).pth"
    file.write_bytes(desk.publisher.files["Toy-Sure.pth"])
    pick(file)
    desk.choose("toy-sure")
    desk.widget.use_file.click()
    assert desk.says == "Checking and copying Toy (1).pth…"
    assert desk.enabled() == [False] * 4
    desk.quiet()
    assert desk.state("toy-sure") == "installed"
    assert desk.publisher.asked == []


def test_another_file_is_refused(desk, pick, tmp_path):
    file = tmp_path / "Toy-Sure.pth"
    file.write_bytes(desk.publisher.files["Toy-First.pth"])
    pick(file)
    desk.choose("toy-sure")
    desk.widget.use_file.click()
    desk.quiet()
    assert "its SHA-256 begins with" in desk.says
    assert desk.state("toy-sure") == "not installed"


def test_no_file_chosen_is_no_errand(desk, pick):
    pick("")
    desk.widget.use_file.click()
    assert not desk.widget._errands


@pytest.mark.parametrize("answer", [QMessageBox.Yes, QMessageBox.No])
def test_deleting_asks_first(desk, monkeypatch, answer):
    download(find("toy-sure"))
    desk.choose("toy-sure")
    assert desk.state("toy-sure") == "installed"
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answer)
    desk.widget.delete.click()
    desk.quiet()
    assert cache.is_installed(find("toy-sure")) == (answer == QMessageBox.No)
    assert desk.state("toy-sure") == ("not installed" if answer == QMessageBox.Yes else "installed")


@pytest.mark.parametrize("can", [True, False])
def test_the_folder_is_made_and_shown(desk, monkeypatch, can):
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url) or can)
    desk.widget.open_folder.click()
    assert cache.folder().is_dir()
    assert shown[0].toLocalFile() == str(cache.folder())
    assert (str(cache.folder()) in desk.says) != can


def test_a_folder_that_cannot_be_made_is_a_sentence(desk, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "file" / "models"))
    desk.widget.open_folder.click()
    assert "cannot be written" in desk.says
    assert desk.tone == "error"
    desk.widget.download.click()
    desk.quiet()
    assert "cannot be written" in desk.says


def test_what_the_command_line_installed_is_seen_when_it_is_shown_again(desk):
    download(find("toy-sure"))
    assert desk.state("toy-sure") == "not installed"
    desk.widget.showEvent(QShowEvent())  # the windows of tests are never shown
    assert desk.state("toy-sure") == "installed"


def test_a_defect_is_told_too(desk, monkeypatch):
    monkeypatch.setattr(cache, "remove", lambda _: 1 / 0)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.Yes)
    download(find("toy-first"))
    desk.choose("toy-sure")
    desk.choose("toy-first")
    desk.widget.delete.click()
    desk.quiet()
    assert desk.says.startswith("Could not delete Toy-First.pth: ZeroDivisionError")


def test_the_dock_closed_in_the_middle(desk):
    desk.begin_slowly()
    desk.viewer.window.remove_dock_widget("all")
    desk.wait(lambda: not threads())
    assert 0 < arrived(find("toy-sure")) < 800_000


def test_the_viewer_closed_in_the_middle(make_napari_viewer, qtbot, publisher):
    desk = Desk(make_napari_viewer(), qtbot, publisher)
    desk.begin_slowly()
    desk.viewer.close()
    desk.wait(lambda: not threads())
    assert 0 < arrived(find("toy-sure")) < 800_000


def test_the_main_widget_opens_it(viewer, qtbot):
    from napari_lazyvos.gui.widget import LazyWidget

    widget = LazyWidget(viewer)
    viewer.window.add_dock_widget(widget, name="lazy")
    widget.advanced.models.click()
    dock, models = viewer.window.add_plugin_dock_widget("napari-lazyvos", "Models")
    assert isinstance(models, ModelsWidget)
    dock.hide()
    widget.advanced.models.click()
    assert dock.isVisibleTo(dock.parentWidget())


def test_it_fits_a_narrow_dock(viewer):
    widget = ModelsWidget()  # of the real catalogue
    viewer.window.add_dock_widget(widget, name="models")
    for entry in catalogue.entries():
        widget.list.choose(entry.name)
        assert widget.minimumSizeHint().width() <= 350


def test_a_file_that_a_person_has_to_get_is_not_downloaded(
    viewer, qtbot, monkeypatch, pick, tmp_path
):
    entry, asked = find("mivos"), []
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))
    monkeypatch.setattr(QMessageBox, "question", lambda *words: asked.append(words[-1]))
    desk = Desk(viewer, qtbot, None)  # of the real catalogue
    desk.choose("xmem")
    assert desk.enabled() == [True, False, True, False]
    assert desk.widget.download.toolTip() == ""
    desk.choose("mivos")
    assert desk.enabled() == [False, False, True, False]
    assert desk.widget.download.toolTip() == "drive.google.com gives this file to people only"
    assert desk.says == (
        f"Open {entry.url} in a browser, save propagation_model.pth (about 215 MB), and press "
        "Use a file…"
    )
    saved = tmp_path / "download (1)"
    torch.save({entry.tensor: torch.zeros(1)}, saved)
    pick(saved)
    desk.widget.use_file.click()
    desk.quiet()
    assert desk.state("mivos") == "installed"
    assert desk.says == "Installed. The tracker mivos uses it."
    assert desk.enabled() == [False, False, True, True]
    desk.widget.delete.click()
    assert asked == ["Delete propagation_model.pth from this computer? It can be got again."]


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (41_000_000, 249_000_000, "41 of 249 MB"),
        (1_200_000_000, 2_570_940_653, "1.2 of 2.6 GB"),
        (300, 801_000, "0 of 801 kB"),
        (12, 900, "12 of 900 bytes"),
        (41_000_000, None, "41 MB"),
    ],
)
def test_how_much_in_one_unit(done, total, words):
    assert models_words.how_much(done, total) == words


def test_progress_in_words(monkeypatch):
    from napari_lazyvos.gui import pace

    now, watch = [100.0], Pace()
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    watch.start(40_000_000)
    assert models_words.progress(Arrived(40_000_000, 249_000_000), watch) == "40 of 249 MB"
    now[0] += 2
    later = Arrived(50_000_000, 249_000_000)
    watch.see(later)
    assert models_words.progress(later, watch) == "50 of 249 MB, 5.0 MB/s, 0:40 left"
    assert models_words.progress(Arrived(249, 249), watch) == "Checking the file…"
    assert models_words.progress(Arrived(50_000_000, None), watch) == "50 MB, 5.0 MB/s"


def test_the_licences_of_a_method_are_the_same_for_all_its_files():
    for entry in catalogue.entries():
        default = catalogue.of_method(entry.method)[0]
        assert models_words.licences(entry) == models_words.licences(default)


def test_of_several_installed_models_it_says_which_is_used(publisher):
    for name in ("toy-first", "toy-sure"):
        download(find(name))
    assert models_words.advice(find("toy-first")) == "Installed. The tracker toy uses it."
    assert "uses toy-first, unless you choose this one" in models_words.advice(find("toy-sure"))

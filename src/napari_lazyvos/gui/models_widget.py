"""The dock widget *Models*."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QEvent, Qt, QTimer, QUrl
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.gui import models_words
from napari_lazyvos.gui.errand import Errand, adding, fetching, removing
from napari_lazyvos.gui.models_list import ModelsList
from napari_lazyvos.gui.pace import Pace
from napari_lazyvos.gui.style import SHEET
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import entries

__all__ = ["ModelsWidget"]

LOOK_MS = 100  # between two looks at what the errand did


class ModelsWidget(QWidget):
    """Weights that others have published: what is installed, and how to get the rest.

    It asks the network for nothing before *Download* is pressed. What is downloaded or copied is
    so in a thread; when the widget goes, that is told to stop, and what has arrived is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries = entries()
        self._errands: list[Errand] = []  # the one that goes on; shared with what cleans up
        self._pace = Pace()
        self._said = ""  # stands in place of the advice until another model is chosen
        self._is_error = False  # what is said is of something that failed
        self.hint = QLabel(wordWrap=True, objectName="hint", textFormat=Qt.PlainText)
        self.hint.setTextInteractionFlags(Qt.TextSelectableByMouse)  # it may name an address
        self.list = ModelsList(self.entries)
        self.title = QLabel(wordWrap=True, objectName="title", textFormat=Qt.PlainText)
        self.facts: dict[str, QLabel] = {}
        self.bar = QProgressBar()
        self.download = QPushButton("Download", objectName="primary")
        self.cancel = QPushButton("Cancel", toolTip="Stop the download; what has arrived is kept")
        self.use_file = QPushButton("Use a file…")
        self.use_file.setToolTip("Check and copy a file that you got in another way")
        self.delete = QPushButton("Delete…", toolTip="Delete the file from this computer")
        self.open_folder = QPushButton("Open folder", toolTip=str(cache.folder()))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._lay_out()
        self._connect()
        self._refresh()

    # What can be done ---------------------------------------------------------------------------

    def _on_download(self) -> None:
        if (entry := self.list.entry) is not None:
            self._begin(fetching(entry))

    def _on_cancel(self) -> None:
        for errand in self._errands:
            errand.close()
        self._refresh()

    def _on_use_file(self) -> None:
        if (entry := self.list.entry) is None:
            return
        kinds = f"Weights (*{Path(entry.file).suffix});;All files (*)"
        file, _ = QFileDialog.getOpenFileName(self, f"Use a file as {entry.file}", "", kinds)
        if file:
            self._begin(adding(entry, Path(file)))

    def _on_delete(self) -> None:
        if (entry := self.list.entry) is None:
            return
        again = "got" if entry.by_hand else "downloaded"
        question = f"Delete {entry.file} from this computer? It can be {again} again."
        if QMessageBox.question(self, "Delete weights", question) == QMessageBox.Yes:
            self._begin(removing(entry))

    def _on_open_folder(self) -> None:
        try:
            with cache.writing(cache.folder()) as folder:
                shown = QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        except LazyVosError as error:
            self._say(str(error), is_error=True)
            return
        if not shown:
            self._say(f"No program could open the folder: it is {folder}.")

    def _on_chosen(self) -> None:
        self._say("")

    # What the errand does -----------------------------------------------------------------------

    def _begin(self, errand: Errand) -> None:
        self._errands[:] = [errand]
        self._pace = Pace()
        self.bar.setRange(0, 0)
        self.bar.setFormat("")
        self._timer.start(LOOK_MS)
        self._say("")

    def _look(self) -> None:
        """Show how far the errand is; the one gate to the main thread."""
        (errand,) = self._errands
        if errand.over:
            self._end(errand)
        elif errand.arrived is not None:
            self._show_progress(errand)

    def _show_progress(self, errand: Errand) -> None:
        now = errand.arrived
        assert now is not None  # the only caller has looked
        if not self.bar.format():
            self._pace.start(now.done)
        self._pace.see(now)
        # In thousandths: Qt counts in 32 bits.
        self.bar.setRange(0, 1000 if now.total else 0)
        self.bar.setValue(1000 * now.done // (now.total or 1))
        self.bar.setFormat(models_words.progress(now, self._pace))

    def _end(self, errand: Errand) -> None:
        self._timer.stop()
        self._errands.clear()
        if errand.stopped:
            self._say(errand.wrong)
        elif errand.wrong:
            show_error(errand.wrong)
            self._say(errand.wrong, is_error=True)
        else:
            show_info(errand.done)
            self._say("" if errand.entry == self.list.entry else errand.done)

    # What is shown ------------------------------------------------------------------------------

    def _say(self, sentence: str, *, is_error: bool = False) -> None:
        """Show a sentence in place of the advice, or the advice again if it is empty."""
        self._said, self._is_error = sentence, is_error
        self._refresh()

    def _refresh(self) -> None:
        """Set every button and text from the state of things; the only place that does."""
        errand, entry = next(iter(self._errands), None), self.list.entry
        states = {each.name: models_words.state(each) for each in self.entries}
        if errand is not None:
            states[errand.entry.name] = f"{errand.doing.split()[0].lower()}…"
        self.list.show_states(states)
        idle = errand is None and entry is not None
        here = states.get(entry.name, "") if entry is not None else ""
        why_not = models_words.forbidden(entry) if entry is not None else ""
        self.download.setEnabled(idle and here != "installed" and not why_not)
        self.download.setToolTip(why_not)
        self.cancel.setEnabled(errand is not None and errand.can_stop and not errand.stopping)
        self.use_file.setEnabled(idle)
        self.delete.setEnabled(idle and here != "not installed")
        self.bar.setVisible(errand is not None)
        self._show_facts()
        self._show_hint(errand)

    def _show_facts(self) -> None:
        if (entry := self.list.entry) is None:
            return
        self.title.setText(entry.title)
        for heading, text in models_words.facts(entry).items():
            self.facts[heading].setText(text)
        self.facts["File"].setToolTip(entry.url)

    def _show_hint(self, errand: Errand | None) -> None:
        entry = self.list.entry
        if errand is not None:
            text = "Stopping the download…" if errand.stopping else errand.doing
        else:
            text = self._said or (models_words.advice(entry) if entry is not None else "")
        self.hint.setText(text)
        self.hint.setProperty("tone", "error" if self._is_error and errand is None else "plain")
        self.hint.style().polish(self.hint)  # Qt looks at properties only then

    # How it is put together ---------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setStyleSheet(SHEET)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.hint)
        layout.addWidget(self.list)
        for buttons in (
            (self.download, self.cancel),
            (self.use_file, self.delete, self.open_folder),
        ):
            row = QHBoxLayout()
            for button in buttons:
                row.addWidget(button)
            layout.addLayout(row)
        layout.addWidget(self.bar)
        layout.addWidget(self._make_facts(), 1)

    def _make_facts(self) -> QScrollArea:
        facts = QWidget()
        form = QFormLayout(facts)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.title)
        for heading in models_words.HEADINGS:
            label = QLabel(wordWrap=True, textFormat=Qt.PlainText, alignment=Qt.AlignTop)
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
            self.facts[heading] = label
            form.addRow(QLabel(heading, alignment=Qt.AlignTop), label)
        # A dock may be low: two of them share the height of the window.
        area = QScrollArea(widgetResizable=True, frameShape=QFrame.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setWidget(facts)
        return area

    def _connect(self) -> None:
        for signal, act in (
            (self.list.chosen, self._on_chosen),
            (self.download.clicked, self._on_download),
            (self.cancel.clicked, self._on_cancel),
            (self.use_file.clicked, self._on_use_file),
            (self.delete.clicked, self._on_delete),
            (self.open_folder.clicked, self._on_open_folder),
        ):
            signal.connect(act)
        # For a window that is closed as a whole; a bound method would be gone by then.
        self.destroyed.connect(partial(_let_go, self._errands))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Look again at what is installed: the command line may have changed it."""
        super().showEvent(event)
        self._refresh()

    def event(self, event: QEvent) -> bool:
        """Let go of everything when the dock is closed: napari takes the parent away then.

        It sends no closeEvent, and `destroyed` comes only when no reference is left.
        """
        if event.type() == QEvent.ParentChange and self.parentWidget() is None:
            self._timer.stop()
            _let_go(self._errands)
            # Or Python's garbage collector would do it, perhaps in the errand's thread.
            self.deleteLater()
        return bool(super().event(event))


def _let_go(errands: list[Errand], *_: Any) -> None:
    """Stop what goes on; safe to call twice, and without Qt."""
    for errand in errands:
        errand.close()

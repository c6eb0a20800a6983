"""The panel that asks for help with one object, and takes the answer."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lazyvos.gui.colours import colour_of
from napari_lazyvos.gui.question import Question
from napari_lazyvos.gui.swatch import swatch

__all__ = ["HelpBar"]


class HelpBar(QFrame):
    """Shows a question, and then for a moment that it is answered; hidden when there is none."""

    fine_pressed = Signal()
    absent_pressed = Signal()
    end_pressed = Signal()
    later_pressed = Signal()
    back_pressed = Signal()
    there_pressed = Signal()  # show the frame that it is about
    go_on_pressed = Signal()
    stay_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="helpBar")
        self._name = ""  # of the object
        self.dot = QLabel()
        self.title = QLabel(wordWrap=True, textFormat=Qt.PlainText, objectName="helpTitle")
        self.reason = QLabel(wordWrap=True, textFormat=Qt.PlainText)
        self.prompt = QLabel("Click on it, draw, or:")
        self.fine = QPushButton("It is fine", toolTip="The mask is right as it is  (Shift+F)")
        self.absent = QPushButton("Not here")
        self.absent.setToolTip("Out of view for now; it is looked for in what follows  (Shift+X)")
        self.end = QPushButton("Ends here", toolTip="It does not come back  (Shift+E)")
        self.later = QPushButton("Later", toolTip="Leave the question open  (Shift+S)")
        self.back = QPushButton("Back", flat=True, objectName="quiet")
        self.back.setToolTip("Move the camera back to where it was")
        self.there = QPushButton("Go there", flat=True, objectName="quiet")
        self.consequence = QLabel(wordWrap=True, objectName="dim")
        self.go_on_after = QCheckBox("Go on after one click", checked=True)
        self.go_on_after.setToolTip(
            "Tracking goes on by itself after one click on the object, or one of the buttons.\n"
            "After drawing it waits for you."
        )
        self.done = QLabel(wordWrap=True, textFormat=Qt.PlainText)
        self.go_on = QPushButton("Go on", objectName="primary")
        self.stay = QPushButton("Wait", toolTip="Do not go on yet")
        self._lay_out()
        for button, signal in (
            (self.fine, self.fine_pressed),
            (self.absent, self.absent_pressed),
            (self.end, self.end_pressed),
            (self.later, self.later_pressed),
            (self.back, self.back_pressed),
            (self.there, self.there_pressed),
            (self.go_on, self.go_on_pressed),
            (self.stay, self.stay_pressed),
        ):
            button.clicked.connect(signal)
        self.hide()

    def show_question(self, question: Question, *, more: int, consequence: str) -> None:
        """Ask.

        Parameters
        ----------
        question : Question
        more : int
            Questions that come after this one before tracking goes on.
        consequence : str
            What an answer leads to.
        """
        self.dot.setPixmap(swatch(question.label))
        self._name = question.name
        self.title.setText(f"Is {question.name} right?")
        waiting = f" · {more} more" if more else ""
        self.reason.setText(f"Frame {question.t}: {question.reason}{waiting}")
        self.consequence.setText(consequence)
        self.setStyleSheet(f"#helpBar {{ border-left-color: {colour_of(question.label)}; }}")
        self._stack.setCurrentIndex(0)
        self.show()

    def show_answered(self, text: str, *, waiting: bool) -> None:
        """Say that the question is answered.

        Parameters
        ----------
        text : str
        waiting : bool
            For the person; else tracking is about to go on.
        """
        self.title.setText(self._name)
        self.done.setText(text)
        self.go_on.setVisible(waiting)
        self.stay.setVisible(not waiting)
        self._stack.setCurrentIndex(1)

    def show_place(self, *, moved: bool, elsewhere: bool) -> None:
        """Say whether the camera was moved, and whether another frame is shown."""
        self.back.setVisible(moved)
        self.there.setVisible(elsewhere)

    def _lay_out(self) -> None:
        title = QHBoxLayout()
        title.addWidget(self.dot)
        title.addWidget(self.title, 1)
        title.addWidget(self.there)
        title.addWidget(self.back)
        asking, answered = QWidget(), QWidget()
        grid = QGridLayout(asking)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.reason, 0, 0, 1, 4)
        grid.addWidget(self.prompt, 1, 0, 1, 4)
        for column, button in enumerate((self.fine, self.absent, self.end, self.later)):
            grid.addWidget(button, 2, column)
        grid.addWidget(self.consequence, 3, 0, 1, 4)
        grid.addWidget(self.go_on_after, 4, 0, 1, 4)
        after = QVBoxLayout(answered)
        after.setContentsMargins(0, 0, 0, 0)
        after.addWidget(self.done)
        buttons = QHBoxLayout()
        buttons.addWidget(self.go_on)
        buttons.addWidget(self.stay)
        after.addLayout(buttons)
        after.addStretch(1)
        # Keeps its height when the question is answered: nothing jumps under the mouse.
        self._stack = QStackedWidget()
        self._stack.addWidget(asking)
        self._stack.addWidget(answered)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 7, 7, 7)
        layout.addLayout(title)
        layout.addWidget(self._stack)

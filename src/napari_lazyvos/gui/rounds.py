"""Rounds: a frame is corrected, and that is spread to both sides (CiVOS, thesis ch. 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lazyvos.gui.binding import Binding
from napari_lazyvos.gui.fusion_box import FusionBox
from napari_lazyvos.gui.round_ahead import RoundAhead, look_ahead
from napari_lazyvos.gui.timeline_data import Reach, Why
from napari_lazyvos.gui.track_box import TrackBox

if TYPE_CHECKING:
    from napari_lazyvos.lazy.next_frame import Suggestion

__all__ = ["Rounds"]


class Rounds(QObject):
    """Runs rounds in the frame that is shown, and says which frame is worth the next one.

    Parameters
    ----------
    controls : TrackBox
        Says whether rounds are wanted, and of which objects.
    choices : FusionBox
        Says how.
    parent : QObject
    """

    changed = Signal()  # whether rounds are wanted, or what one would change

    def __init__(self, controls: TrackBox, choices: FusionBox, parent: QObject) -> None:
        super().__init__(parent)
        self.suggestion: Suggestion | None = None
        self._controls = controls
        self._choices = choices
        self._binding: Binding | None = None
        self._age: int | None = None  # of what a person had said when it was suggested
        controls.round.go_pressed.connect(self.go_next)
        controls.options_chosen.connect(self._on_chosen)
        for box in (choices.fusion, choices.memory):
            box.currentIndexChanged.connect(self.changed)

    @property
    def keys(self) -> Mapping[str, Callable[[], None]]:
        """What each key does; see `napari_lazyvos.gui.keys.KEYS`."""
        return {"next": self.go_next, "mode": self._controls.switch_mode}

    @property
    def options(self) -> dict[str, Any]:
        """What the controls say, as `Session.rounds.run` takes it."""
        return {
            "everyone": self._controls.round.everyone.isChecked(),
            "fusion": self._choices.fusion.currentData(),
            "memory": self._choices.memory.currentData(),
        }

    def bind(self, binding: Binding) -> None:
        """Work on the session of a binding from now on."""
        self._binding = binding
        binding.opened.connect(self._on_opened)
        binding.changed.connect(self._look_for_next)

    def release(self) -> None:
        """Work on nothing."""
        self._binding, self._age = None, None
        self._on_next(None)

    def ahead(self) -> RoundAhead | None:
        """Return what a round would do now; None in the lazy pass, or while frames are tracked."""
        binding = self._ready
        if binding is None or binding.session is None or binding.layers is None:
            return None
        return look_ahead(binding.session, binding.layers.shown_frame(), **self.options)

    def reach(self) -> tuple[Reach, ...]:
        """Return what a round here would change, and what one would after a click here."""
        binding = self._ready
        if binding is None or binding.session is None or binding.layers is None:
            return ()
        session, t = binding.session, binding.layers.shown_frame()
        everyone = self.options["everyone"]
        annotated = session.rounds.bounds(t, everyone=everyone)
        whole = session.rounds.bounds(t, [binding.label], everyone=everyone)
        return tuple(
            Reach(label, each.first, each.last + 1, Why.ROUND if label in annotated else Why.CLICK)
            for label, each in whole.items()
        )

    def run(self) -> None:
        """Run the round of the frame that is shown, or what is left of it."""
        binding, ahead = self._ready, self.ahead()
        if binding is not None and ahead is not None and not ahead.why_not:
            self._controls.begin(ahead)
            binding.run_round(ahead.t, **self.options)

    def go_next(self) -> None:
        """Show the frame that is worth a round most, and choose the object that speaks for it."""
        binding, suggestion = self._ready, self.suggestion
        if binding is not None and binding.layers is not None and suggestion is not None:
            binding.choose(label=suggestion.label)
            binding.layers.show_frame(suggestion.t)

    @property
    def _ready(self) -> Binding | None:
        """What a round can be run on now."""
        binding = self._binding
        if binding is None or binding.tracking or not self._controls.in_rounds:
            return None
        return binding

    def _on_opened(self) -> None:
        if self._binding is not None and self._binding.session is not None:
            self._choices.show_tracker(self._binding.session.tracker_name)

    def _on_chosen(self) -> None:
        self._look_for_next()
        self.changed.emit()

    def _look_for_next(self) -> None:
        """Have the next frame looked up after a run, or after a person has said something."""
        binding = self._binding
        if binding is None or binding.status is None:
            return
        if binding.tracking:
            self._age = None
        elif self._controls.in_rounds and self._age != binding.status.generation:
            self._age = binding.status.generation
            binding.peek(
                "look up the next frame", lambda session: session.rounds.suggest(), self._on_next
            )

    def _on_next(self, suggestion: Suggestion | None) -> None:
        self.suggestion = suggestion
        self._controls.round.show_next(suggestion)

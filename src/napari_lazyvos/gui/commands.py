"""What a person can have done with buttons and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info

from napari_lazyvos.gui.binding import Binding
from napari_lazyvos.gui.rounds import Rounds
from napari_lazyvos.gui.track_box import TrackBox

__all__ = ["Commands"]


class Commands:
    """One method per button or key; each does nothing where it makes no sense.

    Parameters
    ----------
    binding : callable
        Returns the binding of the open session, or None.
    controls : TrackBox
        Says how to track, and whether there is anything to track.
    rounds : Rounds
        Runs them.
    """

    def __init__(
        self, binding: Callable[[], Binding | None], controls: TrackBox, rounds: Rounds
    ) -> None:
        self._binding = binding
        self._controls = controls
        self._rounds = rounds

    @property
    def keys(self) -> Mapping[str, Callable[[], None]]:
        """What each key does; see `napari_lazyvos.gui.keys.KEYS`."""
        return {
            "toggle": self.toggle_polarity,
            "flip": self.flip_selected,
            "new": self.new_object,
            "up": partial(self.choose_neighbour, 1),
            "down": partial(self.choose_neighbour, -1),
            "undo": self.undo,
            "redo": self.redo,
            "go": self.track_or_pause,
            "step": self.step,
            "correction": self.next_correction,
        }

    def track(self) -> None:
        """Track as the controls say."""
        self._track()

    def step(self) -> None:
        """Track one frame; a round is run as a whole."""
        if not self._controls.in_rounds:
            self._track(at_most=1)

    def go_on(self) -> None:
        """Go on with the lazy pass after an answer; a round begins only where a person says so."""
        if not self._controls.in_rounds:
            self._track()

    def track_again(self, label: int, t: int, start: int, stop: int) -> None:
        """Track one object anew in the frames ``start <= frame < stop`` around a correction."""
        binding = self._binding()
        if binding is not None and not binding.running and not self._controls.in_rounds:
            way = "forward" if start == t else "backward" if stop == t + 1 else "both"
            self._controls.begin()
            binding.track(labels=(label,), start=start, stop=stop, direction=way)

    def next_correction(self) -> None:
        """Show the next frame that a person corrected; after the last one the first."""
        binding = self._binding()
        if binding is not None and binding.session is not None and binding.layers is not None:
            frames = binding.session.store.ledger.human_frames()
            if len(frames):
                here = frames.searchsorted(binding.layers.shown_frame(), side="right")
                binding.layers.show_frame(int(frames[here % len(frames)]))

    def pause(self) -> None:
        """End the run after the frame in flight."""
        if (binding := self._binding()) is not None:
            binding.engine.pause()

    def cancel(self) -> None:
        """Give the run up after the frame in flight."""
        if (binding := self._binding()) is not None:
            binding.engine.cancel()

    def track_or_pause(self) -> None:
        """Pause if a run is on, else track."""
        binding = self._binding()
        if binding is not None and binding.running:
            self.pause()
        else:
            self._track()

    def undo(self) -> None:
        """Undo the last change of the session."""
        self._do("undo", lambda session: session.undo())

    def redo(self) -> None:
        """Do again what was undone."""
        self._do("redo", lambda session: session.redo())

    def new_object(self) -> None:
        """Make the next click one on a new object."""
        binding = self._binding()
        if binding is not None and binding.session is not None:
            binding.click_next()
            binding.choose(label=binding.next_label(), positive=True)

    def end_object(self) -> None:
        """Say that the current object is not there from the shown frame on."""
        binding = self._binding()
        if binding is not None and binding.layers is not None:
            label, t = binding.label, binding.layers.shown_frame()
            self._do("end the object", lambda session: session.end_object(label, t))

    def remove_object(self) -> None:
        """Remove the current object from every frame."""
        if (binding := self._binding()) is not None:
            label = binding.label
            self._do("remove the object", lambda session: session.remove_object(label))

    def rename(self, label: int, name: str) -> None:
        """Give an object a name."""
        self._do("rename the object", lambda session: session.name_object(label, name))

    def choose_object(self, label: int) -> None:
        """Make an object the current one."""
        if (binding := self._binding()) is not None:
            binding.choose(label=label)

    def choose_neighbour(self, step: int) -> None:
        """Make another object of the list the current one."""
        binding = self._binding()
        if binding is not None and binding.session is not None:
            labels = sorted({*binding.session.labels, binding.label})
            index = labels.index(binding.label) + step
            binding.choose(label=labels[index % len(labels)])

    def choose_polarity(self, positive: bool) -> None:
        """Say whether the left button includes or excludes."""
        if (binding := self._binding()) is not None:
            binding.choose(positive=positive)

    def toggle_polarity(self) -> None:
        """Turn what the left button says into its opposite."""
        if (binding := self._binding()) is not None:
            binding.choose(positive=not binding.positive)

    def flip_selected(self) -> None:
        """Turn the selected clicks into their opposite."""
        binding = self._binding()
        if binding is not None and binding.clicks is not None:
            binding.clicks.flip_selected()

    def show_layers(self) -> None:
        """Bring deleted layers back."""
        if (binding := self._binding()) is not None:
            binding.show_layers()

    def follow(self, follow: bool) -> None:
        """Say whether the slider follows the tracker."""
        if (binding := self._binding()) is not None:
            binding.follow = follow

    def export(self, format: str, path: Path, overwrite: bool) -> None:
        """Write the masks in another format."""
        self._do(
            "export",
            lambda session: session.export(format, path, overwrite=overwrite),
            lambda written: show_info(f"Exported to {written}"),
        )

    def _track(self, **options: Any) -> None:
        binding = self._binding()
        if binding is None or self._controls.why_not:
            return
        if self._controls.in_rounds:
            self._rounds.run()
        else:
            self._controls.begin()
            binding.track(**self._controls.options, **options)

    def _do(self, text: str, work: Any, then: Any = None) -> None:
        if (binding := self._binding()) is not None:
            binding.do(text, work, then)

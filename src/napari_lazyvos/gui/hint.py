"""What to do next, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lazyvos.gui.round_ahead import RoundAhead
from napari_lazyvos.lazy.events import RunState, Status

__all__ = ["Situation", "next_step"]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the next step depends on."""

    video: str | None  # name of the chosen layer
    folder: str = ""  # name of the folder for the results
    resumable: bool = False  # it holds results already
    opening: bool = False  # a session is being opened
    status: Status | None = None  # of the open session
    running: bool = False
    progress: str = ""  # of the run: "frame 41 of 120"
    label: int = 1  # the object that is being edited
    layers_missing: bool = False
    calls: int = 0  # for help, open
    news: str = ""  # what the tracker did by itself
    ahead: RoundAhead | None = None  # what a round here would do; None in the lazy pass


def next_step(now: Situation) -> str:
    """Return the sentence that stands at the top of the widget, and what is new."""
    step = _step(now)
    return f"{step}\n{now.news}" if now.news and now.status is not None else step


def _step(now: Situation) -> str:
    if now.opening:
        return f"Opening {now.video}…"
    if now.status is None:
        return _before_session(now)
    if now.running or now.status.state is RunState.RUNNING:
        return f"Tracking {now.progress}" if now.progress else "Getting the tracker ready…"
    if now.layers_missing:
        return "A layer was deleted; nothing is lost. Press Show layers to bring it back."
    return _in_session(now, now.status)


def _before_session(now: Situation) -> str:
    if now.video is None:
        return "Open a movie: drop a file here, or File ▸ Open Sample ▸ Lazy VOS."
    if now.resumable:
        return f"Press Resume to go on with {now.folder}."
    return f"Press Start. Results will go into {now.folder}."


def _in_session(now: Situation, status: Status) -> str:
    if not status.labels:
        return "Click on the object to segment, in any frame."
    if now.label not in status.labels:
        return f"Click on object {now.label}, in any frame."
    if now.ahead is not None:
        return _in_rounds(now.ahead)
    if status.todo:
        frames = "1 frame" if status.todo == 1 else f"{status.todo} frames"
        verb = "go on" if status.state is RunState.PAUSED else "begin"
        return f"Press Track to {verb}: {frames} to do. To correct a mask, click or draw."
    if now.calls:
        calls = "1 call for help is" if now.calls == 1 else f"{now.calls} calls for help are"
        return f"Tracked to the end. {calls} open: see the help list, or Shift+H."
    return "Tracked to the end. Where a mask is wrong, click or draw, then Track again."


def _in_rounds(ahead: RoundAhead) -> str:
    if not ahead.labels:
        return "Click on an object in this frame, or draw. Then run the round of this frame."
    if ahead.first == ahead.last:
        return "The frames beside this one are annotated: its round would change nothing."
    if not ahead.left:
        return "This round is done. Go to a frame where a mask is wrong, and click there."
    again = "" if ahead.left == ahead.progress.total else " to go on"
    return f"Press Run round{again}: {ahead.consequence}. To correct more here, click or draw."

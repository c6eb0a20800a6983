"""A video of a batch is shown with its open calls, and answers are kept."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.gui.help_list import HelpList
from napari_lazyvos.gui.help_mode import HelpMode
from napari_lazyvos.gui.review import main, open_review
from napari_lazyvos.lazy.policy import Policy
from napari_lazyvos.lazy.session import Session


@pytest.fixture
def store(movie, centre, bright, doubting, tmp_path):
    """Return the store of a video that was tracked, with two open calls."""
    video = tmp_path / "discs.npy"
    np.save(video, movie)
    policy = Policy(tau_user=0.2, tau_pseudo=None, patience=2)
    tracker = doubting({4: {1}, 8: {1}})
    path = tmp_path / "discs.lazyvos"
    with Session(video, store=path, tracker=tracker, refiner="classical", policy=policy) as session:
        y, x = centre(1, 0)
        session.click(0, y, x)
        session.track()
        assert [call.t for call in session.calls] == [4, 8]
    return path


@pytest.fixture
def resume(store, bright):
    """Open the session again, with a tracker that is quick."""

    def make() -> Session:
        return Session.resume(store, tracker=bright(), refiner="classical")

    return make


def test_the_help_list_is_open_and_an_answer_is_kept(resume, make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    with resume() as session:
        widget = open_review(session, viewer)

        def calls() -> int:
            docked = viewer.window.dock_widgets.values()
            found = [each for each in docked if isinstance(each, HelpList)]
            return found[0].model.rowCount() if found else -1

        qtbot.waitUntil(lambda: calls() == 2, timeout=20_000)
        assert widget.help.mode is HelpMode.COLLECT
        assert viewer.layers[0].name == "discs"
        widget.asking.next_call()
        qtbot.waitUntil(lambda: widget.asking.open and not widget.binding.busy, timeout=20_000)
        widget.asking.fine()
        qtbot.waitUntil(lambda: calls() == 1, timeout=20_000)
        widget.stop()
    with resume() as session:
        assert len(session.calls) == 1


def test_what_cannot_be_shown_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit:
        main(str(tmp_path))
    assert exit.value.code == 1
    assert capsys.readouterr().err.startswith(f"lazyvos: {tmp_path} is no session")

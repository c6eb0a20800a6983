"""Clips that are followed under each protocol, by real trackers and real sessions."""

from __future__ import annotations

import base64
import io
import pickle

import numpy as np
import pytest
from PIL import Image

from napari_lazyvos.benchmark.play import play
from napari_lazyvos.benchmark.settings import Settings
from napari_lazyvos.errors import LazyVosError

FRAMES = 9
LIGHT = {"tracker": "handcrafted", "refiner": "classical", "device": "cpu"}


@pytest.fixture
def lost(make_clip, squares, paint):
    """Return a clip of an object that jumps while it is covered, and leaves a twin behind."""
    labels = squares(FRAMES, {1: (0, 4, 0)})
    twin = labels.copy()
    labels[4] = twin[:5] = 0
    labels[5:] = np.roll(labels[5:], 28, axis=1)
    return make_clip(labels, movie=paint(labels + twin))


@pytest.fixture
def easy(make_clip, squares):
    return make_clip(squares(FRAMES, {1: (0, 4, 0), 3: (4, 28, 0)}), fps=10.0)


def test_svos_gives_masks_and_asks_nobody(easy, tmp_path):
    ticks = []
    result = play(easy, tmp_path, lambda: ticks.append(1), settings=Settings(**LIGHT))
    assert (result.name, result.frames, result.height, result.width) == ("clip", FRAMES, 48, 64)
    assert result.tracked == len(ticks) == 8
    assert result.seconds > 0
    assert (result.fps, result.rounds, result.worst, result.cells) == (10, (), (), None)
    first, later = result.objects
    assert (first.given, first.frames, first.end) == (0, tuple(range(1, 9)), 8)
    assert (later.label, later.given, later.frames) == (3, 4, tuple(range(5, 9)))
    for each in result.objects:
        assert min(each.region) > 0.8
        assert len(each.scores) == len(each.frames)
        assert all(score is not None and score >= 0 for score in each.scores)
        assert (each.corrections, each.idle, each.pseudo, each.unseen) == ((), (), (), None)


def test_zivos_answers_calls_and_passes_over_what_is_not_there(lost, tmp_path):
    settings = Settings(protocol="zivos", policy={"tau_user": 1e-6, "patience": 0}, **LIGHT)
    (asked,) = play(lost, tmp_path / "a", settings=settings).objects
    silent = Settings(protocol="zivos", policy={"tau_user": None}, **LIGHT)
    (alone,) = play(lost, tmp_path / "b", settings=silent).objects
    assert not alone.corrections
    assert asked.corrections
    assert set(asked.corrections) <= set(range(1, FRAMES)) - {4}
    assert set(asked.idle) <= {4}
    assert np.mean(asked.region[4:]) > np.mean(alone.region[4:]) + 0.3
    # A perfect start, and perfect answers.
    settings = Settings(
        protocol="zivos", start="mask", answer="mask", policy={"tau_user": 1e-6}, **LIGHT
    )
    (perfect,) = play(lost, tmp_path / "c", settings=settings).objects
    answered = [perfect.region[perfect.frames.index(t)] for t in perfect.corrections]
    assert answered == [1.0] * len(answered)


def test_random_makes_as_many_corrections_at_other_moments(lost, tmp_path):
    def corrections(seed: int, folder: str) -> tuple[int, ...]:
        settings = Settings(protocol="random", seed=seed, calls={"clip": 3}, **LIGHT)
        (found,) = play(lost, tmp_path / folder, settings=settings).objects
        return found.corrections

    drawn = [corrections(seed, f"{seed}") for seed in (1, 2)]
    assert drawn[0] != drawn[1]
    assert all(len(each) == 3 for each in drawn)
    assert not any(4 in each for each in drawn)  # the object is not there
    assert corrections(2, "again") == drawn[1]
    none = Settings(protocol="random", calls={"another": 3}, **LIGHT)
    assert not play(lost, tmp_path / "none", settings=none).objects[0].corrections


@pytest.mark.parametrize("strategy", ["a1", "a2", "a3"])
def test_rounds_click_the_worst_frame(lost, tmp_path, strategy):
    settings = Settings(protocol="ivos", rounds=4, strategy=strategy, **LIGHT)
    result = play(lost, tmp_path, settings=settings)
    (found,) = result.objects
    assert len(result.rounds) == 4
    assert found.corrections
    assert result.rounds[-1] > result.rounds[0] + 0.1
    last = (np.mean(found.region) + np.mean(found.contour)) / 2
    assert result.rounds[-1] == pytest.approx(last)


def test_rounds_may_take_the_frames_that_are_suggested(lost, tmp_path):
    settings = Settings(protocol="ivos", rounds=3, next_frame="suggested", **LIGHT)
    (found,) = play(lost, tmp_path, settings=settings).objects
    assert found.corrections
    assert set(found.corrections) <= set(found.frames)


def test_masks_are_saved_and_the_worst_frames_drawn(easy, tmp_path):
    masks = tmp_path / "masks"
    folder = tmp_path / "work"
    result = play(easy, folder, settings=Settings(**LIGHT), masks=masks, pictures=True)
    saved = sorted(path.name for path in (masks / "clip").iterdir())
    assert saved == [f"{t:05}.png" for t in range(FRAMES)]
    with Image.open(masks / "clip" / "00008.png") as image:
        assert image.mode == "P"
        assert set(np.unique(np.asarray(image))) == {0, 1, 3}
    lowest = min(region for each in result.objects for region in each.region)
    assert result.worst[0].region == lowest
    for picture in result.worst:
        with Image.open(io.BytesIO(base64.b64decode(picture.jpeg))) as image:
            assert image.size == (64, 48)


def test_few_objects_and_cells(make_clip, squares, tmp_path):
    clip = make_clip(squares(5, {1: (0, 4, 0), 2: (0, 28, 0)}))
    settings = Settings(most_objects=1, **LIGHT)
    assert len(play(clip, tmp_path / "a", settings=settings).objects) == 1
    settings = Settings(cells=True, **LIGHT)
    found = play(clip, tmp_path / "b", settings=settings).cells
    assert found["SEG"] > 0.8
    assert (found["DET"], found["TRA"]) == (1, 1)


def test_settings_are_checked_and_go_to_other_processes():
    settings = Settings(protocol="zivos", policy={"tau_user": 0.2})
    assert pickle.loads(pickle.dumps(settings)) == settings
    for options, words in (
        ({"protocol": "ovos"}, "protocol is 'ovos': choose svos"),
        ({"strategy": "a4"}, "strategy is 'a4'"),
        ({"rounds": 0}, "rounds is 0"),
        ({"policy": {"tau": 1}}, "no policy option 'tau'"),
        ({"policy": {"patience": -1}}, "patience is -1"),
    ):
        with pytest.raises(LazyVosError, match=words):
            Settings(**options)

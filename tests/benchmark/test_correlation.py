"""A study of a tracker whose uncertainty is known to be right, or the reverse of it."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_lazyvos import trackers
from napari_lazyvos.benchmark.clip import Clip
from napari_lazyvos.benchmark.correlation import ObjectCorrelation, Study, correlate
from napari_lazyvos.benchmark.layouts import find_clips
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import samples

PLAIN = ("masked", "by-predicted", "by-reference", "whole")


class ScriptedTracker:
    """Finds object k in as many of the columns from 20 (k - 1) on, and rows as unsurely, as told.

    `script[k][t]` are the columns, of 10, and the unsure rows, of 10. All objects have 10 x 10
    pixels.
    """

    name = "scripted"
    device = torch.device("cpu")
    memory_frames = ()

    def __init__(self, script: dict[int, list[tuple[int, int]]]) -> None:
        self.script = script
        self.labels: tuple[int, ...] = ()
        self.last = -1

    def step(self, frame: np.ndarray) -> torch.Tensor:
        probabilities = torch.zeros((1 + len(self.labels), 10, 40))
        for row, label in enumerate(self.labels, start=1):
            columns, unsure = self.script[label][self.last + 1]
            part = probabilities[row, :, 20 * (label - 1) :][:, :columns]
            part[:] = 1.0
            part[:unsure] = 0.500001
        probabilities[0] = 1 - probabilities.sum(dim=0)
        return probabilities

    def commit(self, t, frame, probabilities, labels, *, permanent=False) -> None:
        self.last, self.labels = t, labels

    def forget(self, label) -> None:
        raise AssertionError("nothing is to be forgotten")

    def snapshot(self) -> dict[str, Any]:
        raise AssertionError("nothing is to be taken back")

    def restore(self, snapshot) -> None:
        raise AssertionError("nothing is to be taken back")


@dataclass
class Squares:
    """Objects of 10 x 10 pixels, in the frames that are given for each; None: nothing is known."""

    shown: list[set[int] | None]
    closed: bool = False

    @property
    def labels(self) -> tuple[int, ...]:
        return tuple(sorted(set().union(*(each or set() for each in self.shown))))

    def at(self, t: int) -> dict[int, np.ndarray]:
        masks: dict[int, np.ndarray] = {}
        for label in self.labels if self.shown[t] is not None else ():
            masks[label] = np.zeros((10, 40), bool)
            if label in self.shown[t]:
                masks[label][:, 20 * (label - 1) :][:, :10] = True
        return masks

    def close(self) -> None:
        self.closed = True


def clip(tmp_path, shown: list[set[int] | None], **more) -> Clip:
    path = tmp_path / "squares.tif"
    frames = np.zeros((len(shown), 10, 40), np.uint8)
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return Clip("squares", path, Squares(shown), **more)


def study(clip: Clip, script, tmp_path, **more) -> dict[int, ObjectCorrelation]:
    load = partial(ScriptedTracker, script)
    found = correlate(clip, tmp_path, load=load, **({"variants": PLAIN} | more))
    return {each.label: each for each in found}


def test_uncertainty_that_rises_as_masks_get_worse_is_perfect(tmp_path):
    shown = [{1, 2}] * 6
    better = [(10, 0), (9, 1), (8, 2), (6, 4), (5, 6), (3, 9)]
    wrong = [(10, 0), (9, 9), (8, 7), (6, 5), (5, 4), (3, 1)]
    found = study(clip(tmp_path, shown), {1: better, 2: wrong}, tmp_path)
    assert found[1].frames == (1, 2, 3, 4, 5)
    assert found[1].region == pytest.approx((0.9, 0.8, 0.6, 0.5, 0.3))
    assert found[1].correlation("by-predicted") == pytest.approx(1)
    assert found[2].correlation("by-predicted") == pytest.approx(-1)
    # Summed, the 9 rows of 3 columns are less than the 6 rows of 5: 9, 16, 24, 30, 27 pixels.
    assert found[1].correlation("masked") == pytest.approx(0.9)
    assert found[1].correlation("by-reference") == pytest.approx(0.9)
    assert found[1].uncertainty["whole"] == found[2].uncertainty["whole"]


def test_the_uncertainties_are_those_of_the_frames(tmp_path):
    script = {1: [(10, 0), (8, 2), (0, 0), (5, 4)]}
    (found,) = study(clip(tmp_path, [{1}] * 4), script, tmp_path).values()
    assert found.uncertainty["masked"] == pytest.approx((16, 0, 20), rel=1e-4)
    assert found.uncertainty["whole"] == pytest.approx((16, 0, 20), rel=1e-4)
    assert found.uncertainty["by-reference"] == pytest.approx((0.16, 0, 0.2), rel=1e-4)
    first, lost, last = found.uncertainty["by-predicted"]
    assert (first, last) == pytest.approx((0.2, 0.4), rel=1e-4)
    assert lost is None  # of an empty mask there is no share
    assert np.isnan(found.correlation("by-predicted"))  # two frames are too few
    assert found.correlation("masked") == pytest.approx(-0.5)  # J .8 0 .5


def test_only_what_is_known_counts(tmp_path):
    script = dict.fromkeys((1, 2), [(10, 0)] * 7)
    shown = [set(), {1}, {1}, None, {1, 2}, {2}, {1, 2}]
    of_all = study(clip(tmp_path, shown), script, tmp_path)
    assert of_all[1].frames == (2, 4, 5, 6)
    assert of_all[1].region == (1, 1, 0, 1)
    assert of_all[2].frames == (5, 6)
    shorter = study(clip(tmp_path, shown, judge_last=False), script, tmp_path)
    assert shorter[1].frames == (2, 4, 5)
    assert set(study(clip(tmp_path, shown), script, tmp_path, most_objects=1)) == {1}
    given_last = study(clip(tmp_path, [{1}, {1}, {1, 2}]), script, tmp_path)
    assert set(given_last) == {1}  # of the other nothing was predicted


def test_frames_are_counted_and_files_let_go_of(tmp_path):
    counted = []
    one = clip(tmp_path, [{1}] * 5)
    correlate(
        one,
        tmp_path,
        lambda: counted.append(1),
        load=partial(ScriptedTracker, {1: [(10, 0)] * 5}),
        variants=("masked",),
    )
    assert len(counted) == 4
    assert one.references.closed


def test_a_clip_without_objects_gets_a_sentence(tmp_path):
    with pytest.raises(LazyVosError, match="the references of squares show no object"):
        study(clip(tmp_path, [set(), set()]), {}, tmp_path)


def test_a_study_sums_up_its_objects(tmp_path):
    region, rising = (0.9, 0.7, 0.5, 0.3), (0.1, 0.2, 0.3, 0.4)
    uncertain = {1: rising, 2: rising[::-1], 3: (0.1, 0.3, 0.2, 0.4), 4: (None,) * 4}
    objects = [
        ObjectCorrelation("b", label, (1, 2, 3, 4), region, {"masked": values})
        for label, values in uncertain.items()
    ]
    found = Study({"tracker": "x"}, {"numpy": "2"}).with_objects(objects[1:])
    found = found.with_objects(objects[:1]).with_failure("c", "no.")
    assert [each.label for each in found.objects] == [1, 2, 3, 4]
    assert found.variants == ("masked",)
    assert found.correlations("masked") == pytest.approx([1, -1, 0.8])
    assert found.quartiles("masked") == pytest.approx((-0.1, 0.8, 0.9))
    found.write(tmp_path / "new" / "study.json")
    content = json.loads((tmp_path / "new" / "study.json").read_text())
    assert content["summary"]["masked"]["objects"] == 3
    assert content["summary"]["masked"]["quartiles"] == pytest.approx([-0.1, 0.8, 0.9])
    assert content["objects"][3]["uncertainty"]["masked"] == [None] * 4
    assert content["failed"] == {"c": "no."}


def test_a_study_without_any_correlation_is_written_too(tmp_path):
    one = ObjectCorrelation("a", 1, (1,), (0.5,), {"masked": (0.1,)})
    empty = Study({}, {}).with_objects([one])
    assert np.isnan(empty.quartiles("masked")).all()
    empty.write(tmp_path / "study.json")
    assert json.loads((tmp_path / "study.json").read_text())["summary"] == {}


def test_a_real_tracker_in_what_another_process_would_be_sent(tmp_path):
    frames, label_maps = samples.cells(6, 64, 80)
    for name, stack in (("frames", frames), ("masks", label_maps)):
        (tmp_path / "set" / "cells" / name).mkdir(parents=True)
        for t, picture in enumerate(stack):
            Image.fromarray(picture).save(tmp_path / "set" / "cells" / name / f"{t:05}.png")
    (one,) = find_clips(tmp_path / "set", "folder")
    load = partial(trackers.load, "handcrafted", device="cpu")
    work = partial(correlate, load=load, variants=PLAIN)
    work, one = pickle.loads(pickle.dumps((work, one)))
    found = work(one, tmp_path)
    assert {each.label for each in found} == set(np.unique(label_maps[0])) - {0}
    assert np.mean([each.region for each in found]) > 0.6
    assert any(value for each in found for value in each.uncertainty["by-predicted"])

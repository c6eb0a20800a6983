"""Which objects are followed, from where, and in which frames they are judged."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.benchmark.targets import find_targets, judge
from napari_lazyvos.errors import LazyVosError

FRAMES = 6


def test_each_object_is_given_where_it_is_seen_first(make_clip, squares):
    labels = squares(FRAMES, {1: (0, 2, 2), 4: (3, 26, 2)})
    first, later = find_targets(make_clip(labels), FRAMES)
    assert (first.label, first.given, first.end, first.area) == (1, 0, 5, 256)
    assert first.judged == (1, 2, 3, 4, 5)
    assert (later.label, later.given, later.judged) == (4, 3, (4, 5))


def test_the_last_frame_is_left_out_where_the_set_does_so(make_clip, squares):
    labels = squares(FRAMES, {1: (0, 2, 2), 2: (5, 26, 2)})
    first, last = find_targets(make_clip(labels, judge_last=False), FRAMES)
    assert (first.judged, first.end) == ((1, 2, 3, 4), 5)
    assert last.judged == ()  # given in the last frame


def test_sparse_references_judge_only_their_frames(make_clip, squares):
    labels = squares(FRAMES, {1: (0, 2, 2)})
    (target,) = find_targets(make_clip(labels, unknown=(1, 2, 4)), FRAMES)
    assert (target.given, target.judged, target.end) == (0, (3, 5), 5)
    (alone,) = find_targets(make_clip(labels, unknown=range(1, 6)), FRAMES)
    assert (alone.judged, alone.end) == ((), 5)  # to be followed, though nothing is known


def test_the_first_and_largest_are_kept(make_clip, squares):
    labels = squares(FRAMES, {1: (2, 2, 2), 2: (0, 2, 40), 3: (0, 26, 2)})
    labels[0, 26:30, 2:18] = 0  # object 3 is smaller in its first frame
    clip = make_clip(labels)
    assert [each.label for each in find_targets(clip, FRAMES, most=1)] == [2]
    assert [each.label for each in find_targets(clip, FRAMES, most=2)] == [2, 3]


def test_no_object_is_a_sentence(make_clip):
    with pytest.raises(LazyVosError, match="clip show no object"):
        find_targets(make_clip(np.zeros((3, 48, 64), np.uint8)), 3)


def test_masks_are_compared_frame_by_frame(make_clip, squares):
    labels = squares(4, {1: (0, 2, 2), 2: (0, 26, 2)})
    labels[3][labels[3] == 2] = 0  # object 2 has left
    clip = make_clip(labels)
    found = np.roll(labels, 4, axis=2)
    found[2][found[2] == 1] = 0
    of = judge(clip, find_targets(clip, 4), lambda t: found[t])
    assert of[1].region == (pytest.approx(12 / 20), 0, pytest.approx(12 / 20))
    assert of[1].predicted == (True, False, True)
    assert of[2].region == (pytest.approx(0.6), pytest.approx(0.6), 1)
    assert of[2].contour[2] == 1
    assert of[2].present == (True, True, False)
    assert of[2].predicted == (True, True, False)

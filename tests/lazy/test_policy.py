"""What is decided about a score."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.lazy.events import ObjectScore
from napari_lazyvos.lazy.policy import Action, Policy
from napari_lazyvos.models.thresholds import Thresholds, store_thresholds


def score(rise: float | None, value: float = 0.3, label: int = 1) -> ObjectScore:
    return ObjectScore(label, value, rise, area=40)


@pytest.mark.parametrize(
    ("rise", "action"),
    [
        (None, Action.GO_ON),
        (-0.9, Action.GO_ON),
        (0.19, Action.GO_ON),
        (0.2, Action.PSEUDO),
        (0.49, Action.PSEUDO),
        (0.5, Action.ASK),
        (2.0, Action.ASK),
    ],
)
def test_the_thresholds_of_the_thesis_act_on_the_rise(rise, action):
    assert Policy().action(7, score(rise, value=0.9)) is action


def test_a_threshold_of_none_never_acts():
    rises = [score(rise) for rise in (0.2, 0.5, 5.0)]
    assert {Policy(tau_user=None, tau_pseudo=None).action(1, each) for each in rises} == {
        Action.GO_ON
    }
    # What the person is not asked about, the tracker may still correct.
    assert Policy(tau_user=None).action(1, score(0.7)) is Action.PSEUDO
    assert Policy(tau_pseudo=None).action(1, score(0.4)) is Action.GO_ON


def test_the_score_itself_as_trigger():
    policy = Policy(trigger="score")
    assert policy.action(1, score(None, 0.6)) is Action.ASK
    assert policy.action(1, score(0.9, 0.3)) is Action.PSEUDO
    assert policy.action(1, score(0.9, 0.1)) is Action.GO_ON


def test_what_is_too_unsure_to_be_remembered():
    scores = [score(0.0, 0.79, 1), score(0.0, 0.8, 2), score(None, 1.3, 5)]
    assert Policy().unsure(scores) == {2, 5}
    assert Policy(tau_memory=None).unsure(scores) == frozenset()


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_greater_rise_never_means_less(one, other, first, second):
    low, high = sorted((first, second))
    policy = Policy(tau_pseudo=low, tau_user=high)
    order = list(Action)
    actions = [order.index(policy.action(0, score(rise))) for rise in sorted((one, other))]
    assert actions == sorted(actions)


def test_a_policy_of_ones_own():
    class EveryTenth(Policy):
        def action(self, t: int, score: ObjectScore) -> Action:
            return Action.ASK if t % 10 == 0 else Action.GO_ON

    policy = EveryTenth(tau_memory=0.5)
    assert [policy.action(t, score(0.9)) for t in (9, 10)] == [Action.GO_ON, Action.ASK]
    assert policy.unsure([score(0.0, 0.6)]) == {1}


def test_a_tracker_brings_its_own_thresholds(monkeypatch, tmp_path):
    monkeypatch.setenv("LAZYVOS_MODELS", str(tmp_path))
    assert Policy.for_tracker("xmem") == Policy()
    store_thresholds("mine", Thresholds(0.3, 0.1, 0.9))
    policy = Policy.for_tracker("mine", patience=2)
    assert (policy.tau_user, policy.tau_pseudo, policy.tau_memory) == (0.3, 0.1, 0.9)
    assert policy.patience == 2
    assert Policy.for_tracker("mine", tau_user=0.2).tau_pseudo == 0.1
    assert Policy.for_tracker("mine", tau_user=0.05).tau_pseudo is None
    assert Policy.for_tracker("mine", tau_user=None).tau_pseudo == 0.1


def test_options_make_the_same_policy_again():
    policy = Policy(tau_user=0.4, trigger="score", patience=0)
    assert Policy(**policy.options) == policy


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trigger": "mood"}, "trigger is 'mood': choose rise or score"),
        ({"normaliser": "frame"}, "choose original or dilated"),
        ({"uncertainty": "mood"}, "choose entropy or total or epistemic"),
        ({"tau_user": 0.1}, "tau_pseudo is 0.2 and tau_user 0.1"),
        ({"absent_after": 0}, "give 1 frame or more, or None"),
        ({"patience": -1}, "give 0 frames or more"),
    ],
)
def test_options_out_of_range(options, words):
    with pytest.raises(LazyVosError, match=words):
        Policy(**options)

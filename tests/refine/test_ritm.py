"""RITM answers clicks as its authors' code does, with and without f-BRS.

Weights are synthetic: what they say means nothing, but must be what the authors' code says.
"""

from __future__ import annotations

import json
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import torch

from napari_lazyvos import refine
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.nets.ritm import RitmNet
from napari_lazyvos.refine import Click, Refiner
from napari_lazyvos.refine.ritm import RitmRefiner, Window, _Search, _squares

NETS = Path(__file__).parents[1] / "nets"
SYNTHETIC = run_path(str(NETS / "ritm_weights.py"))
ONE = [Click(31, 9)]
THREE = [Click(31, 9), Click(12, 17.5), Click(50, 5, positive=False)]


@pytest.fixture(scope="module")
def golden():
    return np.load(NETS / "ritm_golden.npz")


@pytest.fixture(scope="module")
def meta(golden):
    return json.loads(bytes(golden["meta_json"]))


@pytest.fixture(scope="module")
def weights(meta):
    make = SYNTHETIC["weights"]
    return {
        name: make(RitmNet(18, 48, small=True), **meta["tuning"][name]) for name in ("zoom", "brs")
    }


@pytest.fixture(scope="module")
def refiner(weights):
    return load(weights["brs"])


@pytest.fixture(scope="module")
def embedding(refiner):
    """A frame of 8 bit, in portrait and of a size that no stride divides."""
    rgb = np.random.default_rng(0).integers(0, 256, (91, 23, 3), np.uint8)
    return refiner.embed(as_frame(rgb))


def load(weights, **options):
    return refine.load("ritm", weights=weights, device="cpu", **options)


def as_frame(rgb):
    return np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32) / np.float32(255)


def agree(found, clicks):
    return [bool(found.mask[round(each.y), round(each.x)]) == each.positive for each in clicks]


def played(golden, meta, weights, case, **options):
    """Return a refiner, the frame as it sees it, and the clicks of a case."""
    facts = meta["cases"][case]
    refiner = load(weights[facts["tuning"]], **options)
    clicks = [Click(y, x, positive) for y, x, positive in facts["clicks"]]
    return refiner, refiner.embed(as_frame(golden[facts["picture"]])), clicks


def test_it_keeps_the_protocol(refiner, embedding):
    assert isinstance(refiner, Refiner)
    assert refiner.name == "ritm"
    found = refiner.refine(embedding, THREE)
    assert found.mask.shape == found.probability.shape == (91, 23)
    assert found.probability.dtype == np.float32
    np.testing.assert_array_equal(found.mask, found.probability >= 0.5)


def test_clicks_are_answered_as_published(golden, meta, weights):
    refiner, seen, clicks = played(golden, meta, weights, "zoom")
    windows, answer = [], None
    with torch.no_grad():
        for count in range(1, 5):
            answer = refiner._answer(seen, clicks[:count], answer)
            found, window = answer.probability[0, 0], answer.window
            # Noise of 1e-7 in the first answer is 6e-4 in the fourth, with these weights.
            np.testing.assert_allclose(found[::3, ::3], golden[f"zoom_{count}"], atol=5e-3)
            edges = window and [window.top, window.bottom - 1, window.left, window.right - 1]
            windows.append(edges)
    assert windows == meta["cases"]["zoom"]["windows"]
    assert windows[1] == windows[2] != windows[3]  # it stays, and goes to where a click is


def test_f_brs_answers_as_published_and_agrees_with_all_clicks(golden, meta, weights):
    refiner, seen, clicks = played(golden, meta, weights, "brs", brs="f-brs-b")
    found = refiner.refine(seen, clicks)
    np.testing.assert_allclose(found.probability[::3, ::3], golden["brs_3"], atol=2e-3)
    assert agree(found, clicks) == [True, True, True]
    plain, *_ = played(golden, meta, weights, "brs")
    assert agree(plain.refine(seen, clicks), clicks) == [False, False, True]


def test_f_brs_waits_for_the_second_click(refiner, embedding, weights):
    found = load(weights["brs"], brs="f-brs-b").refine(embedding, ONE)
    plain = refiner.refine(embedding, ONE)
    np.testing.assert_array_equal(found.probability, plain.probability)


def test_clicks_are_answered_one_after_the_other(refiner, embedding):
    first = refiner.refine(embedding, THREE[:1])
    assert first.mask.any()
    second = refiner.refine(embedding, THREE[:2], first.probability)
    both = refiner.refine(embedding, THREE[:2])
    np.testing.assert_array_equal(both.probability, second.probability)


def test_negative_clicks_wait_for_a_positive_one(refiner, embedding):
    negative, positive = Click(50, 5, positive=False), Click(31, 9)
    found = refiner.refine(embedding, [negative, positive])
    turned = refiner.refine(embedding, [positive, negative])
    assert not np.array_equal(found.probability, turned.probability)
    with torch.no_grad():
        answer = refiner._answer(embedding, [negative, positive], None)
    np.testing.assert_array_equal(found.probability, answer.probability[0, 0])


def test_flipping_the_picture_flips_the_mask(refiner, embedding):
    found = refiner.refine(embedding, ONE)
    flipped = refiner.refine(embedding.flip(3), [Click(31, 22 - 9)])
    np.testing.assert_allclose(flipped.probability[:, ::-1], found.probability, atol=1e-5)
    assert np.ptp(found.probability) > 0.1


def test_the_same_question_has_the_same_answer(refiner, embedding):
    before = embedding.clone()
    first, second = (refiner.refine(embedding, THREE) for _ in range(2))
    np.testing.assert_array_equal(first.probability, second.probability)
    assert torch.equal(embedding, before)


def test_the_mask_so_far_is_seen(refiner, embedding):
    before = np.zeros((91, 23), np.float32)
    before[20:60, 3:15] = 1
    found = refiner.refine(embedding, ONE, before)
    np.testing.assert_array_equal(
        refiner.refine(embedding, ONE, before > 0.5).probability, found.probability
    )
    shifted = refiner.refine(embedding, ONE, np.roll(before, 20, 0))
    softer = refiner.refine(embedding, ONE, before * 0.7)
    for other in (shifted, softer):
        assert np.abs(found.probability - other.probability).max() > 0.01


def test_an_empty_mask_so_far_is_none(refiner, embedding):
    found = refiner.refine(embedding, ONE, np.full((91, 23), 0.1, np.float32))
    np.testing.assert_array_equal(found.probability, refiner.refine(embedding, ONE).probability)


def test_what_is_not_a_number_is_black(refiner):
    frame = np.random.default_rng(1).random((3, 33, 20), np.float32)
    frame[:, :5] = np.nan
    black = np.nan_to_num(frame)
    found, expected = (refiner.refine(refiner.embed(x), [Click(9, 9)]) for x in (frame, black))
    np.testing.assert_array_equal(found.probability, expected.probability)


def test_an_object_as_large_as_the_frame_is_seen_as_the_frame_is():
    full = np.ones((400, 40), bool)
    assert Window.around(full, [Click(5, 5)]) == Window.whole(400, 40)
    seen = torch.rand(1, 3, 400, 40)
    clicks = [Click(200, 20), Click(30, 30, positive=False)]
    window = Window.around(full, clicks)
    assert torch.equal(window.cut(seen), seen)
    assert torch.equal(window.paste(seen[:, :1], (400, 40)), seen[:, :1])


def test_a_large_frame_is_seen_smaller_at_first():
    assert Window.whole(1080, 1920).size == (576, 1024)
    assert Window.whole(480, 854).size == (480, 854)
    assert Window.whole(5000, 1).size == (1024, 1)


def test_the_neighbourhood_has_room_around_the_object_and_its_positive_clicks():
    mask = np.zeros((900, 1000), bool)
    mask[300:500, 400:700] = True
    window = Window.around(mask, [Click(450, 450), Click(10, 10, positive=False)])
    assert (window.top, window.bottom) == (260, 541)  # 1.4 * 200 rows round 399.5
    assert (window.left, window.right) == (340, 761)
    assert window.size == (267, 400)
    assert Window.around(mask, [Click(450, 899)]).right == 1000  # the frame ends there
    small = np.zeros((900, 1000), bool)
    small[400, 500] = True
    assert Window.around(small, []).sides == (201, 201)


def test_a_neighbourhood_that_is_nearly_the_same_stays():
    window = Window(100, 100, 300, 300, 400)
    assert window.overlap(window) == 1
    assert window.overlap(Window(200, 100, 400, 300, 400)) == pytest.approx(1 / 3)
    assert window.overlap(Window(100, 300, 300, 400, 400)) == 0
    assert window.holds([Click(298, 100), Click(5, 5, positive=False)])
    assert not window.holds([Click(299, 150)])


def test_clicks_are_in_pixels_of_the_neighbourhood():
    window = Window(100, 50, 300, 250, 400)
    assert window.places([Click(110, 60.5), Click(90, 50, positive=False)]) == [
        (20, 21, 1),
        (-20, 0, -1),
    ]


def test_f_brs_looks_at_nine_pixels_of_a_click_that_are_in_the_picture():
    places = torch.tensor([[[3.4, 4.6, 1.0], [0.0, 0.0, -1.0], [-9.0, 2.0, -1.0]]])
    squares = _squares(places, (8, 9))
    expected = np.zeros((2, 8, 9))
    expected[0, 2:5, 4:7] = 1
    expected[1, :2, :2] = 1
    np.testing.assert_array_equal(squares[0], expected)


class Head:
    """Decides by a function of the features, and counts how often it is asked."""

    def __init__(self, decide):
        self.decide, self.asked = decide, 0

    def __call__(self, features):
        self.asked += 1
        return self.decide(features)

    def search(self, *features):
        """Look for a mask with the first of two pixels; return the probabilities."""
        squares = torch.zeros(1, 2, 1, 2)
        squares[0, 0, 0, 0] = 1
        logits, change = _Search(self, torch.tensor(features).view(1, 1, 1, 2), squares).run(None)
        assert change.shape == (2,)
        return logits.sigmoid()[0, 0, 0].tolist()


def test_f_brs_ends_where_the_mask_agrees():
    head = Head(lambda features: features - 0.5)
    assert head.search(1.0, 0.0)[0] > 0.5
    assert head.asked == 1
    head = Head(lambda features: features - 0.5)
    assert head.search(0.0, 1.0)[0] > 0.5
    assert 1 < head.asked < 10


def test_f_brs_ends_where_the_mask_no_longer_changes():
    head = Head(lambda features: torch.tensor([-4.0, 4.0]) + features)
    first, second = head.search(1.0, 1.0)
    assert first < 0.5 < second
    assert head.asked == 2


def test_f_brs_gives_up_after_so_many_attempts():
    head = Head(lambda features: -3 * features**2 - 0.1)
    first, before = head.search(1.0, 2.0)[0], float(torch.tensor(-3.1).sigmoid())
    assert before < first < 0.5  # of all attempts the best
    assert 20 <= head.asked < 40  # a line that has begun is searched to its end


def test_a_mask_that_changes_by_less_than_a_hundredth_has_settled():
    search = _Search(Head(torch.neg), torch.zeros(2, 1, 1, 1), torch.zeros(2, 2, 1, 1000))
    mask = torch.zeros(2, 1, 1, 1000, dtype=torch.bool)
    assert not search._settled(mask)
    assert not search._settled(mask)  # of nothing, nothing is known
    for size, settled in ((500, False), (504, True), (512, False), (511, True)):
        mask = mask.clone()
        mask[..., :size], mask[..., size:] = True, False
        assert search._settled(mask) == settled


def test_halves_are_rounded_for_each_picture_on_its_own(refiner):
    places = refiner._places(Window(0, 0, 96, 128, 400), [Click(60, 36)])
    assert places.tolist() == [[[187.5, 112.5, 1]], [[187.5, 286.5, 1]]]
    wanted = _squares(places, (300, 400))[:, 0]
    assert wanted[0].nonzero()[0].tolist() == [187, 111]
    assert wanted[1].nonzero()[0].tolist() == [187, 285]  # not 286, as a picture flipped would be


def test_wrong_questions_say_what_is_wrong(refiner, embedding):
    with pytest.raises(LazyVosError, match=r"brs is 'rgb', which ritm .* none, f-brs-b"):
        RitmRefiner(weights={}, brs="rgb")
    with pytest.raises(LazyVosError, match=r"outside the frame, which is 91 x 23"):
        refiner.refine(embedding, [Click(91, 0)])
    with pytest.raises(LazyVosError, match=r"no positive click"):
        refiner.refine(embedding, [Click(1, 1, positive=False)])
    with pytest.raises(LazyVosError, match=r"download ritm-h18s"):
        refine.load("ritm", device="cpu")

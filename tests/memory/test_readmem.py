"""READMem's decisions, against the same rule without any short cut."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory import readmem
from napari_lazyvos.memory.readmem import ReadMem, closest
from napari_lazyvos.memory.retention import FirstInFirstOut, Remembered

PLACES, CHANNELS = 6, 4
ALIGNS = ("affinity", "fixed", "none")


class ByHand:
    """READMem frame by frame, place by place, and determinant by determinant."""

    def __init__(self, rule):
        self.rule = rule
        self.frames = []  # keys of each object, as compared
        self.gram = []

    def aligned(self, old, new):
        """Return for each place of `new` the key of the place of `old` that is most similar."""
        found = []
        for asked in new:
            if self.rule.scores == "dot":
                scores = [float(key @ asked) for key in old]
            else:
                scores = [-float(((key - asked) ** 2).sum()) for key in old]
            found.append(old[scores.index(max(scores))])
        return np.stack(found)

    def similar(self, old, new, *, align):
        found = []
        for label in old:
            if label not in new:
                continue
            a, b = old[label], new[label]
            if align and self.rule.align == "affinity":
                a = self.aligned(a, b)
            value = float((a * b).sum())
            if self.rule.similarity == "cosine":
                value /= np.linalg.norm(a) * np.linalg.norm(b)
            found.append(value if self.rule.rounding is None else round(value, self.rule.rounding))
        return sum(found) / len(found) if found else 0.0

    def admit(self, kept, new):
        keys = {label: each.numpy().astype(float) for label, each in new.keys.items()}
        if self.rule.align == "fixed" and self.frames:
            keys = {k: self.aligned(each, self.frames[0][k]) for k, each in keys.items()}
        full = len(self.frames) >= self.rule.size
        own = self.similar(keys, keys, align=False)
        if self.frames:
            first = self.similar(self.frames[0], keys, align=True)
            if first / self.gram[0][0] <= self.rule.bound:
                return None
        align = full or self.rule.align_filling
        row = [self.similar(old, keys, align=align) for old in self.frames]
        leaves = len(self.frames)
        if full:
            now = abs(np.linalg.det(np.array(self.gram) / self.gram[0][0]))
            after = {
                n: abs(np.linalg.det(self.with_new(n, row, own) / self.gram[0][0]))
                for n, each in enumerate(kept)
                if not each.permanent
            }
            leaves = max(after, key=after.__getitem__)
            if not (after[leaves] > now if self.rule.strict else after[leaves] >= now):
                return None
        self.gram = self.with_new(leaves, row, own).tolist()
        self.frames = [*self.frames[:leaves], *self.frames[leaves + 1 :], keys]
        return leaves

    def with_new(self, leaves, row, own):
        """Return the Gram matrix without one frame, and with another at its end."""
        gram = np.zeros((len(row) + 1, len(row) + 1))
        gram[:-1, :-1] = np.array(self.gram).reshape(len(row), len(row))
        gram[-1, :-1] = gram[:-1, -1] = row
        gram[-1, -1] = own
        left = [n for n in range(len(gram)) if n != leaves or n == len(row)]
        return gram[np.ix_(left, left)]


def stream(seed, count, labels=(1,), step=0.5):
    """Yield frames of objects that change slowly, now and then much; the first is permanent."""
    random = np.random.default_rng(seed)
    usual = {label: random.normal(size=(PLACES, CHANNELS)) for label in labels}
    keys = usual
    for t in range(count):
        yield frame(t, keys, permanent=t == 0)
        far = 2 if random.random() < 0.1 else step
        keys = {
            label: 0.5 * (each + usual[label]) + far * random.normal(size=each.shape)
            for label, each in keys.items()
        }
        for each in keys.values():
            random.shuffle(each[:2])  # objects also move a little


def frame(t, keys, *, permanent=False):
    tensors = {k: torch.tensor(np.array(each), dtype=torch.float32) for k, each in keys.items()}
    return Remembered(t, permanent, tensors)


def offer(rule, kept, new):
    """Do as the rule says, and return what it said."""
    place = rule.admit(kept, new)
    if place is not None:
        assert 0 <= place <= len(kept)
        kept[place : place + 1] = []
        kept.append(new)
    return place


@pytest.mark.parametrize("align", ALIGNS)
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("preset", ["thesis", "code"])
def test_the_decisions_are_those_of_the_rule_by_hand(preset, similarity, align):
    options = {"size": 5, "align": align, "similarity": similarity, "bound": 0.2}
    rule = ReadMem.preset(preset, **options, scores="l2" if preset == "thesis" else "dot")
    by_hand, kept = ByHand(rule), []
    said = []
    for new in stream(3, 60, labels=(1, 2)):
        expected = by_hand.admit(kept, new)
        assert offer(rule, kept, new) == expected
        said.append(expected)
    assert {None, 5} & set(said[6:]) == {None}
    assert len({place for place in said[6:] if place is not None}) > 1  # not only the oldest
    assert np.allclose(rule._diversity.gram, by_hand.gram, rtol=1e-5, atol=1e-4)


@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 5),
    align=st.sampled_from(ALIGNS),
    similarity=st.sampled_from(["cosine", "dot"]),
    scores=st.sampled_from(["l2", "dot"]),
    initialisation=st.sampled_from(["stream", "copies"]),
    strict=st.booleans(),
    permanent=st.sets(st.integers(1, 15), max_size=3),
)
@settings(max_examples=60)
def test_what_holds_of_any_stream(
    seed, size, align, similarity, scores, initialisation, strict, permanent
):
    rule = ReadMem(
        size, None, similarity, align, scores, strict=strict, initialisation=initialisation
    )
    kept = []
    for t, each in enumerate(stream(seed, 16)):
        new = Remembered(t, each.permanent or t in permanent, each.keys)
        full, before = len(rule._diversity) >= size, rule.log_determinant
        place = offer(rule, kept, new)
        assert {0, *(t for t in permanent if t <= new.t)} <= {each.t for each in kept}
        assert len(kept) <= max(size, 1 + len(permanent))
        assert len(kept) == len(rule._diversity) - rule._copies
        if full and not new.permanent:
            assert rule.log_determinant > before - 1e-6
            assert place is None or rule.log_determinant > before or not strict
        if strict:
            assert rule.admit(kept, Remembered(99, False, new.keys)) is None
        times = [each.t for each in kept]
        assert times == sorted(times)


@pytest.mark.parametrize("align", ALIGNS)
@pytest.mark.parametrize("initialisation", ["stream", "copies"])
def test_a_frame_that_is_in_memory_does_not_enter_again(align, initialisation):
    rule, kept = ReadMem(4, None, align=align, initialisation=initialisation), []
    for new in stream(1, 12):
        offer(rule, kept, new)
        for again in list(kept):
            assert rule.admit(kept, Remembered(100, False, again.keys)) is None
    assert len(kept) == 4
    # Who annotates it wants it to stay.
    assert rule.admit(kept, Remembered(100, True, kept[2].keys)) in (1, 2, 3)


def test_the_same_in_other_keys_makes_no_memory_more_diverse():
    """The cosine does not know how long keys are."""
    rule, kept = ReadMem(4, None, align="none"), []
    for new in stream(1, 12):
        offer(rule, kept, new)
    for each in list(kept):
        assert rule.admit(kept, Remembered(100, False, {1: 2 * each.keys[1]})) is None


def test_a_place_is_compared_with_the_one_that_is_most_similar(monkeypatch):
    monkeypatch.setattr(readmem, "QUERIES", 3)
    random = np.random.default_rng(0)
    keys, query = random.normal(size=(5, 3)), random.normal(size=(7, 3))
    near = [int(((keys - asked) ** 2).sum(1).argmin()) for asked in query]
    alike = [int((keys @ asked).argmax()) for asked in query]
    assert near != alike
    both = torch.from_numpy(keys), torch.from_numpy(query)
    assert closest(*both, "l2").tolist() == near
    assert closest(*both, "dot").tolist() == alike


def test_an_object_that_moved_has_not_changed():
    keys = np.random.default_rng(0).normal(size=(PLACES, CHANNELS))
    first, moved = frame(0, {1: keys}, permanent=True), frame(1, {1: keys[::-1]})
    for align in ALIGNS:
        rule, kept = ReadMem(align=align, bound=None), []
        offer(rule, kept, first)
        offer(rule, kept, moved)
        (similar,) = rule._diversity.gram[1:, 0] if len(kept) > 1 else (1.0,)
        assert similar == pytest.approx(1) if align != "none" else similar < 0.9


def test_frames_may_have_different_numbers_of_places():
    random = np.random.default_rng(0)
    keys = random.normal(size=(3, 8, CHANNELS)) + 1
    frames = [frame(t, {1: each[: 8 - t]}, permanent=t == 0) for t, each in enumerate(keys)]
    for align in ("affinity", "fixed"):
        rule, kept = ReadMem(2, 0.1, align=align), []
        assert [offer(rule, kept, each) for each in frames[:2]] == [0, 1]
        assert offer(rule, kept, frames[2]) in (None, 1)
    for rule in (ReadMem(align="none"), ReadMem.preset("code", bound=None)):
        kept = []
        offer(rule, kept, frames[0])
        with pytest.raises(LazyVosError, match=r"of 8 and of 7 places .* align=\"fixed\""):
            rule.admit(kept, frames[1])


def test_the_fixed_frame_of_reference_needs_no_key_twice():
    rule, kept = ReadMem(3, align="fixed", bound=None), []
    blind, seen = [], ReadMem(3, align="fixed", bound=None)
    for new in stream(5, 20):
        place = offer(seen, kept, new)
        assert rule.admit(blind, new) == place
        if place is not None:
            blind[place : place + 1] = []
            blind.append(Remembered(new.t, new.permanent, {}))


def test_the_lower_bound_is_a_part_of_the_annotated_frame():
    keys = np.random.default_rng(0).normal(size=(PLACES, CHANNELS))
    kept = [frame(0, {1: 10 * keys}, permanent=True)]
    for share, place in ((0.49, None), (0.51, 1)):  # <K_q, K_1> = share * <K_1, K_1>
        rule = ReadMem(similarity="dot", align="none")
        assert rule.admit(kept, frame(1, {1: 10 * share * keys})) == place
        # The cosine does not know how long keys are.
        assert ReadMem(align="none", strict=False).admit(kept, frame(1, {1: share * keys})) == 1
    assert ReadMem(align="none").admit(kept, frame(1, {1: -keys})) is None
    assert ReadMem(align="none", bound=None).admit(kept, frame(1, {1: -keys})) == 1
    assert ReadMem(align="none").admit(kept, frame(1, {1: -keys}, permanent=True)) == 1


def test_objects_are_compared_one_by_one():
    unit = np.eye(4)[None]  # (1, 4, 4): keys of four frames in one place
    first = frame(0, {1: unit[:, 0], 2: unit[:, 0]}, permanent=True)
    rule, kept = ReadMem(bound=None, align="none"), []
    offer(rule, kept, first)
    offer(rule, kept, frame(1, {1: unit[:, 0], 2: unit[:, 1]}))  # one the same, one not
    offer(rule, kept, frame(2, {2: unit[:, 0], 3: unit[:, 0]}))  # one in common
    offer(rule, kept, frame(3, {4: unit[:, 0]}))  # none
    expected = [[1, 0.5, 1, 0], [0.5, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert np.allclose(rule._diversity.gram, expected)
    # The bound holds for what the annotated frame of an object shows.
    assert ReadMem(align="none").admit(kept, frame(4, {4: unit[:, 1]})) == 4
    kept[3] = frame(3, {4: unit[:, 0]}, permanent=True)
    assert ReadMem(align="none").admit(kept, frame(4, {4: unit[:, 1]})) is None


def test_what_the_code_does_otherwise():
    assert ReadMem.preset("thesis").size == 20
    code = ReadMem.preset("code")
    assert code.size == 10
    random = np.random.default_rng(0)
    keys = random.normal(size=(PLACES, CHANNELS))
    kept = []
    offer(code, kept, frame(0, {1: keys}, permanent=True))
    offer(code, kept, frame(1, {1: keys[::-1]}))  # resembles the first only if it is aligned
    unaligned = (keys * keys[::-1]).sum() / (keys**2).sum()
    assert unaligned < 0.5
    assert code._diversity.gram[0, 1] == round(unaligned, 5)
    while len(kept) < 10:
        offer(code, kept, frame(2, {1: keys + 0.3 * random.normal(size=keys.shape)}))
    same = frame(3, {1: kept[4].keys[1].numpy()})
    unaligned = ReadMem.preset("code", size=len(kept), align="none")
    assert offer(unaligned, kept, same) == 4  # the determinant stays the same


def test_the_first_frame_fills_the_memory_until_others_do():
    rule, kept = ReadMem(4, align="fixed", initialisation="copies"), []
    first, *others = stream(2, 12, step=0.2)
    assert offer(rule, kept, first) == 0
    assert (len(rule._diversity), rule._copies) == (4, 3)
    said = [offer(rule, kept, new) for new in others]
    assert said[:3] == [1, 2, 3]
    assert (len(rule._diversity), rule._copies) == (4, 0)
    plain, again = ReadMem(4, align="fixed"), []
    offer(plain, again, first)
    assert [offer(plain, again, new) for new in others] == said
    assert np.allclose(rule._diversity.gram, plain._diversity.gram)


def test_without_diversification_the_oldest_leaves():
    rule, kept = ReadMem(3, bound=None, diversify=False), []
    for new in stream(4, 8):
        for again in (new, Remembered(new.t, False, new.keys)):  # a frame may be there twice
            expected = FirstInFirstOut(3).admit(kept, again)
            assert offer(rule, kept, again) == expected
    bound = ReadMem(3, diversify=False)
    assert [offer(bound, kept, each) for each in stream(9, 8)].count(None) > 0


def test_a_permanent_frame_takes_the_place_of_what_is_missed_least():
    rule, kept = ReadMem(3, bound=None, align="none"), []
    keys = 3 * np.eye(4)[:, None].repeat(PLACES, 1)
    for t, each in enumerate((keys[0], keys[1], 0.9 * keys[0] + 0.2 * keys[2])):
        offer(rule, kept, frame(t, {1: each}, permanent=t == 0))
    assert offer(rule, kept, frame(3, {1: keys[0] + 0.01}, permanent=True)) == 2
    assert offer(rule, kept, frame(4, {1: keys[0] + 0.02}, permanent=True)) == 1
    assert offer(rule, kept, frame(5, {1: keys[3]})) is None
    assert offer(rule, kept, frame(5, {1: keys[3]}, permanent=True)) == 3
    assert [each.t for each in kept] == [0, 3, 4, 5]


def saved_and_loaded(packed):
    file = io.BytesIO()
    torch.save(packed, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("align", ALIGNS)
@pytest.mark.parametrize("initialisation", ["stream", "copies"])
@pytest.mark.parametrize("before", [0, 2, 25])
def test_what_was_packed_goes_on_alike(align, initialisation, before):
    options = {"size": 4, "bound": 0.2, "align": align, "initialisation": initialisation}
    rule, kept = ReadMem(**options), []
    frames = list(stream(6, 50))
    for new in frames[:before]:
        offer(rule, kept, new)
    packed = rule.pack()
    assert bool(packed["aligned"]) == (align == "fixed" and before > 0)  # else they are in memory
    other, theirs = ReadMem(**options), list(kept)
    said = [offer(rule, kept, new) for new in frames[before:]]
    other.unpack(saved_and_loaded(packed))
    assert [offer(other, theirs, new) for new in frames[before:]] == said
    assert len(set(said)) > 2
    assert np.allclose(other._diversity.gram, rule._diversity.gram, rtol=1e-6)
    other.unpack({})
    assert offer(other, [], frames[0]) == 0


@pytest.mark.parametrize("align", ["none", "fixed"])
def test_what_is_not_known_of_the_memory_is_found_out(align):
    rule, kept = ReadMem(4, align=align, bound=None), []
    for new in stream(7, 20):
        offer(rule, kept, new)
    other = ReadMem(4, align=align, bound=None)
    other.forget(2)  # of which it knows nothing
    new = frame(21, {1: np.random.default_rng(2).normal(size=(PLACES, CHANNELS))})
    assert other.admit(list(kept), new) == rule.admit(list(kept), new)
    assert np.allclose(other._diversity.gram, rule._diversity.gram)


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("initialisation", ["stream", "copies"])
@pytest.mark.parametrize("align", ["affinity", "none"])
def test_a_frame_that_changed_is_compared_anew_and_no_other(
    align, initialisation, place, monkeypatch
):
    options = {"size": 7, "bound": None, "align": align, "initialisation": initialisation}
    rule, kept = ReadMem(**options), []
    frames = list(stream(7, 8))
    for new in frames[:5]:
        offer(rule, kept, new)
    kept[place] = frame(place, {1: frames[7].keys[1].numpy()}, permanent=place == 0)
    compared = []
    monkeypatch.setattr(
        readmem, "_inner", lambda a, b, own=readmem._inner: compared.append(1) or own(a, b)
    )
    rule.renew(list(kept), place)
    assert 0 < len(compared) <= 3 * len(kept)
    fresh = ReadMem(**options | {"initialisation": "stream"})
    fresh.admit(list(kept[:-1]), kept[-1])
    gram, copies = rule._diversity.gram, rule._copies
    assert copies == (2 if initialisation == "copies" else 0)
    assert np.allclose(gram[copies:, copies:], fresh._diversity.gram)
    assert np.allclose(gram[:copies], gram[copies])  # they are of the first frame as it is now
    assert rule.log_determinant == pytest.approx(np.linalg.slogdet(gram)[1])


def test_a_frame_that_changed_is_brought_into_the_fixed_frame_of_reference():
    rule, kept = ReadMem(4, None, align="fixed"), []
    frames = list(stream(7, 8))
    for new in frames[:4]:
        offer(rule, kept, new)
    other = ReadMem(4, None, align="fixed")
    kept[2] = Remembered(2, False, frames[7].keys | {2: frames[7].keys[1]})
    rule.renew(list(kept), 2)
    again = list(kept)
    assert other.admit(again, frames[6]) == rule.admit(list(kept), frames[6])
    assert np.allclose(other._diversity.gram, rule._diversity.gram)
    assert rule._references.keys() == {1, 2}  # an object that was given later lies where it was


def test_of_what_is_not_known_yet_nothing_is_compared():
    rule = ReadMem(4, None)
    rule.renew([frame(0, {1: np.eye(PLACES)})], 0)
    assert len(rule._diversity) == 0


@pytest.mark.parametrize("align", ALIGNS)
def test_a_frame_that_was_taken_out_leaves_room(align):
    rule, kept = ReadMem(3, align=align, bound=None), []
    frames = list(stream(8, 20))
    for new in frames[:10]:
        offer(rule, kept, new)
    del kept[1]
    rule.forget(1)
    assert offer(rule, kept, frames[10]) == 2
    fresh = ReadMem(3, align=align, bound=None)
    fresh.admit(list(kept), frames[10])
    others = [offer(rule, kept, new) for new in frames[11:]]
    assert len(kept) == 3
    assert any(place is not None for place in others)


def test_copies_leave_with_their_first_frame():
    rule, kept = ReadMem(4, None, initialisation="copies"), []
    first, second, third, *_ = stream(8, 5)
    offer(rule, kept, first)
    offer(rule, kept, second)
    rule.forget(0)
    del kept[0]
    assert len(rule._diversity) == 1
    assert offer(rule, kept, third) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0 holds nothing"),
        ({"align": "loose"}, "align='loose' .* 'affinity' or 'fixed' or 'none'"),
        ({"similarity": "l2"}, "similarity='l2' .* 'cosine' or 'dot'"),
        ({"scores": "cosine"}, "scores='cosine' .* 'l2' or 'dot'"),
        ({"initialisation": "all"}, "initialisation='all' .* 'stream' or 'copies'"),
    ],
)
def test_options_that_mean_nothing_get_a_sentence(options, message):
    with pytest.raises(LazyVosError, match=message):
        ReadMem(**options)
    with pytest.raises(LazyVosError, match=r"preset='paper' .* 'thesis' or 'code'"):
        ReadMem.preset("paper")

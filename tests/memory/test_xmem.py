"""XMem's memory: what is kept, what becomes a prototype, and what goes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch

from napari_lazyvos.memory.cells import Cells, Known, join
from napari_lazyvos.memory.frame import SHARED
from napari_lazyvos.memory.reading import Query, similarity
from napari_lazyvos.memory.xmem import Limits, XMemMemory, condense, most_used

CPU = torch.device("cpu")
PLACES, CHANNELS = 6, 3
SMALL = Limits(
    top_k=4,
    max_mid_term_frames=4,
    min_mid_term_frames=2,
    num_prototypes=5,
    max_long_term_elements=12,
)


def cells(seed, labels=(1, 2)):
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.rand(*shape, generator=generator)

    values = {label: drawn(PLACES, CHANNELS) for label in labels}
    how = {"shrinkage": 1 + drawn(PLACES), "selection": drawn(PLACES, 4)}
    return Cells.of_frame(drawn(PLACES, 4), values, **how)


def values_in(memory, query):
    return memory.read(query)[SHARED].values


def query(seed=99):
    asked = cells(seed)
    return Query(asked.keys, asked.selection)


def filled(times, limits=SMALL, **how):
    memory = XMemMemory(limits, CPU)
    for t in times:
        memory.add(t, {SHARED: cells(t, **how)}, permanent=t == 0)
        memory.note(memory.read(query(t)))
    return memory


def test_a_read_is_what_the_parts_together_say():
    memory = XMemMemory(Limits(top_k=None), CPU)
    parts = [cells(0), cells(1, labels=(1,)), cells(2, labels=(2,))]
    for t, part in enumerate(parts):
        memory.add(t, {SHARED: part}, permanent=True)
    found = values_in(memory, query())
    for label in (1, 2):
        mine = join([part for part in parts if label in part.known])
        shares = similarity(mine.keys, mine.shrinkage, query()).softmax(1)
        torch.testing.assert_close(found[label], shares @ mine.known[label].values)


def test_the_oldest_that_pass_become_prototypes():
    memory = filled(range(4))
    assert memory.times == (0, 3)
    assert memory.sizes == (2 * PLACES, 5)
    filled_on = filled(range(7))
    assert filled_on.times == (0, 5, 6)


@pytest.mark.parametrize("frames", [10, 30, 60])
def test_both_memories_are_bounded(frames):
    working, longer = filled(range(frames)).sizes
    assert working <= 4 * PLACES
    assert longer <= 12


def test_permanent_frames_never_leave():
    memory = XMemMemory(SMALL, CPU)
    for t in range(20):
        memory.add(t, {SHARED: cells(t)}, permanent=t in (3, 8))
        memory.note(memory.read(query(t)))
    assert {0, 3, 8} < set(memory.times)


def test_without_long_term_memory_all_stays():
    memory = filled(range(15), Limits(enable_long_term=False))
    assert memory.times == tuple(range(15))
    assert memory.sizes == (15 * PLACES, 0)


def test_a_frame_that_comes_again_takes_the_place_of_what_it_says_anew():
    memory = XMemMemory(SMALL, CPU)
    memory.add(0, {SHARED: cells(0)}, permanent=True)
    memory.add(1, {SHARED: cells(1)}, permanent=True)
    memory.add(1, {SHARED: cells(5, labels=(2,))}, permanent=False)
    assert memory.times == (0, 1)
    other = XMemMemory(SMALL, CPU)
    other.add(0, {SHARED: cells(0)}, permanent=True)
    mixed = cells(5, labels=(2,))
    known = {1: cells(1).known[1], 2: mixed.known[2]}
    other.add(1, {SHARED: replace(mixed, known=known)}, permanent=True)
    for label, values in values_in(memory, query()).items():
        torch.testing.assert_close(values, values_in(other, query())[label])
    for t in range(2, 12):
        memory.add(t, {SHARED: cells(t)}, permanent=False)
    assert 1 in memory.times


def test_an_object_that_is_forgotten_leaves_the_others_alone():
    memory, alone = filled(range(9)), filled(range(9))
    alone.forget(2)
    assert values_in(alone, query()).keys() == {1}
    torch.testing.assert_close(values_in(alone, query())[1], values_in(memory, query())[1])
    alone.forget(1)
    assert alone.times == ()


def test_reading_changes_nothing_until_it_is_noted():
    memory = filled(range(3))
    before = memory.pack()
    found = memory.read(query())
    torch.testing.assert_close(memory.pack(), before)
    memory.note(found)
    after = memory.pack()
    assert (
        after["frames"][0]["cells"][SHARED]["life"][0]
        > before["frames"][0]["cells"][SHARED]["life"][0]
    )
    total = sum(f["cells"][SHARED]["usage"].sum() for f in after["frames"])
    gained = total - sum(f["cells"][SHARED]["usage"].sum() for f in before["frames"])
    torch.testing.assert_close(gained, torch.tensor(float(PLACES)))  # every place read one whole


def test_what_was_packed_reads_alike():
    memory, other = filled(range(9)), XMemMemory(SMALL, CPU)
    file = io.BytesIO()
    torch.save(memory.pack(), file)
    file.seek(0)
    other.unpack(torch.load(file, weights_only=True))
    assert other.times == memory.times
    for label, values in values_in(memory, query()).items():
        assert torch.equal(values_in(other, query())[label], values)


def test_prototypes_are_the_most_used_and_gather_from_all():
    frame = cells(0)
    usage = torch.tensor([5.0, 1, 3, 0, 2, 4])
    frame = replace(frame, usage=usage, life=torch.ones(6))
    made = condense(frame, 3)
    assert torch.equal(made.keys, frame.keys[[0, 5, 2]])
    asked = Query(made.keys, frame.selection[[0, 5, 2]])
    shares = similarity(frame.keys, frame.shrinkage, asked).softmax(1)
    torch.testing.assert_close(made.shrinkage, shares @ frame.shrinkage)
    torch.testing.assert_close(made.known[1].values, shares @ frame.known[1].values)


def test_prototypes_speak_only_of_objects_known_where_they_lie():
    both = join([cells(0, labels=(1,)), cells(1)])
    used = torch.zeros(12).index_fill(0, torch.tensor([0, 7]), 1.0)
    made = condense(replace(both, usage=used, life=torch.ones(12)), 2)
    assert made.known[1].rows.tolist() == [0, 1]
    assert len(made.known[2].rows) == 1


def test_only_what_is_used_more_than_the_rest_stays():
    three = cells(0)
    used = torch.tensor([1.0, 2, 2, 3, 4, 5])
    three = replace(three, usage=used, life=torch.ones(6))
    assert most_used(three, 9) is three
    kept = most_used(three, 4)  # two are used alike at the border: neither stays
    assert torch.equal(kept.keys, three.keys[3:])
    assert torch.equal(kept.known[2].values, three.known[2].values[3:])


def test_joining_and_choosing_keep_track_of_who_is_known_where():
    both = join([cells(0, labels=(1,)), cells(1, labels=(2,)), cells(2, labels=(1,))])
    assert both.known[1].rows.tolist() == [0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]
    some = both.at(torch.tensor([2, 7, 13]))
    assert some.known[1].rows.tolist() == [0, 2]
    assert torch.equal(some.known[1].values, both.known[1].values[[2, 7]])
    assert isinstance(some.known[2], Known)
    assert some.without(2).known.keys() == {1}

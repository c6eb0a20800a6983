"""Frames that are remembered as they are: which stay, what is read, what is kept on disk."""

from __future__ import annotations

import io

import pytest
import torch

from napari_lazyvos.memory.bank import Bank
from napari_lazyvos.memory.cells import Cells
from napari_lazyvos.memory.frame import SHARED
from napari_lazyvos.memory.keeping import Keeping
from napari_lazyvos.memory.reading import Query
from napari_lazyvos.memory.readmem import ReadMem
from napari_lazyvos.memory.retention import FirstInFirstOut

CPU = torch.device("cpu")
ROWS, COLUMNS, CHANNELS = 2, 3, 4


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def shared(seed, labels=(1, 2)):
    """Cells of a frame whose keys serve all objects."""
    values = {label: drawn(100 * seed + label, 6, 5) for label in labels}
    return {SHARED: Cells.of_frame(drawn(seed, 6, CHANNELS), values)}


def own(seed, labels=(1, 2)):
    """Cells of a frame in which each object has its own keys."""
    return {
        k: Cells.of_frame(drawn(7 * seed + k, 6, CHANNELS), {k: drawn(seed, 6, 5)}) for k in labels
    }


def query(seed=99):
    return Query(drawn(seed, 6, CHANNELS), None)


def values_in(bank, asked=None):
    found = bank.read(asked or query())
    return {label: each for one in found.values() for label, each in one.values.items()}


def weighted_means(keys, values, asked, *, dot):
    """What is read, written out."""
    far = (asked.key[:, None] - keys[None]).square().sum(2)
    table = asked.key @ keys.T if dot else -far
    return (table / CHANNELS**0.5).softmax(1) @ values


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("make", [shared, own])
def test_what_is_read_is_the_weighted_mean_of_all_frames(make, dot):
    bank, frames = Bank(CPU, dot=dot), [make(t) for t in range(3)]
    for t, cells in enumerate(frames):
        bank.add(t, cells)
    found = values_in(bank)
    for label in (1, 2):
        owner = SHARED if make is shared else label
        keys = torch.cat([cells[owner].keys for cells in frames])
        values = torch.cat([cells[owner].known[label].values for cells in frames])
        expected = weighted_means(keys, values, query(), dot=dot)
        torch.testing.assert_close(found[label], expected)


def test_the_frame_that_was_passed_last_is_read_but_does_not_stay():
    bank, plain = Bank(CPU, adjacent=True), Bank(CPU)
    for each in (bank, plain):
        each.add(0, shared(0), permanent=True)
    for t in (1, 2):
        bank.hold(t, shared(t))
    plain.add(2, shared(2))
    torch.testing.assert_close(values_in(bank), values_in(plain))
    assert bank.times == (0,)
    bank.note(bank.read(query()))
    bank.add(3, shared(3))  # stays, and so the slot is empty
    assert bank.pack()["held"] is None
    assert bank.times == (0, 3)
    bank.hold(3, shared(4))
    assert bank.pack()["held"] is None  # a frame that stays is not read twice


def test_a_frame_that_may_not_stay_is_held():
    bank = Bank(CPU, rule=ReadMem(size=4), adjacent=True)
    assert bank.add(0, own(0), permanent=True)
    opposite = {
        k: Cells.of_frame(-each.keys, {k: each.known[k].values}) for k, each in own(0).items()
    }
    assert not bank.add(1, opposite)
    assert bank.times == (0,)
    assert bank.pack()["held"]["t"] == 1


@pytest.mark.parametrize("make", [shared, own])
@pytest.mark.parametrize("name", ["fifo", "readmem"])
def test_a_bounded_memory_keeps_its_size_and_the_permanent_frames(name, make):
    bank = Bank(CPU, rule=Keeping(name, 5, readmem_bound=None).rule())
    for t in range(60):
        bank.add(t, make(t), permanent=t in (0, 30))
        assert len(bank.times) == min(t + 1, 5)
    assert {0, 30} < set(bank.times)


def test_the_first_frame_that_tells_of_an_object_stays():
    bank = Bank(CPU, rule=FirstInFirstOut(3))
    for t in range(12):
        bank.add(t, shared(t, labels=(1, 2) if t >= 4 else (1,)))
    assert {0, 4} < set(bank.times)


@pytest.mark.parametrize("make", [shared, own])
def test_a_frame_that_comes_again_tells_of_more(make):
    bank, other = Bank(CPU), Bank(CPU)
    bank.add(0, make(0, labels=(1,)), permanent=True)
    bank.add(0, make(0, labels=(2,)))
    other.add(0, make(0))
    torch.testing.assert_close(values_in(bank), values_in(other))
    assert bank.pack()["frames"][0]["permanent"]


def test_what_came_again_is_compared_anew(monkeypatch):
    banks = [Bank(CPU, rule=ReadMem(size=3, bound=None)) for _ in range(2)]
    known = []  # of how many frames, whenever all of them would be compared
    catch_up = ReadMem._catch_up
    monkeypatch.setattr(
        ReadMem,
        "_catch_up",
        lambda rule, kept: known.append(len(rule._diversity)) or catch_up(rule, kept),
    )
    for t in range(3):
        banks[0].add(t, own(t), permanent=t == 0)
    banks[0].add(1, own(8), permanent=True)
    for t, seed in ((0, 0), (1, 8), (2, 2)):
        banks[1].add(t, own(seed), permanent=t != 2)
    assert known == [0, 1, 2, 0, 1, 2]
    for bank in banks:
        bank.add(5, own(5))
    assert known[6:] == [3, 3]
    grams = [bank.pack()["rule"]["gram"] for bank in banks]
    torch.testing.assert_close(grams[0], grams[1])


@pytest.mark.parametrize("make", [shared, own])
def test_frames_that_tell_of_nobody_any_more_are_gone(make):
    bank = Bank(CPU, adjacent=True)
    for t, labels in enumerate([(1,), (1, 2), (2,)]):
        bank.add(t, make(t, labels))
    bank.hold(3, make(3, (2,)))
    bank.forget(2)
    assert bank.times == (0, 1)
    assert bank.pack()["held"] is None
    assert values_in(bank).keys() == {1}
    bank.forget(1)
    assert bank.times == ()


def test_reads_are_counted_for_each_owner():
    bank = Bank(CPU)
    bank.add(0, own(0))
    before = bank.pack()
    found = bank.read(query())
    torch.testing.assert_close(bank.pack(), before)
    bank.note(found)
    cells = bank.pack()["frames"][0]["cells"]
    for label in (1, 2):
        torch.testing.assert_close(cells[label]["usage"].sum(), torch.tensor(6.0))


@pytest.mark.parametrize("make", [shared, own])
def test_what_was_packed_goes_on_alike(make):
    one, other = (Bank(CPU, rule=ReadMem(size=4, bound=None), adjacent=True) for _ in range(2))
    for t in range(8):
        one.add(t, make(t), permanent=t == 0, quality={1: 0.5})
    one.hold(8, make(8))
    file = io.BytesIO()
    torch.save(one.pack(), file)
    file.seek(0)
    other.unpack(torch.load(file, weights_only=True))
    for t in range(9, 20):
        torch.testing.assert_close(values_in(one), values_in(other))
        one.add(t, make(t))
        other.add(t, make(t))
        assert one.times == other.times


def test_frames_that_another_rule_kept_are_offered_anew():
    large, small = Bank(CPU), Bank(CPU, rule=FirstInFirstOut(4))
    for t in range(20):
        large.add(t, shared(t), permanent=t in (0, 3))
    small.unpack(large.pack(), anew=True)
    assert small.times == (0, 3, 18, 19)
    small.add(20, shared(20))
    assert small.times == (0, 3, 19, 20)


@pytest.mark.parametrize("make", [shared, own])
def test_frames_can_be_read_on_another_grid(make):
    bank = Bank(CPU, rule=ReadMem(size=4, align="fixed", bound=None), adjacent=True)
    bank.add(0, make(0), permanent=True)
    bank.add(1, make(1))
    bank.hold(2, make(2))
    bank.change_grid((ROWS, COLUMNS), (4, 6))
    assert bank.pack()["held"]["cells"].keys() == make(0).keys()
    large = bank.read(Query(drawn(5, 24, CHANNELS), None))
    assert next(iter(large.values())).values[1].shape == (24, 5)
    assert len(next(iter(large.values())).usage) == 3 * 24


def test_a_memory_that_was_cleared_is_empty():
    bank = Bank(CPU, rule=ReadMem(size=2, bound=None))
    for t in range(4):
        bank.add(t, shared(t))
    bank.clear()
    assert bank.times == ()
    assert bank.add(9, shared(9))

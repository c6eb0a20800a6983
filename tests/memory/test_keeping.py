"""A memory by its name."""

from __future__ import annotations

import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.memory.keeping import Keeping
from napari_lazyvos.memory.quality import KeepGood
from napari_lazyvos.memory.readmem import ReadMem
from napari_lazyvos.memory.retention import FirstInFirstOut, KeepAll


@pytest.mark.parametrize(
    ("name", "rule"),
    [("all", KeepAll), ("xmem", KeepAll), ("fifo", FirstInFirstOut), ("quality", KeepGood)],
)
def test_a_name_is_a_rule(name, rule):
    assert type(Keeping(name).rule()) is rule


def test_there_are_20_frames_unless_another_number_is_given():
    for name in ("fifo", "readmem", "quality"):
        assert Keeping(name).rule().size == 20
        assert Keeping(name, 7).rule().size == 7


def test_options_of_readmem_are_passed_through():
    rule = Keeping("readmem", 6, "thesis", None, "dot", "fixed", "copies").rule("dot")
    expected = ReadMem(6, None, "dot", "fixed", "dot", initialisation="copies")
    assert repr(rule) == repr(expected)


def test_the_preset_of_the_code_has_a_size_of_its_own():
    rule = Keeping("readmem", readmem_preset="code").rule()
    assert (rule.size, rule.strict, rule.rounding) == (10, False, 5)
    assert Keeping("readmem", 12, "code").rule().size == 12


def test_what_the_presets_differ_in_can_be_chosen_one_by_one():
    code = Keeping("readmem", readmem_preset="code", readmem_strict=True).rule()
    assert (code.strict, code.rounding, code.align_filling) == (True, 5, False)
    options = {"readmem_strict": False, "readmem_rounding": 5, "readmem_align_filling": False}
    rebuilt = Keeping("readmem", 10, **options).rule()
    assert repr(rebuilt) == repr(Keeping("readmem", readmem_preset="code").rule())
    assert not Keeping("readmem", readmem_diversify=False).rule().diversify


def test_what_there_is_not_is_told():
    with pytest.raises(LazyVosError, match="memory_size is 0: give 1 frame or more"):
        Keeping("fifo", 0)
    with pytest.raises(LazyVosError, match="align='diagonal'"):
        Keeping("readmem", readmem_align="diagonal").rule()
    with pytest.raises(LazyVosError, match=r"'fif', and the tracker x has .* one of all, fifo"):
        Keeping("fif").check("x", ("all", "fifo"))

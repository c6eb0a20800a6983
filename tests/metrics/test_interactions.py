"""NoC, IDI and ACI, on the worked example, by their definition, and beside published figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.metrics import Interactions, aci, aci_sum, aci_without_end, idi, noc

EXAMPLE = [Interactions(13, (4, 7)), Interactions(25)]


@st.composite
def interactions(draw) -> Interactions:
    frames = draw(st.integers(1, 40))
    places = draw(st.sets(st.integers(1, frames - 1))) if frames > 1 else set()
    return Interactions(frames, tuple(sorted(places)))


def by_definition(each: Interactions, gaps: list[int]) -> float:
    """Eq. 6.7 with both of its sums."""
    count = {j: gaps.count(j) for j in range(1, each.frames + 1)}
    sums = [sum(count[j] for j in range(1, i + 1)) for i in range(1, each.frames + 1)]
    return sum(sums) / each.frames


def test_the_example():
    assert [each.gaps for each in EXAMPLE] == [[4, 3, 5], [24]]
    assert noc(EXAMPLE) == 2
    assert idi(EXAMPLE, fps=6) == 1.5
    assert aci(EXAMPLE) == pytest.approx((30 / 13 + 2 / 25) / 2)
    assert aci_sum(EXAMPLE) == pytest.approx(30 / 13 + 2 / 25)
    assert aci_without_end(EXAMPLE) == pytest.approx(21 / 13 / 2)


@given(st.lists(interactions(), min_size=1, max_size=4))
def test_aci_is_what_its_definition_says(objects):
    expected = [by_definition(each, each.gaps) for each in objects]
    assert aci_sum(objects) == pytest.approx(sum(expected))
    assert aci(objects) == pytest.approx(sum(expected) / len(expected))


@given(interactions())
def test_aci_without_end_lacks_the_last_gap_alone(each):
    ends_corrected = each.frames - 1 in (0, *each.corrections)
    gaps = each.gaps if ends_corrected else each.gaps[:-1]
    assert aci_without_end([each]) == pytest.approx(by_definition(each, gaps))


@given(interactions())
def test_aci_counts_corrections_wherever_they_are(each):
    corrections, frames = len(each.corrections), each.frames
    expected = corrections + (corrections + 2) / frames
    if frames - 1 in (0, *each.corrections):
        expected -= 1 + 1 / frames
    assert aci([each]) == pytest.approx(expected)


@given(st.lists(interactions(), min_size=1, max_size=4), st.floats(1, 60))
def test_idi_pools_all_gaps(objects, fps):
    frames = sum(sum(each.gaps) for each in objects)
    moments = sum(len(each.corrections) + 1 for each in objects)
    assert idi(objects, fps=fps) == pytest.approx(frames / moments / fps)


def test_published_figures_of_lvos():
    # 65 objects with 43 204 frames in all, and 325 corrections: 18.4 s and 5.02 per object
    frames = [43_204 // 65] * 64
    frames.append(43_204 - sum(frames))
    objects = [Interactions(length, tuple(range(100, 600, 100))) for length in frames]
    assert noc(objects) == 325
    assert idi(objects, fps=6) == pytest.approx(18.4, abs=0.05)
    assert aci(objects) == pytest.approx(5.02, abs=0.01)


@pytest.mark.parametrize(
    ("frames", "corrections"),
    [(0, ()), (5, (0,)), (5, (5,)), (5, (3, 2)), (5, (2, 2)), (5, (-1,))],
)
def test_corrections_outside_the_frames_are_refused(frames, corrections):
    with pytest.raises(LazyVosError, match=r"in order and each once"):
        Interactions(frames, corrections)


def test_no_objects_and_no_frame_rate_are_refused():
    for measure in (aci, aci_sum, aci_without_end, lambda objects: idi(objects, fps=6)):
        with pytest.raises(LazyVosError, match="at least one object"):
            measure([])
    with pytest.raises(LazyVosError, match="frames per second"):
        idi(EXAMPLE, fps=0)
    assert noc([]) == 0

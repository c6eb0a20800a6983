"""Who counts as out of view."""

from __future__ import annotations

import pytest

from napari_lazyvos.lazy.absence import is_absent, last_seen
from napari_lazyvos.store import ledger as ledger_module
from napari_lazyvos.store.database import Database
from napari_lazyvos.store.ledger import Ledger, Origin, Row, State

ROWS = {
    "T": (State.TRACKED, Origin.MACHINE),
    "H": (State.TRACKED, Origin.HUMAN),
    "a": (State.ABSENT, Origin.MACHINE),
    "A": (State.ABSENT, Origin.HUMAN),
    "E": (State.ENDED, Origin.HUMAN),
}


def ledger_of(story: str) -> Ledger:
    """Make a ledger of object 1, one letter for each frame; a dot is a frame of nothing."""
    ledger = Ledger(Database(":memory:", ledger_module.SCHEMA), len(story))
    for t, letter in enumerate(story):
        if letter in ROWS:
            ledger.record(t, [Row(1, *ROWS[letter])])
    return ledger


@pytest.mark.parametrize(
    ("story", "after", "absent"),
    [
        ("HTaa.", 3, False),
        ("HTaaa.", 3, True),
        ("HTaaaaaa.", 3, True),
        ("HTaaa.", None, False),
        ("HTA.", 3, True),
        ("HTAa.", None, True),
        ("HTAT.", 3, False),
        ("HTaEa.", 3, False),
        ("a.", 1, True),
        (".", 1, False),
    ],
)
def test_absence(story, after, absent):
    ledger = ledger_of(story)
    assert is_absent(ledger, 1, len(story) - 1, 1, after) is absent
    backwards = ledger_of(story[::-1])
    assert is_absent(backwards, 1, 0, -1, after) is absent


@pytest.mark.parametrize(
    ("story", "frame"), [("HTTaa.", 2), ("aa.", None), ("HaTA.", 2), (".", None)]
)
def test_where_it_was_seen_last(story, frame):
    assert last_seen(ledger_of(story), 1, len(story) - 1, 1) == frame

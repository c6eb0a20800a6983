"""What an earlier release wrote is read, and nothing of it is lost."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path

import numpy as np

from napari_lazyvos.store.ledger import Call, Origin, Row, State
from napari_lazyvos.store.store import VERSION, Store


def make_first_version(path: Path) -> None:
    """Make a store, and bring it to how version 1 left it: without calls for help."""
    with Store.create(path, frames=4, height=5, width=6) as store:
        store.set_metadata({"tracker": "compact"})
        with store.edit("track", "track frames {frames}") as edit:
            rows = [Row(1, State.TRACKED, Origin.MACHINE, score=0.5, area=9)]
            edit.write_frame(2, np.ones((5, 6), np.uint8), rows=rows)
    with sqlite3.connect(path / "session.sqlite") as connection:
        connection.execute("ALTER TABLE rows DROP COLUMN rise")
        connection.execute("ALTER TABLE rows DROP COLUMN call")
    connection.close()
    header = json.loads((path / "session.json").read_text())
    (path / "session.json").write_text(json.dumps({**header, "version": 1}))


def test_a_store_of_the_first_version_opens_and_is_written_on(tmp_path: Path):
    path = tmp_path / "cells.lazyvos"
    make_first_version(path)
    for _ in range(2):  # the second time it is of this version
        with Store.open(path) as store:
            row = store.ledger.row(1, 2)
            assert (row.state, row.score, row.area) == (State.TRACKED, 0.5, 9)
            assert math.isnan(row.rise)
            assert row.call == Call.NONE
            assert store.masks[2].all()
            assert store.metadata == {"tracker": "compact"}
            assert store.undo_text is None
    assert json.loads((path / "session.json").read_text())["version"] == VERSION
    with Store.open(path) as store:
        asked = Row(1, State.TRACKED, Origin.MACHINE, score=0.9, rise=0.4, call=Call.OPEN)
        with store.edit("track", "track") as edit:
            edit.write_frame(3, rows=[asked])
        assert store.undo().text == "track"
        assert store.redo().text == "track"
    with Store.open(path) as store:
        assert store.ledger.row(1, 3).call == Call.OPEN
        np.testing.assert_allclose(store.ledger.rises(1), [math.nan, math.nan, math.nan, 0.4])
        assert store.ledger.calls(1).tolist() == [0, 0, 0, Call.OPEN]

"""A store opens, whatever happened to the process that wrote it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.ledger import Origin, Row, State
from napari_lazyvos.store.scale import PixelScale
from napari_lazyvos.store.store import Store

SIZE = {"frames": 6, "height": 8, "width": 9}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "cells.lazyvos"


def test_what_is_created_is_found_again(path: Path):
    scale = PixelScale(2.0, 0.5, 0.5, "second", "micrometer")
    with Store.create(path, **SIZE, scale=scale, metadata={"tracker": "flow"}) as store:
        store.set_metadata({"tracker": "xmem", "labels": [1, 2]})
    with Store.open(path) as store:
        assert (store.frames, store.height, store.width) == (6, 8, 9)
        assert store.scale == scale
        assert store.metadata == {"tracker": "xmem", "labels": [1, 2]}
        assert (store.masks.dtype, store.uncertainty.dtype) == (np.uint8, np.uint8)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_any_zarr_reader_opens_the_frames(path: Path):
    with Store.create(path, **SIZE) as store, store.edit("test", "test") as edit:
        edit.write_frame(3, np.full((8, 9), 2, np.uint8))
    group = zarr.open_group(path / "frames.zarr", mode="r")
    assert sorted(group.array_keys()) == ["masks", "uncertainty"]
    assert group["masks"][:].sum(axis=(1, 2)).tolist() == [0, 0, 0, 144, 0, 0]
    assert group["masks"].metadata.dimension_names == ("t", "y", "x")


def test_checkpoint(path: Path):
    with Store.create(path, **SIZE) as store:
        assert store.read_checkpoint() is None
        store.write_checkpoint(b"memory")
        store.write_checkpoint(b"more")
        assert store.read_checkpoint() == b"more"
        store.drop_checkpoint()
        store.drop_checkpoint()
        assert store.read_checkpoint() is None


def test_grows(path: Path):
    with Store.create(path, **SIZE) as store:
        store.resize(9)
        with store.edit("test", "test") as edit:
            edit.write_frame(8, rows=[Row(1, State.TRACKED, Origin.MACHINE)])
    with Store.open(path) as store:
        assert store.frames == len(store.uncertainty) == store.ledger.frames == 9
        assert store.ledger.states(1)[8] == State.TRACKED


def test_growth_that_was_cut_short_is_finished(path: Path):
    with Store.create(path, **SIZE) as store:
        store.masks.resize(9)
    with Store.open(path) as store:
        assert store.frames == len(store.uncertainty) == store.ledger.frames == 9


def test_no_place_for_a_new_store(path: Path):
    Store.create(path, **SIZE).close()
    with pytest.raises(LazyVosError, match="session already"):
        Store.create(path, **SIZE)
    with pytest.raises(LazyVosError, match="not empty"):
        Store.create(path.parent, **SIZE)
    empty = path.parent / "empty"
    empty.mkdir()
    Store.create(empty, **SIZE).close()


def test_no_store(path: Path):
    assert not Store.exists(path)
    with pytest.raises(LazyVosError, match="no session"):
        Store.open(path)


def test_a_newer_or_damaged_store_is_refused(path: Path):
    Store.create(path, **SIZE).close()
    header = json.loads((path / "session.json").read_text())
    (path / "session.json").write_text(json.dumps({**header, "version": 99}))
    with pytest.raises(LazyVosError, match=r"newer.*99.*update"):
        Store.open(path)
    (path / "session.json").write_text("{")
    with pytest.raises(LazyVosError, match="damaged"):
        Store.open(path)


def test_one_at_a_time(path: Path):
    with Store.create(path, **SIZE) as store:
        with pytest.raises(LazyVosError, match="open in another"):
            Store.open(path)
        with pytest.raises(LazyVosError, match="open in another"):
            Store.remove(path)
        store.close()
        Store.open(path).close()


def test_remove_leaves_what_is_not_its_own(path: Path):
    with Store.create(path, **SIZE) as store:
        store.write_checkpoint(b"memory")
    (path / "notes.txt").write_text("mine")
    Store.remove(path)
    assert [entry.name for entry in path.iterdir()] == ["notes.txt"]
    (path / "notes.txt").unlink()
    Store.create(path, **SIZE).close()
    Store.remove(path)
    assert not path.exists()


# Writes, undoes and redoes for ever. Everything that belongs together holds the same number.
VICTIM = """
import random, sys
import numpy as np
from napari_lazyvos.store.ledger import Origin, Row, State
from napari_lazyvos.store.store import Store

store, choose = Store.open(sys.argv[1]), random.Random(int(sys.argv[2]))
print("ready", flush=True)
while True:
    for _ in range(choose.randrange(4)):  # often enough that no command becomes too old
        store.undo()
    for _ in range(choose.randrange(2)):
        store.redo()
    with store.edit("track", "track frames {frames}") as edit:
        for t in sorted(choose.sample(range(store.frames), choose.randrange(1, store.frames))):
            value = choose.randrange(1, 200)
            plane = np.full((store.height, store.width), value, np.uint8)
            row = Row(1, State.TRACKED, Origin.MACHINE, area=value)
            edit.write_frame(t, plane, plane, [row])
        edit.mark_stale(1, 0, choose.randrange(store.frames))
"""


def test_kill_at_any_moment(path: Path):
    Store.create(path, frames=6, height=200, width=200).close()
    for attempt in range(4):
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(path), str(attempt)], stdout=subprocess.PIPE
        )
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"ready\n"
        time.sleep(0.15 + 0.07 * attempt)
        victim.kill()
        victim.communicate()
        with Store.open(path) as store:
            planes = [store.masks[:, 0, 0], store.uncertainty[:, 0, 0], store.ledger.areas(1)]
            in_flight = {t for t in range(6) if len({int(plane[t]) for plane in planes}) > 1}
            assert len(in_flight) <= attempt + 1  # one per kill
    with Store.open(path) as store:
        while store.undo():
            pass
        assert not store.masks[:].any()
        assert not store.uncertainty[:].any()
        assert store.ledger.labels == ()

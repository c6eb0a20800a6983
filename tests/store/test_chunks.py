"""One file per frame; widening can be cut short anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.chunks import ChunkFolder

SHAPE = (4, 3, 5)
PLANE = np.arange(15, dtype=np.uint8).reshape(3, 5)


@pytest.fixture
def chunks(tmp_path: Path) -> ChunkFolder:
    chunks = ChunkFolder.create(tmp_path / "masks", SHAPE, np.dtype(np.uint8))
    chunks.write(2, chunks.encode(PLANE))
    return chunks


def test_zero_has_no_file(chunks: ChunkFolder, tmp_path: Path):
    assert chunks.encode(np.zeros_like(PLANE)) == b""
    assert chunks.written().tolist() == [2]
    chunks.write(2, b"")
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["zarr.json"]
    assert not chunks.decode(chunks.read(2)).any()


def test_a_file_that_was_not_finished_is_removed(chunks: ChunkFolder, tmp_path: Path):
    (tmp_path / "masks" / ".partial-1-2-c.3.0.0").write_bytes(b"half")
    assert chunks.written().tolist() == [2]
    assert not list((tmp_path / "masks").glob(".partial*"))


def test_a_narrow_chunk_is_read_by_a_wide_array(chunks: ChunkFolder):
    narrow = chunks.read(2)
    chunks.widen()
    plane = chunks.decode(narrow)
    assert plane.dtype == np.uint16
    np.testing.assert_array_equal(plane, PLANE)


@pytest.mark.parametrize("moment", ["while copying", "narrow moved", "wide moved"])
def test_widening_cut_short(chunks: ChunkFolder, tmp_path: Path, moment: str):
    masks, wide, narrow = (tmp_path / f"masks{suffix}" for suffix in ("", ".wide", ".narrow"))
    shutil.copytree(masks, tmp_path / "copy")
    chunks.widen()
    complete = masks.rename(tmp_path / "complete")
    if moment == "while copying":
        shutil.copytree(tmp_path / "copy", masks)
        shutil.copytree(complete, wide)
        (wide / "c.2.0.0").unlink()
    else:
        shutil.copytree(tmp_path / "copy", narrow)
        shutil.copytree(complete, wide if moment == "narrow moved" else masks)
    again = ChunkFolder(masks)
    np.testing.assert_array_equal(again.decode(again.read(2)), PLANE)
    assert again.dtype == (np.uint8 if moment == "while copying" else np.uint16)
    assert not wide.exists()
    assert not narrow.exists()


def test_a_damaged_array_is_a_sentence(chunks: ChunkFolder, tmp_path: Path):
    (tmp_path / "masks" / "zarr.json").write_text("{")
    with pytest.raises(LazyVosError, match="damaged"):
        ChunkFolder(tmp_path / "masks")

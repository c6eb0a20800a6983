"""Which layouts there are, and what is said where a folder is not laid out so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_lazyvos.benchmark.layouts import LAYOUTS, find_clips
from napari_lazyvos.errors import LazyVosError


def test_layouts_are_known_before_anything_heavy_is_imported():
    code = (
        "import sys\n"
        "from napari_lazyvos.benchmark.layouts import LAYOUTS\n"
        "print(*LAYOUTS)\n"
        "print('numpy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, loaded = run.stdout.splitlines()
    assert names.split() == [*LAYOUTS]
    assert loaded == "False"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_that_holds_something_else_gets_a_sentence(layout, tmp_path):
    with pytest.raises(LazyVosError, match=r"holds no videos in the layout .*: it should") as told:
        find_clips(tmp_path, layout)
    assert "{" not in str(told.value)
    assert str(tmp_path) in str(told.value)
    for split in LAYOUTS[layout].splits:
        with pytest.raises(LazyVosError, match=rf"in the layout {layout}: .*"):
            find_clips(tmp_path, layout, split=split)


def test_what_does_not_exist_gets_a_sentence(tmp_path):
    with pytest.raises(
        LazyVosError, match=r"no layout 'davis': choose one of davis2016, .* folder"
    ):
        find_clips(tmp_path, "davis")
    with pytest.raises(LazyVosError, match=r"there is no folder .*nowhere"):
        find_clips(tmp_path / "nowhere", "mose")
    with pytest.raises(LazyVosError, match="mose has no split 'val': choose one of valid, train"):
        find_clips(tmp_path, "mose", split="val")
    with pytest.raises(LazyVosError, match="vots has no splits: leave 'val' out"):
        find_clips(tmp_path, "vots", split="val")


def test_some_videos_of_many(data, look):
    for name in ("cat", "dog", "dogs"):
        data.frames(f"valid/JPEGImages/{name}", ["00000"])
        data.labels(f"valid/Annotations/{name}", {"00000": look.drawn(1)})
    assert [clip.name for clip in find_clips(data.root, "mose")] == ["cat", "dog", "dogs"]
    assert [clip.name for clip in find_clips(data.root, "mose", only="dog")] == ["dog", "dogs"]
    with pytest.raises(LazyVosError, match="has 'cow' in its name: there are cat, dog, dogs"):
        find_clips(data.root, "mose", only="cow")


def test_only_the_wanted_videos_need_be_there(data, look):
    data.frames("valid/JPEGImages/cat", ["00000"])
    for name in ("cat", "dog"):
        data.labels(f"valid/Annotations/{name}", {"00000": look.drawn(1)})
    assert len(find_clips(data.root, "mose", only="cat")) == 1
    with pytest.raises(LazyVosError, match=r"no frames in .*dog: there is no such folder"):
        find_clips(data.root, "mose")

"""The table of clicks: what it may say, and that every fault in it is named."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lazyvos.batch.clicks_table import TableClick, read_clicks
from napari_lazyvos.errors import LazyVosError


@pytest.fixture
def videos(tmp_path):
    """Two videos of 4 frames, 16 x 24, and a file that is none."""
    paths = {}
    for name in ("day1", "day2"):
        paths[name] = (tmp_path / "videos" / f"{name}.npy").resolve()
        paths[name].parent.mkdir(exist_ok=True)
        np.save(paths[name], np.zeros((4, 16, 24), np.uint8))
    paths["broken"] = paths["day1"].with_name("broken.npy")
    paths["broken"].write_text("no array")
    return paths


@pytest.fixture
def table(tmp_path):
    """Write a table into the folder that has the folder of videos in it."""

    def write(*lines, encoding="utf-8"):
        path = tmp_path / "clicks.csv"
        path.write_text("\n".join(lines), encoding=encoding)
        return path

    return write


def fault(path, videos) -> str:
    with pytest.raises(LazyVosError) as error:
        read_clicks(path, videos)
    return str(error.value)


def test_videos_are_named_by_name_or_path(table, videos):
    path = table(
        "video,label,t,y,x",
        "day2,1,0,3,4",
        "videos/day1.npy,7,2,3.25,4.5",
        "",
        f"{videos['day2']},2,1,0,0",
    )
    assert read_clicks(path, videos) == {
        "day2": (TableClick(2, 1, 0, 3, 4), TableClick(5, 2, 1, 0, 0)),
        "day1": (TableClick(3, 7, 2, 3.25, 4.5),),
    }


def test_what_spreadsheets_and_pandas_write(table, videos):
    path = table(
        "name,video,label,t,y,x,positive",
        "left cell,day1,1,0.0,3.0,4.0,1",
        ",day1, 1,3.0 ,3.0,4.0,0",
        '"cell, right",day1,2,0,5,5,',
        ",day1,2,1,5,5,,,",  # cells that were emptied
        encoding="utf-8-sig",
    )
    assert read_clicks(path, videos)["day1"] == (
        TableClick(2, 1, 0, 3, 4, True, "left cell"),
        TableClick(3, 1, 3, 3, 4, False),
        TableClick(4, 2, 0, 5, 5, True, "cell, right"),
        TableClick(5, 2, 1, 5, 5),
    )


def test_every_fault_is_named_with_its_line(table, videos):
    path = table(
        "video,label,t,y,x,positive,name",
        "day3,1,0,3,4",
        "day1,0,1.5,north,inf,yes",
        "day1,1,0,3,4,1,left",
        "day1,1,0,3,4",
        "day1,1,1,3,4,1,right",
        "day1,1,9,3,4",
        "day2,1,0,16,4",
        "day2,1",
        "day2,1,0,3,4,1,left,more",
        ",1,0,3,4",
    )
    said = fault(path, videos).splitlines()
    assert said[0] == f"{path} has 15 faults; correct the table:"
    lines = [int(line.removeprefix("  line ").partition(":")[0]) for line in said[1:]]
    assert lines == [2, 3, 3, 3, 3, 3, 5, 6, 7, 8, 9, 9, 9, 10, 11]
    text = "\n".join(said)
    for words in (
        "line 2: no video 'day3' is among those given",
        "line 3: label is '0': write a whole number from 1 to 65535",
        "line 3: t is '1.5': write the number of a frame",
        "line 3: y is 'north': write a row in pixels",
        "line 3: x is 'inf': write a column in pixels",
        "line 3: positive is 'yes': write 1 or 0",
        "line 5: it repeats line 4",
        "line 6: object 1 is called 'right', and 'left' in line 4",
        "line 7: there is no frame 9 in day1",
        "line 8: the click at (y, x) = (16, 4) lies outside the frame",
        "line 9: t is ''",
        "line 10: there is a cell too many, 'more'",
        "line 11: no video ''",
    ):
        assert words in text


def test_one_fault_is_one(table, videos):
    path = table("video,label,t,y,x", "day1,1,0,3,-2")
    assert fault(path, videos).startswith(f"{path} has 1 fault; correct the table:\n  line 2: ")


def test_a_video_that_cannot_be_opened_is_not_the_fault_of_the_table(table, videos):
    path = table("video,label,t,y,x", "broken,1,700,3,4")
    assert read_clicks(path, videos)["broken"][0].t == 700


@pytest.mark.parametrize(
    "first",
    [
        "video;label;t;y;x",
        "video,label,t,y",
        "video,label,t,y,x,postive",
        "video,label,t,y,x,x",
        "",
    ],
)
def test_wrong_columns(first, table, videos):
    said = fault(table(first, "day1,1,0,3,4"), videos)
    assert "let it be video,label,t,y,x, and positive and name if you like" in said


def test_what_is_no_table(table, videos, tmp_path):
    assert "holds no click" in fault(table("video,label,t,y,x", ""), videos)
    assert "cannot be read as CSV in UTF-8" in fault(tmp_path / "none.csv", videos)
    (tmp_path / "clicks.csv").write_bytes(b"video,label,t,y,x\nd\xe9j\xe0 vu,1,0,3,4\n")
    assert "cannot be read as CSV in UTF-8" in fault(tmp_path / "clicks.csv", videos)

"""The thresholds of each tracker: the package's, and those of the user's own videos."""

from __future__ import annotations

import json
import math

import pytest

from napari_lazyvos import trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import cache
from napari_lazyvos.models.thresholds import (
    DEFAULT,
    Thresholds,
    forget_thresholds,
    place_of,
    store_thresholds,
    thresholds_of,
)

OWN = Thresholds(0.31, 0.12, 0.64)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))


def test_every_tracker_has_some_in_the_package():
    assert all(thresholds_of(name).tau_user for name in trackers.names())
    assert thresholds_of("xmem") == Thresholds(0.5, 0.2, 0.8)
    assert thresholds_of("compact") == Thresholds(0.10, None, None)
    assert thresholds_of("handcrafted") == Thresholds(0.08, None, None)
    assert not cache.folder().exists()


def test_a_tracker_that_nobody_has_calibrated_asks_late_and_does_no_more():
    assert thresholds_of("somebody's own") == DEFAULT == Thresholds(0.5, None, None)


def test_the_users_own_hold_until_they_are_forgotten():
    path = store_thresholds("compact", OWN)
    assert path.is_relative_to(cache.folder())
    assert thresholds_of("compact") == OWN
    assert thresholds_of("handcrafted").tau_user == 0.08
    store_thresholds("compact", Thresholds(None, None, 1.5))
    assert thresholds_of("compact") == Thresholds(None, None, 1.5)
    assert [file.name for file in path.parent.iterdir()] == ["compact.json"]  # nothing half done
    assert forget_thresholds("compact")
    assert thresholds_of("compact").tau_user == 0.10
    assert not forget_thresholds("compact")


def test_any_name_is_a_file_of_its_own_in_the_folder():
    names = ("../compact", "my/tracker", "C:\\tracker", "..", "Größe 2", "a%2Fb", "a/b")
    assert len({place_of(name) for name in names}) == len(names)
    for i, name in enumerate(names, start=1):
        path = store_thresholds(name, Thresholds(float(i)))
        assert path.resolve().parent == cache.folder() / "thresholds"
    assert [thresholds_of(name).tau_user for name in names] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[0.1]",
        b'{"tau_user": 0.2, "tau": 1}',
        b'{"tau_user": "0.2"}',
        b'{"tau_user": true}',
        b'{"tau_user": -0.2}',
        b'{"tau_memory": 0}',
        b'{"tau_user": NaN}',
        b'{"tau_memory": Infinity}',
        b'{"tau_user": 0.2, "tau_pseudo": 0.3}',
    ],
)
def test_a_damaged_file_is_told_of_and_not_used(content):
    path = store_thresholds("compact", OWN)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"thresholds of compact in .* are not used") as told:
        assert thresholds_of("compact") == Thresholds(0.10, None, None)
    assert len(told) == 1
    assert str(path) in str(told[0].message)


def test_what_is_out_of_range_is_refused():
    for value in (0, -1, math.nan, math.inf, True, "0.1"):
        with pytest.raises(LazyVosError, match=r"tau_memory is .*: give a number above 0"):
            Thresholds(tau_memory=value)
    with pytest.raises(LazyVosError, match="give a tau_pseudo below tau_user"):
        Thresholds(0.2, 0.2)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "models").write_text("a file")
    assert thresholds_of("compact").tau_user == 0.10
    with pytest.raises(LazyVosError, match="cannot be written"):
        store_thresholds("compact", OWN)


def test_what_is_stored_can_be_read_by_eye():
    text = store_thresholds("compact", Thresholds(0.31)).read_text()
    assert json.loads(text) == {"tau_user": 0.31, "tau_pseudo": None, "tau_memory": None}

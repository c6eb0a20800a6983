"""Downloads from a site on this computer, which behaves as badly as real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.models.download import DownloadStoppedError, arrived, download

BOTH = pytest.mark.parametrize("name", ["toy-first", "toy-sure"])


def files() -> set[str]:
    """Return the names of the files that a person sees in the folder."""
    return {file.name for file in cache.folder().iterdir() if not file.name.startswith(".")}


@BOTH
def test_it_arrives_and_is_not_downloaded_twice(publisher, name):
    entry, told = find(name), []
    path = download(entry, lambda *numbers: told.append(numbers))
    whole = publisher.files[entry.file]
    assert path.read_bytes() == whole
    assert told[0] == (0, len(whole))
    assert told[-1] == (len(whole), len(whole))
    assert told == sorted(told)
    assert files() <= {entry.file, "SHA256SUMS"}
    assert download(entry) == path == cache.weights_for(name)
    assert publisher.asked == [None]


@BOTH
def test_a_cut_connection_is_gone_on_with(publisher, name):
    entry = find(name)
    whole = publisher.files[entry.file]
    publisher.cut = len(whole) // 2
    with pytest.raises(LazyVosError, match=r"was cut after .* kB of .* kB: download again, and it"):
        download(entry)
    kept = arrived(entry)
    assert 0 < kept <= publisher.cut
    assert files() == {f"{entry.file}.part"}
    publisher.cut = None
    told = []
    assert download(entry, lambda *numbers: told.append(numbers)).read_bytes() == whole
    assert publisher.asked == [None, f"bytes={kept}-"]
    assert told[0] == (kept, len(whole))
    assert arrived(entry) == 0


def test_a_site_that_cannot_go_on_begins_anew(publisher):
    entry = find("toy-sure")
    publisher.cut = 500_000
    with pytest.raises(LazyVosError, match="was cut"):
        download(entry)
    publisher.cut, publisher.ranges = None, False
    assert download(entry).read_bytes() == publisher.files[entry.file]


@BOTH
@pytest.mark.parametrize("extra", [0, 9])
def test_what_is_left_of_another_time_may_be_whole_or_too_long(publisher, name, extra):
    entry = find(name)
    whole = publisher.files[entry.file]
    cache.folder().mkdir()
    (cache.folder() / f"{entry.file}.part").write_bytes(whole + bytes(extra))
    assert download(entry).read_bytes() == whole
    assert files() <= {entry.file, "SHA256SUMS"}


@BOTH
def test_what_is_left_of_another_file_does_no_harm(publisher, name):
    entry = find(name)
    cache.folder().mkdir()
    (cache.folder() / f"{entry.file}.part").write_bytes(bytes(400_000))
    with pytest.raises(LazyVosError, match=r"damaged|not the file that its authors published"):
        download(entry)
    assert not files()
    assert download(entry).read_bytes() == publisher.files[entry.file]


def test_it_can_be_stopped(publisher):
    entry, told = find("toy-sure"), []

    with pytest.raises(DownloadStoppedError, match="kept, and the next one goes on"):
        download(entry, lambda *numbers: told.append(numbers), lambda: len(told) > 3)
    assert arrived(entry) == told[-1][0] + (1 << 16)
    download(entry)
    assert publisher.asked[1].startswith("bytes=")


@BOTH
def test_a_page_instead_of_the_file_is_called_one(publisher, name):
    entry = find(name)
    publisher.files[entry.file] = b"<!DOCTYPE html><html>Quota exceeded</html>"
    publisher.kind = "text/html; charset=utf-8"
    with pytest.raises(LazyVosError, match=r"answers with a web page instead of a file: try again"):
        download(entry)
    publisher.kind = "application/octet-stream"
    with pytest.raises(LazyVosError, match=r"web page|offers a file of 42 bytes"):
        download(entry)
    assert not files()


def test_a_file_that_is_gone_is_told(publisher):
    publisher.files.clear()
    with pytest.raises(LazyVosError, match=r"Toy-Sure\.pth answers with 404 Not Found"):
        download(find("toy-sure"))
    assert not files()


def test_a_file_that_is_not_the_published_one_is_not_kept(publisher):
    entry = find("toy-sure")
    changed = bytearray(publisher.files[entry.file])
    changed[-1] ^= 1
    publisher.files[entry.file] = bytes(changed)
    with pytest.raises(LazyVosError, match="not the file that its authors published: its SHA-256"):
        download(entry)
    assert not files()


def test_a_file_that_changed_since_the_first_time_is_not_kept(publisher):
    entry = find("toy-first")
    download(entry).unlink()
    publisher.files[entry.file] = publisher.files["Toy-Sure.pth"]
    with pytest.raises(LazyVosError, match=r"not the file of the first time, which the line of"):
        download(entry)
    assert files() == {"SHA256SUMS"}


def test_a_damaged_file_stays_until_the_right_one_is_there(publisher):
    for name in ("toy-first", "toy-sure"):
        entry = find(name)
        cache.folder().mkdir(exist_ok=True)
        cache.place(entry).write_bytes(b"damaged")
        publisher.cut = 1000
        with pytest.raises(LazyVosError, match="was cut"):
            download(entry)
        assert cache.place(entry).read_bytes() == b"damaged"
        publisher.cut = None
        assert download(entry).read_bytes() == publisher.files[entry.file]


def test_without_a_network_it_says_what_to_do(publisher):
    entry = find("toy-sure")
    publisher.cut = 300_000
    with pytest.raises(LazyVosError, match="was cut"):
        download(entry)
    kept = arrived(entry)
    publisher.socket.close()
    with pytest.raises(
        LazyVosError, match=r"127\.0\.0\.1:\d+ cannot be reached \(ConnectionError\): .* models add"
    ):
        download(entry)
    assert arrived(entry) == kept


def test_a_folder_that_cannot_be_written_is_named(publisher, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "file" / "models"))
    with pytest.raises(LazyVosError, match=r"file.models cannot be written \(.+\): free it"):
        download(find("toy-sure"))
    assert not publisher.asked


def test_a_full_disk_is_noticed_before(publisher, monkeypatch):
    full = shutil.disk_usage(Path.cwd())._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(LazyVosError, match=r"has room for 1\.0 kB, and 801\.\d kB are to come"):
        download(find("toy-sure"))
    assert not files()


def test_the_same_file_is_downloaded_once_at_a_time(publisher):
    cache.folder().mkdir()
    with (
        FileLock(cache.folder() / ".Toy-Sure.pth.lock"),
        pytest.raises(LazyVosError, match="being downloaded in another window"),
    ):
        download(find("toy-sure"))
    assert not publisher.asked

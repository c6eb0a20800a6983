"""The folder of published weights: what is used, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.models.checksums import SUMS

pytestmark = pytest.mark.usefixtures("publisher")  # the catalogue is of toys


def put(publisher, file: str, content: bytes | None = None) -> Path:
    """Copy a file into the folder as a person without internet does."""
    cache.folder().mkdir(exist_ok=True)
    path = cache.folder() / file
    path.write_bytes(publisher.files[file] if content is None else content)
    return path


def other_model(path: Path) -> Path:
    torch.save({"other.weight": torch.zeros(200_000)}, path)
    return path


def visible(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder that a person sees."""
    return {f.name: f.read_bytes() for f in folder.iterdir() if not f.name.startswith(".")}


def test_the_folder_is_the_systems_unless_one_is_named(monkeypatch, tmp_path):
    assert cache.folder() == tmp_path / "models"
    for value in (None, ""):
        monkeypatch.setenv(cache.FOLDER, value) if value else monkeypatch.delenv(
            cache.FOLDER, raising=False
        )
        assert cache.folder().parts[-2:] == ("napari-lazyvos", "models")


def test_what_is_missing_is_told_with_the_command_the_size_and_the_folder(publisher):
    with pytest.raises(LazyVosError) as error:
        cache.weights_for("toy")
    assert "toy-first are not installed" in str(error.value)
    assert "`lazyvos models download toy-first` (about 800 kB)" in str(error.value)
    assert "in napari with Plugins ▸ Lazy VOS ▸ Models" in str(error.value)
    assert f"{publisher.url}Toy-First.pth into {cache.folder()}." in str(error.value)
    assert not cache.folder().exists()


def test_a_method_takes_its_default_else_what_is_there(publisher):
    sure = put(publisher, "Toy-Sure.pth")
    assert cache.weights_for("toy") == sure
    first = put(publisher, "Toy-First.pth")
    assert cache.weights_for("toy") == first
    assert cache.weights_for("toy-sure") == sure
    with pytest.raises(LazyVosError, match="no weights 'tog'"):
        cache.weights_for("tog")


def test_the_first_use_is_trusted_and_later_ones_must_match(publisher):
    path = put(publisher, "Toy-First.pth")
    put(publisher, "Toy-Sure.pth")
    cache.weights_for("toy")
    cache.weights_for("toy-sure")
    assert (cache.folder() / SUMS).read_text().count("\n") == 2
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--strict", "-c", SUMS], cwd=path.parent, check=True)
    put(publisher, "Toy-First.pth", publisher.files["Toy-Sure.pth"])
    with pytest.raises(LazyVosError, match=r"not the Toy-First\.pth that was installed first: "):
        cache.weights_for("toy")
    (cache.folder() / SUMS).unlink()  # as the sentence says
    assert cache.weights_for("toy") == path


def test_a_published_checksum_holds_from_the_start(publisher):
    put(publisher, "Toy-Sure.pth", publisher.files["Toy-First.pth"])
    with pytest.raises(LazyVosError, match=r"not Toy-Sure\.pth as its authors published it"):
        cache.weights_for("toy")


def test_a_file_is_read_again_only_if_it_seems_changed(publisher):
    path = put(publisher, "Toy-Sure.pth")
    entry = find("toy-sure")
    cache.verified(entry)
    before = path.stat()
    content = bytearray(publisher.files["Toy-Sure.pth"])
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    cache.verified(entry)  # its size and time are as they were: it was not read
    with pytest.raises(LazyVosError, match="as its authors published"):
        cache.verified(entry, anew=True)
    put(publisher, "Toy-Sure.pth")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    cache.verified(entry)


def test_what_was_remembered_may_be_damaged(publisher):
    put(publisher, "Toy-Sure.pth")
    cache.weights_for("toy-sure")
    for content in (b"[]", b"{", b'{"Toy-Sure.pth": 3}'):
        (cache.folder() / ".verified.json").write_bytes(content)
        cache.weights_for("toy-sure")


def test_a_folder_to_read_only_works(publisher):
    put(publisher, "Toy-First.pth")
    (cache.folder() / ".checksums.lock").mkdir()  # root may write everywhere else
    cache.weights_for("toy")
    assert visible(cache.folder()).keys() == {"Toy-First.pth"}


def test_a_file_put_there_by_hand_is_looked_into(publisher, tmp_path):
    whole = publisher.files["Toy-First.pth"]
    for content, words in (
        (whole[: len(whole) // 2], "damaged, perhaps cut off"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (other_model(tmp_path / "other").read_bytes(), "holds weights, but not of toy"),
    ):
        put(publisher, "Toy-First.pth", content)
        with pytest.raises(LazyVosError, match=words):
            cache.weights_for("toy")
        assert visible(cache.folder()).keys() == {"Toy-First.pth"}


def test_add_copies_and_checks(publisher, tmp_path):
    for file in ("Toy-First.pth", "Toy-Sure.pth"):
        (tmp_path / file).write_bytes(publisher.files[file])
    cache.folder().mkdir()
    cache.unfinished(find("toy-sure")).write_bytes(b"a download that was cut off")
    assert cache.add(tmp_path / "Toy-Sure.pth").name == "toy-sure"
    renamed = (tmp_path / "Toy-First.pth").rename(tmp_path / "Toy-First (1).pth")
    with pytest.raises(LazyVosError, match="--as NAME, where NAME is one of toy-first, toy-sure"):
        cache.add(renamed)
    assert cache.add(renamed, "toy-first").name == "toy-first"
    sums = (cache.folder() / SUMS).read_text()
    assert [line.split("  ")[1] for line in sums.splitlines()] == ["Toy-First.pth", "Toy-Sure.pth"]
    assert visible(cache.folder()) == publisher.files | {SUMS: sums.encode()}
    assert cache.add(cache.place(find("toy-sure"))).name == "toy-sure"  # onto itself


def test_add_refuses_and_leaves_the_folder_as_it_was(publisher, tmp_path):
    put(publisher, "Toy-First.pth")
    cache.weights_for("toy")
    before = visible(cache.folder())
    changed, whole = tmp_path / "changed", publisher.files["Toy-Sure.pth"]
    torch.save({"toy.weight": torch.full((200_000,), 7.0)}, changed)
    longer = tmp_path / "longer"
    torch.save({"toy.weight": torch.zeros(200_001)}, longer)
    cut = tmp_path / "cut"
    cut.write_bytes(whole[:-5000])
    page = tmp_path / "page"
    page.write_bytes(b"<html>Sign in")
    for file, name, words in (
        (tmp_path / "nowhere", "toy-sure", "nowhere cannot be read: No such file"),
        (tmp_path, "toy-sure", "cannot be read: "),
        (cut, "toy-sure", "perhaps cut off"),
        (page, "toy-sure", "is a web page"),
        (other_model(tmp_path / "other"), "toy-first", "not of toy: there is no toy.weight in it"),
        (longer, "toy-sure", r"longer is not Toy-Sure\.pth as published: it has \d+ bytes, not"),
        (changed, "toy-first", "not the Toy-First.pth that was installed first"),
    ):
        with pytest.raises(LazyVosError, match=words):
            cache.add(file, name)
        assert visible(cache.folder()) == before
        assert not list(cache.folder().glob(".partial-*"))


def test_a_folder_that_cannot_be_written_is_named(publisher, tmp_path, monkeypatch):
    (tmp_path / "Toy-Sure.pth").write_bytes(publisher.files["Toy-Sure.pth"])
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "Toy-Sure.pth"))
    with pytest.raises(LazyVosError, match=r"Toy-Sure\.pth cannot be written .* LAZYVOS_MODELS"):
        cache.add(tmp_path / "Toy-Sure.pth")
    with pytest.raises(LazyVosError, match="not installed"):
        cache.weights_for("toy")


def test_what_is_removed_is_gone_and_may_come_back_as_it_was(publisher):
    entry = find("toy-first")
    put(publisher, "Toy-First.pth")
    cache.unfinished(entry).write_bytes(b"a part")
    cache.verified(entry)  # records its checksum
    known = cache.expected(entry)
    assert known is not None
    cache.remove(entry)
    cache.remove(entry)  # nothing is left to do
    assert not cache.is_installed(entry)
    assert not cache.unfinished(entry).exists()
    assert cache.expected(entry) == known

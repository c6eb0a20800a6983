"""``lazyvos models`` as a person types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from napari_lazyvos.cli import main
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.models.download import CHUNK, arrived


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a command, its words in one line each."""
    with pytest.raises(SystemExit) as exit:
        main(["models", *map(str, arguments)])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def test_list_says_what_there_is(capsys):
    status, out, err = run(capsys, "list")
    assert (status, err) == (0, "")
    for words in ("xmem-s012", "about 249 MB", "not stated by the authors", "tracker xmem"):
        assert words in out
    assert out.splitlines()[-1] == f"Folder: {cache.folder()}"
    assert "installed" not in out
    assert not cache.folder().exists()


def test_list_for_programs(publisher, capsys):
    run(capsys, "download", "toy-sure")
    status, out, _ = run(capsys, "list", "--json")
    found = json.loads(out)
    assert (status, found["folder"]) == (0, str(cache.folder()))
    assert [row["installed"] for row in found["models"]] == [False, True]
    assert [row["default"] for row in found["models"]] == [True, False]
    assert found["models"][0]["name"] == "toy-first"
    assert found["models"][0]["size_about"] == 800_000
    assert found["models"][0]["sha256"] is None


def test_list_needs_neither_torch_nor_a_network_library():
    code = (
        "import sys\nfrom napari_lazyvos.cli import main\n"
        "try: main(['models', 'list'])\n"
        "finally: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert not set(done.stderr.split()) & {"torch", "numpy", "zarr", "requests", "napari"}


def test_download_tells_licence_and_size_before(publisher, capsys):
    status, out, err = run(capsys, "download", "toy-first", "toy-sure")
    assert (status, out) == (0, "")
    assert err.index("weights: not stated by the authors") < err.index("authors publish no SHA-256")
    assert f"about 800 kB from {publisher.url}Toy-First.pth" in err
    assert "Toy-Sure.pth: its SHA-256 is the published one" in err
    status, out, _ = run(capsys, "verify")
    assert (status, out.count("SHA-256")) == (0, 2)
    status, out, _ = run(capsys, "path", "toy-sure")
    assert out == f"{cache.folder() / 'Toy-Sure.pth'}\n"
    assert run(capsys, "path")[1] == f"{cache.folder()}\n"
    assert "installed" in run(capsys, "list")[1]


def test_no_download_begins_if_a_name_is_unknown(publisher, capsys):
    status, _, err = run(capsys, "download", "toy-sure", "toy-shure")
    assert (status, err.count("\n")) == (1, 1)
    assert "no weights 'toy-shure': choose one of toy-first, toy-sure." in err
    assert not publisher.asked
    assert run(capsys, "download")[0] == 2


def test_what_went_wrong_is_one_sentence(publisher, capsys):
    publisher.files.clear()
    status, _, err = run(capsys, "download", "toy-sure")
    assert status == 1
    assert err.splitlines()[-1].startswith(f"lazyvos: {publisher.url}Toy-Sure.pth answers with 404")


@pytest.fixture
def ctrl_c():
    """Let SIGINT interrupt: a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_what_has_arrived(publisher, capsys):
    entry = find("toy-sure")
    person = threading.main_thread().ident
    hung_up = threading.Event()

    def press() -> None:
        while arrived(entry) < 6 * CHUNK:
            time.sleep(0.01)
        time.sleep(0.2)  # it waits for the seventh now: nothing else could swallow the signal
        signal.pthread_kill(person, signal.SIGINT)
        hung_up.wait(10)

    publisher.cut, publisher.before_cut = 400_000, press
    status, _, err = run(capsys, "download", "toy-sure")
    hung_up.set()
    assert status == 1
    assert "Toy-Sure.pth are kept, and the next download goes on from there." in err
    assert "Traceback" not in err
    kept = arrived(entry)
    assert kept > 0
    publisher.cut = None
    assert run(capsys, "download", "toy-sure")[0] == 0
    assert publisher.asked[-1] == f"bytes={kept}-"


def test_verify_names_each_file_that_is_wrong(publisher, capsys):
    assert "nothing is installed" in run(capsys, "verify")[2]
    run(capsys, "download", "toy-first", "toy-sure")
    cache.place(find("toy-sure")).write_bytes(publisher.files["Toy-First.pth"])
    status, out, err = run(capsys, "verify")
    assert (status, out.count("\n"), err.count("\n")) == (1, 1, 1)
    assert "Toy-Sure.pth as its authors published it" in err
    status, _, err = run(capsys, "verify", "toy-first")
    assert (status, err) == (0, "")
    assert run(capsys, "path", "toy-sure")[0] == 1


def test_add_takes_a_file_from_elsewhere(publisher, tmp_path, capsys):
    file = tmp_path / "weights.pth"
    file.write_bytes(publisher.files["Toy-Sure.pth"])
    status, _, err = run(capsys, "add", file)
    assert (status, err.count("\n")) == (1, 1)
    assert "--as NAME" in err
    status, _, err = run(capsys, "add", file, "--as", "toy-sure")
    assert (status, err.count("\n")) == (0, 1)
    assert "its SHA-256 is the published one" in err
    assert not publisher.asked

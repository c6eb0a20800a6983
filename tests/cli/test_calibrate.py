"""``lazyvos calibrate`` as a person types it."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lazyvos.cli import main
from napari_lazyvos.models import cache
from napari_lazyvos.models.thresholds import Thresholds, place_of, store_thresholds, thresholds_of

FRAMES, HEIGHT, WIDTH = 8, 48, 64
PACKAGED = Thresholds(0.08, None, None)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "models"))


def clip(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frames and label maps of a bright square that moves, and is covered for a while."""
    random = np.random.default_rng(seed)
    frames = random.integers(40, 80, (FRAMES, HEIGHT, WIDTH), dtype=np.uint8)
    labels = np.zeros_like(frames)
    for t in range(FRAMES):
        labels[t, 16:32, 8 + 4 * t : 24 + 4 * t] = 3
        frames[t][labels[t] > 0] += 120
    frames[5, :, 30:] = 60
    return frames, labels


@pytest.fixture
def folders(tmp_path):
    """Return a folder with a TIFF stack and a folder of pictures, and one with their masks."""
    videos, masks = tmp_path / "videos", tmp_path / "masks"
    for folder in (videos / "second", masks / "first"):
        folder.mkdir(parents=True)
    frames, labels = clip(1)
    tifffile.imwrite(videos / "first.tif", frames, metadata={"axes": "TYX"})
    for t, label_map in enumerate(labels):
        Image.fromarray(label_map).save(masks / "first" / f"{t:05}.png")
    frames, labels = clip(2)
    tifffile.imwrite(masks / "second.tif", labels, metadata={"axes": "TYX"})
    for t, frame in enumerate(frames):
        Image.fromarray(frame).save(videos / "second" / f"img{t}.png")
    return videos, masks


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of the command."""
    with pytest.raises(SystemExit) as exit:
        main(["calibrate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return exit.value.code, out, err


def test_what_is_found_holds_until_it_is_forgotten(folders, capsys):
    status, out, err = run(capsys, "handcrafted", *folders, "--device", "cpu")
    assert status == 0, err
    found = thresholds_of("handcrafted")
    assert found.tau_user is not None
    assert found.tau_pseudo == round(0.4 * found.tau_user, 4)
    assert "2 videos, 14 tracked frames, 14 masks" in out
    assert f"{found.tau_user:.3f} (tau_user)" in out
    assert "of the slips found" in out
    assert "of 14 masks 2 have such a score" in out  # the square is covered once in each video
    assert len(out.splitlines()) == 1 + 1 + 17 + 5  # summary, title, table, choice
    assert "first" in err  # a bar for each video
    assert f"stored in {place_of('handcrafted')}" in err.replace("\n", "")
    assert "lazyvos calibrate handcrafted --forget" in err
    status, _, err = run(capsys, "handcrafted", "--forget")
    assert (status, thresholds_of("handcrafted")) == (0, PACKAGED)
    assert "deleted" in err
    status, _, err = run(capsys, "handcrafted", "--forget")
    assert status == 0
    assert "nothing to forget" in err


def test_a_dry_run_stores_nothing(folders, capsys):
    store_thresholds("compact", Thresholds(0.3))
    status, out, err = run(capsys, "handcrafted", *folders, "--calls", 100, "--dry-run")
    assert status == 0, err
    assert "(tau_user)" in out
    assert "stored" not in err
    assert thresholds_of("handcrafted") == PACKAGED


def test_one_video_with_its_masks_and_fewer_calls(folders, capsys):
    videos, masks = folders
    one = (videos / "first.tif", masks / "first")
    assert run(capsys, "handcrafted", *one, "--calls", 500, "--frames", 6)[0] == 0
    often = thresholds_of("handcrafted").tau_user
    status, out, _ = run(capsys, "handcrafted", *one, "--calls", 0, "--frames", 6)
    assert status == 0
    assert "1 video, 5 tracked frames" in out
    assert "that is 0.0 calls in 1000 frames, 0 % of the slips found" in out
    assert often < thresholds_of("handcrafted").tau_user


def test_a_video_without_masks_is_left_out(folders, capsys):
    (folders[1] / "second.tif").unlink()
    status, out, err = run(capsys, "handcrafted", *folders, "--calls", 100, "--frames", 3)
    assert status == 0
    assert "second has no masks: it is left out" in err
    assert "1 video," in out


def test_what_cannot_be_done_is_one_sentence(folders, tmp_path, capsys):
    videos, masks = folders
    empty = tmp_path / "empty"
    empty.mkdir()
    tifffile.imwrite(tmp_path / "none.tif", np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8))
    tifffile.imwrite(tmp_path / "small.tif", np.ones((FRAMES, HEIGHT, WIDTH - 1), np.uint8))
    for arguments, words in (
        (("xray", videos, masks), "no tracker 'xray'"),
        (("handcrafted", videos, tmp_path / "no"), "there is no file or folder"),
        (("handcrafted", videos, empty), "has masks of the same name"),
        (("handcrafted", videos / "second", empty), "holds no png, jpg or tif"),
        (("handcrafted", videos / "second", tmp_path / "none.tif"), "show no object in any frame"),
        (("handcrafted", videos / "second", tmp_path / "small.tif"), "are 48 x 63, but the video"),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert words in err
    status, out, err = run(capsys, "handcrafted", *folders, "--frames", 2)
    assert status == 1
    assert "0 slips" in out  # the table is printed all the same
    assert "use longer videos" in err
    assert not cache.folder().exists()


def test_bad_commands_are_status_2(folders, capsys):
    for arguments, words in (
        (["handcrafted"], "give the videos and their masks"),
        (["handcrafted", folders[0]], "give the videos and their masks"),
        (["handcrafted", *folders, "--forget"], "give --forget without videos"),
        (["handcrafted", *folders, "--calls", "-1"], "--calls"),
    ):
        status, _, err = run(capsys, *arguments)
        assert status == 2
        assert words in " ".join(err.replace("│", " ").split())

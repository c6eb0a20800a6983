"""Each format is read back with the format's own library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO
from skimage.measure import regionprops_table

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.store.document import ObjectInfo
from napari_lazyvos.store.export import FORMATS, Results, export
from napari_lazyvos.store.export.png import davis_palette
from napari_lazyvos.store.ledger import Origin, Row, State
from napari_lazyvos.store.scale import PixelScale
from napari_lazyvos.store.store import Store

T, H, W = 8, 20, 30
SCALE = PixelScale(2.0, 0.5, 0.25, "second", "micrometer")


@pytest.fixture(scope="module")
def label_maps() -> np.ndarray:
    """Object 1 moves; object 3 is missing in frames 3 and 4."""
    maps = np.zeros((T, H, W), np.uint8)
    for t in range(T):
        maps[t, 2:6, t : t + 3] = 1
        if t not in (3, 4):
            maps[t, 10:12, 5:9] = 3
    return maps


@pytest.fixture(scope="module")
def results(label_maps: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = tmp_path_factory.mktemp("store") / "cells.lazyvos"
    with Store.create(path, frames=T, height=H, width=W, scale=SCALE) as store:
        with store.edit("track", "track") as edit:
            edit.put_object(ObjectInfo(3, "nucleus"))
            for t, label_map in enumerate(label_maps):
                there = State.TRACKED if (label_map == 3).any() else State.ABSENT
                rows = [
                    Row(1, State.TRACKED, Origin.HUMAN),
                    Row(3, there, Origin.MACHINE, score=t / 8, stale=t == 7),
                ]
                edit.write_frame(t, label_map, rows=rows)
        yield Results.of(store, raw)


def raw(t: int) -> np.ndarray:
    return np.stack([np.full((H, W), 10 * t), np.arange(H * W).reshape(H, W)]).astype(np.uint16)


def relabelled(label_map: np.ndarray) -> np.ndarray:
    return np.array([0, 1, 0, 300], np.uint16)[label_map]


def wide(results: Results) -> Results:
    """Return results with label 300 in place of 3."""
    return Results(
        lambda t: relabelled(results.label_map(t)),
        T,
        H,
        W,
        np.dtype(np.uint16),
    )


def test_png(results: Results, label_maps: np.ndarray, tmp_path: Path):
    folder = export(results, "png", tmp_path / "masks")
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{t:05d}.png" for t in range(T)]
    image = Image.open(files[2])
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), label_maps[2])
    assert image.getpalette()[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]


def test_the_palette_is_that_of_davis():
    palette = davis_palette()
    assert len({tuple(colour) for colour in palette.tolist()}) == 256
    known = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        7: (128, 128, 128),
        8: (64, 0, 0),
        19: (128, 192, 0),
        20: (0, 64, 128),
    }
    for label, colour in {**known, 255: (224, 224, 192)}.items():
        assert tuple(palette[label]) == colour


def test_png_of_many_labels(results: Results, tmp_path: Path):
    image = Image.open(export(wide(results), "png", tmp_path / "masks") / "00000.png")
    assert image.mode == "I;16"
    assert np.unique(np.asarray(image)).tolist() == [0, 1, 300]


def test_tif(results: Results, label_maps: np.ndarray, tmp_path: Path):
    with tifffile.TiffFile(export(results, "tif", tmp_path / "masks.ome.tif")) as file:
        series = file.series[0]
        assert series.axes == "TYX"
        assert series.dtype == np.uint8
        np.testing.assert_array_equal(series.asarray(), label_maps)
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    assert (pixels["PhysicalSizeY"], pixels["PhysicalSizeX"]) == (0.5, 0.25)
    assert (pixels["PhysicalSizeXUnit"], pixels["TimeIncrementUnit"]) == ("µm", "s")
    assert pixels["TimeIncrement"] == 2.0


def test_tif_without_scale(results: Results, tmp_path: Path):
    with tifffile.TiffFile(export(wide(results), "tif", tmp_path / "masks.tif")) as file:
        assert file.series[0].dtype == np.uint16
        assert np.unique(file.series[0].asarray()).tolist() == [0, 1, 300]
        assert "PhysicalSize" not in file.ome_metadata


def test_ome_zarr(results: Results, label_maps: np.ndarray, tmp_path: Path):
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    path = export(results, "ome-zarr", tmp_path / "masks.ome.zarr")
    (node,) = Reader(parse_url(path))()
    np.testing.assert_array_equal(node.data[0].compute(scheduler="synchronous"), label_maps)
    about = zarr.open_group(path, mode="r").attrs["ome"]
    assert about["version"] == "0.5"
    (image,) = about["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["t", "y", "x"]
    assert [axis["unit"] for axis in image["axes"]] == ["second", "micrometer", "micrometer"]
    (size,) = image["datasets"][0]["coordinateTransformations"]
    assert size == {"type": "scale", "scale": [2.0, 0.5, 0.25]}
    colours = {each["label-value"]: each["rgba"] for each in about["image-label"]["colors"]}
    assert colours == {1: [128, 0, 0, 255], 3: [128, 128, 0, 255]}


@pytest.mark.parametrize("with_units", [True, False])
def test_ome_zarr_is_valid(results: Results, tmp_path: Path, with_units: bool):
    models = pytest.importorskip(
        "ome_zarr_models.v05", reason="ome-zarr-models checks the metadata"
    )
    path = export(results if with_units else wide(results), "ome-zarr", tmp_path / "a.ome.zarr")
    models.ImageLabel.from_zarr(zarr.open_group(path, mode="r"))


# pycocotools' decoder is older than numpy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco(results: Results, label_maps: np.ndarray, tmp_path: Path):
    coco = COCO(export(results, "coco", tmp_path / "masks.json"))
    assert len(coco.getImgIds()) == T
    rebuilt = np.zeros_like(label_maps)
    for annotation in coco.loadAnns(coco.getAnnIds()):
        mask = coco.annToMask(annotation).astype(bool)
        rebuilt[annotation["image_id"] - 1][mask] = annotation["track_id"]
        assert annotation["area"] == mask.sum()
        x, y, width, height = annotation["bbox"]
        assert mask[int(y) : int(y + height), int(x) : int(x + width)].sum() == mask.sum()
        assert rle.area(annotation["segmentation"]) == mask.sum()
    np.testing.assert_array_equal(rebuilt, label_maps)
    known = [a["uncertainty"] for a in coco.loadAnns(coco.getAnnIds()) if "uncertainty" in a]
    assert known == [0, 1 / 8, 2 / 8, 5 / 8, 6 / 8, 7 / 8]


def test_ctc(results: Results, label_maps: np.ndarray, tmp_path: Path):
    folder = export(results, "ctc", tmp_path / "01_RES")
    table = np.loadtxt(folder / "res_track.txt", dtype=int)
    assert table.tolist() == [[1, 0, 7, 0], [3, 0, 2, 0], [4, 5, 7, 3]]
    masks = np.stack([tifffile.imread(folder / f"mask{t:03d}.tif") for t in range(T)])
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(masks > 0, label_maps > 0)
    for label, begin, end, _ in table:  # the rule of the format: there from B to E, not elsewhere
        there = (masks == label).any(axis=(1, 2))
        assert np.flatnonzero(there).tolist() == list(range(begin, end + 1))
    np.testing.assert_array_equal(masks[5:] == 4, label_maps[5:] == 3)


def test_csv(results: Results, label_maps: np.ndarray, tmp_path: Path):
    table = pd.read_csv(export(results, "csv", tmp_path / "masks.csv"))
    assert len(table) == 2 * T
    names = ["label", "area", "centroid", "bbox", "intensity_mean"]
    for t in range(T):
        pixels = np.moveaxis(raw(t), 0, -1)
        expected = pd.DataFrame(regionprops_table(label_maps[t], pixels, properties=names))
        got = table[(table.frame == t) & (table.area > 0)]
        pd.testing.assert_frame_equal(
            got[expected.columns].reset_index(drop=True), expected, check_dtype=False
        )
    third = table[table.label == 3].set_index("frame")
    assert third.state.tolist() == ["tracked"] * 3 + ["absent"] * 2 + ["tracked"] * 3
    assert set(third.origin) == {"machine"}
    assert set(third["name"]) == {"nucleus"}
    assert third.stale.tolist() == [0] * 7 + [1]
    assert third.score.tolist() == [t / 8 for t in range(T)]
    assert third.time_s.tolist() == [2.0 * t for t in range(T)]
    assert third.loc[0, "area_um2"] == 8 * 0.5 * 0.25
    assert third.loc[0, "centroid-0_um"] == 10.5 * 0.5
    assert third.loc[3, "area"] == 0
    assert np.isnan(third.loc[3, "centroid-0"])


def test_csv_of_one_channel_without_units(results: Results, tmp_path: Path):
    grey = Results(results.label_map, T, H, W, results.dtype, raw=lambda t: raw(t)[:1])
    table = pd.read_csv(export(grey, "csv", tmp_path / "masks.csv"))
    assert table.intensity_mean[table.frame == 3].tolist() == [30.0]
    assert not [name for name in table.columns if name.endswith(("_um", "_um2", "_s"))]


def test_csv_of_nothing(tmp_path: Path):
    blank = np.zeros((H, W), np.uint8)
    nothing = Results(lambda t: blank, T, H, W, blank.dtype)
    assert pd.read_csv(export(nothing, "csv", tmp_path / "masks.csv")).empty


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_overwritten_without_being_asked(results: Results, tmp_path: Path, name: str):
    path = export(results, name, tmp_path / "out" / f"masks{FORMATS[name].suffix}")
    with pytest.raises(LazyVosError, match="--overwrite"):
        export(results, name, path)
    export(wide(results), name, path, overwrite=True)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_overwritten_export_is_the_new_one(results: Results, tmp_path: Path):
    path = export(results, "coco", tmp_path / "masks.json")
    export(wide(results), "coco", path, overwrite=True)
    labels = {each["track_id"] for each in json.loads(path.read_text())["annotations"]}
    assert labels == {1, 300}


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].entries])
def test_a_folder_with_foreign_files_is_never_touched(results: Results, tmp_path: Path, name: str):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(LazyVosError, match=r"notes\.txt"):
        export(results, name, tmp_path, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_that_fails_leaves_no_trace(results: Results, tmp_path: Path, name: str):
    def broken(t: int) -> np.ndarray:
        if t == 4:
            raise OSError("disk gone")
        return results.label_map(t)

    half = Results(broken, T, H, W, results.dtype)
    with pytest.raises(OSError, match="disk gone"):
        export(half, name, tmp_path / "masks")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported(results: Results, tmp_path: Path):
    with pytest.raises(LazyVosError, match=r"'gif'.*png, tif"):
        export(results, "gif", tmp_path / "a")
    with pytest.raises(LazyVosError, match="folder"):
        export(results, "csv", tmp_path)
    empty = Results(results.label_map, 0, H, W, results.dtype)
    with pytest.raises(LazyVosError, match="no frames"):
        export(empty, "csv", tmp_path / "a.csv")

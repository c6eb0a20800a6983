"""RITM's network against what the authors' own computed with the same weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import torch

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models.catalogue import entries, of_method
from napari_lazyvos.nets.ritm import RitmNet, disks, load, ritm_sizes

HERE = Path(__file__).parent
SYNTHETIC = run_path(str(HERE / "ritm_weights.py"))
SIZES = {"h18s": (18, 48, True), "h18": (18, 64, False), "h32": (32, 128, False)}
FILES = {"ritm-h18s": "h18s", "ritm-h18": "h18", "ritm-h32": "h32", "ritm-h18-sbd": "h18"}


def make(name):
    width, context, small = SIZES[name]
    return RitmNet(width, context, small=small)


def shapes(name):
    with torch.device("meta"):
        state = make(name).state_dict()
    return {
        key: [list(each.shape), str(each.dtype).removeprefix("torch.")]
        for key, each in state.items()
    }


@pytest.fixture(scope="module")
def published():
    return json.loads((HERE / "ritm_keys.json").read_text())


@pytest.fixture(scope="module")
def golden():
    return np.load(HERE / "ritm_golden.npz")


@pytest.fixture(scope="module")
def meta(golden):
    return json.loads(bytes(golden["meta_json"]))


@pytest.fixture(scope="module")
def weights(meta):
    return {
        name: SYNTHETIC["weights"](make(name), **meta["tuning"]["net"]) for name in ("h18s", "h18")
    }


def inputs(golden, meta, case):
    """Return a picture, clicks on it and the mask so far, as the network takes them."""
    image = torch.from_numpy(golden["picture"].transpose(2, 0, 1) / np.float32(255))[None]
    places = torch.tensor(
        [[[y, x, 1.0 if is_in else -1.0] for y, x, is_in in meta["clicks"][case]]]
    )
    previous = torch.zeros(1, 1, 96, 128)
    if case == "previous":
        previous[0, 0] = torch.from_numpy(golden["previous"] / np.float32(255))
    return image, disks(places, (96, 128)), previous


def test_the_keys_are_the_published_ones(published):
    assert shapes("h18s") == published["h18s"]


@pytest.mark.parametrize("name", ["h18", "h32"])
def test_the_keys_of_larger_networks_are_the_published_ones(published, name):
    found = shapes(name)
    assert len(found) == published[name]["count"]
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    assert digest == published[name]["sha256"]


@pytest.mark.parametrize("name", ["h18s", "h18"])
def test_the_synthetic_weights_are_those_of_the_reference(weights, meta, name):
    assert SYNTHETIC["fingerprint"](weights[name]) == meta["fingerprints"][name]


@pytest.mark.parametrize(
    ("name", "case"),
    [("h18s", "one"), ("h18s", "several"), ("h18s", "previous"), ("h18", "previous")],
)
@torch.no_grad()
def test_a_picture_is_segmented_as_published(golden, meta, weights, name, case):
    net = load(weights[name])
    image, clicks, previous = inputs(golden, meta, case)
    features = net.features(image, clicks, previous)
    means = golden[f"{name}_{case}_channel_mean"]
    np.testing.assert_allclose(features.mean((2, 3))[0], means, atol=1e-4 + 1e-3 * means.max())
    theirs = golden[f"{name}_{case}_logits"].astype(np.float32)
    near = 2e-3 * np.abs(theirs).max()  # stored as float16
    np.testing.assert_allclose(net.logits(features, (96, 128))[0, 0], theirs, atol=near)
    torch.testing.assert_close(net(image, clicks, previous), net.logits(features, (96, 128)))


@torch.no_grad()
def test_the_sign_of_the_scale_of_clicks_does_not_matter(golden, meta, weights):
    turned = weights["h18s"] | {
        "maps_transform.3.scale": -weights["h18s"]["maps_transform.3.scale"],
    }
    seen = inputs(golden, meta, "several")
    torch.testing.assert_close(load(turned)(*seen), load(weights["h18s"])(*seen))


def test_clicks_are_disks_of_five_pixels():
    places = torch.tensor(
        [[[6.0, 7.0, 1.0], [6.5, 20.0, -1.0]], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]
    )
    drawn = disks(places, (13, 30))
    assert drawn.shape == (2, 2, 13, 30)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    y, x = np.mgrid[:13, :30]
    expected = (y - 6) ** 2 + (x - 7) ** 2 <= 25
    np.testing.assert_array_equal(drawn[0, 0], expected)
    assert drawn[0, 0, 6, 12] == 1  # on the border
    assert drawn[0, 0, 6, 13] == 0
    np.testing.assert_array_equal(drawn[0, 1], (y - 6.5) ** 2 + (x - 20) ** 2 <= 25)
    assert not drawn[1, 1].any()


@pytest.mark.parametrize("name", SIZES)
def test_the_network_is_seen_from_its_weights(name):
    with torch.device("meta"):
        assert ritm_sizes(make(name).state_dict()) == SIZES[name]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_as_published_is_read(tmp_path, weights, zipped):
    """It holds a description beside the weights; older versions of PyTorch wrote no archive."""
    description = {
        "class": "some.module.Network",
        "params": {
            "width": {"type": "builtin", "value": 18, "specified": True},
            "norm_layer": {"type": "class", "value": "torch.nn.BatchNorm2d", "specified": False},
            "clicks_groups": {"type": "builtin", "value": None, "specified": False},
            "norm_mean_std": {"type": "builtin", "value": ([0.5], [0.2]), "specified": False},
        },
    }
    file = tmp_path / "coco_lvis_h18s_itermask.pth"
    content = {"state_dict": weights["h18s"], "config": description}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    net = load(file)
    assert all(torch.equal(each, weights["h18s"][key]) for key, each in net.state_dict().items())


def test_weights_of_something_else_are_refused(weights):
    with pytest.raises(LazyVosError, match=r"not RITM's with an HRNet: .* _itermask"):
        load({"conv1.weight": torch.zeros(1)})
    others = {key: each for key, each in weights["h18s"].items() if key != "maps_transform.0.bias"}
    with pytest.raises(LazyVosError, match=r"not of the network RitmNet: 1 .* maps_transform"):
        load(others)


def test_weights_that_know_no_mask_so_far_are_refused(weights):
    baseline = weights["h18s"] | {"maps_transform.0.weight": torch.zeros(16, 2, 1, 1)}
    with pytest.raises(LazyVosError, match=r"maps_transform\.0\.weight has the shape \(16, 2, "):
        load(baseline)


def test_missing_weights_tell_how_to_get_them():
    with pytest.raises(LazyVosError, match=r"ritm-h18s are not installed: .*download ritm-h18s"):
        load(None)


def test_the_catalogue_has_their_sizes_and_a_tensor_of_their_own():
    assert {entry.name for entry in of_method("ritm")} == set(FILES)
    for entry in of_method("ritm"):
        with torch.device("meta"):
            state = make(FILES[entry.name]).state_dict()
        assert entry.tensor in state
        size = sum(each.nbytes for each in state.values())
        assert entry.size_about == pytest.approx(size, rel=0.005)
    others = {entry.tensor for entry in entries() if entry.method != "ritm"}
    assert not others & state.keys()

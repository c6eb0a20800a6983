"""SAM-HQ gives what its package gives, for the price of one look; and large frames are seen closer.

The network is the real one, the smallest, with random weights: what it says means nothing, but
must be what the package says. Rules about crops are tested with a network that draws discs.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_lazyvos import refine, trackers
from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.models import cache
from napari_lazyvos.models.catalogue import find
from napari_lazyvos.nets import sam_hq as nets
from napari_lazyvos.refine import Click, Refiner
from napari_lazyvos.refine.sam_hq import CROPS_KEPT, SamHqRefiner, Window, as_prompt

ONE = [Click(31, 47)]
THREE = [Click(31, 47), Click(12, 60.5), Click(50, 20, positive=False)]


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(1)
    net = nets._registry()["vit_tiny"]()
    # Some, such as the biases of attention, begin as 0: it would not show that they were forgotten.
    for parameter in net.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return net.state_dict()


@pytest.fixture(scope="module")
def frame():
    """A frame of the values that 8 bit have, in portrait and of a size that no stride divides."""
    levels = np.random.default_rng(0).integers(0, 256, (3, 91, 67))
    return (levels / 255).astype(np.float32)


@pytest.fixture(scope="module")
def refiner(weights):
    return refine.load("sam_hq", weights=weights, device="cpu")


@pytest.fixture(scope="module")
def embedding(refiner, frame):
    return refiner.embed(frame)


@pytest.fixture(scope="module")
def package(weights, frame):
    """The package's own predictor, which has looked at the frame."""
    from segment_anything_hq import SamPredictor

    net = nets._registry()["vit_tiny"]()
    net.load_state_dict(weights)
    predictor = SamPredictor(net.eval())
    predictor.set_image(np.rint(frame.transpose(1, 2, 0) * 255).astype(np.uint8))
    return predictor


def with_options(refiner, **options):
    """Return a refiner with other options and the same network."""
    other = object.__new__(SamHqRefiner)
    vars(other).update(vars(refiner) | options)
    return other


def logits_of(package, clicks, **options):
    places = np.array([(click.x, click.y) for click in clicks])
    kinds = np.array([int(click.positive) for click in clicks])
    return package.predict(places, kinds, return_logits=True, **options)[0][0]


def assert_same(found, logits):
    assert (logits > 0).any()
    assert (logits < 0).any()
    decided = np.abs(logits) > 1e-3
    np.testing.assert_array_equal(found.mask[decided], (logits > 0)[decided])
    np.testing.assert_array_equal(found.mask, found.probability >= 0.5)
    expected = torch.from_numpy(logits).sigmoid().numpy()
    np.testing.assert_allclose(found.probability, expected, atol=1e-4)


def test_it_keeps_the_protocol(refiner, embedding):
    assert isinstance(refiner, Refiner)
    assert refiner.name == "sam_hq"
    found = refiner.refine(embedding, ONE)
    assert found.mask.shape == found.probability.shape == (91, 67)
    assert found.probability.dtype == np.float32


@pytest.mark.parametrize("clicks", [ONE, THREE])
def test_clicks_give_what_the_package_gives(refiner, embedding, package, clicks):
    expected = logits_of(package, clicks, hq_token_only=True)
    assert_same(refiner.refine(embedding, clicks), expected)


@pytest.mark.parametrize("multimask", [False, True])
def test_masks_of_sam_are_added_as_in_the_package(refiner, embedding, package, multimask):
    both = with_options(refiner, _tokens={"hq_token_only": False, "multimask": multimask})
    expected = logits_of(package, THREE, hq_token_only=False, multimask_output=multimask)
    assert_same(both.refine(embedding, THREE), expected)


def test_the_mask_so_far_is_a_prompt_only_where_asked_for(refiner, embedding, package):
    before = np.zeros((91, 67), np.float32)
    before[20:60, 10:40] = 1
    prompted = with_options(refiner, _mask_prompt=True)
    mask_input = as_prompt(before, embedding.whole.inner)[0].numpy()
    expected = logits_of(package, ONE, hq_token_only=True, mask_input=mask_input)
    assert_same(prompted.refine(embedding, ONE, before), expected)
    plain = refiner.refine(embedding, ONE).probability
    np.testing.assert_array_equal(refiner.refine(embedding, ONE, before).probability, plain)
    empty = prompted.refine(embedding, ONE, np.zeros((91, 67), bool))
    np.testing.assert_array_equal(empty.probability, plain)


def test_a_click_looks_at_no_image(refiner, embedding, monkeypatch):
    def look(image):
        raise AssertionError("looked again")

    monkeypatch.setattr(refiner._net, "look", look)
    first = refiner.refine(embedding, ONE).probability
    refiner.refine(embedding, THREE)
    np.testing.assert_array_equal(refiner.refine(embedding, ONE).probability, first)


def test_bad_clicks_are_named(refiner, embedding):
    with pytest.raises(LazyVosError, match="outside the frame"):
        refiner.refine(embedding, [Click(500, 3)])
    with pytest.raises(LazyVosError, match="not a place"):
        refiner.refine(embedding, [Click(5, np.nan)])
    with pytest.raises(LazyVosError, match="no positive click"):
        refiner.refine(embedding, [Click(5, 3, positive=False)])


def test_weights_must_be_all_those_of_the_model(weights):
    lacking = {key: each for key, each in weights.items() if "hf_token" not in key}
    with pytest.raises(LazyVosError, match=r"1 are missing.*hf_token.*SAM-HQ vit_tiny"):
        refine.load("sam_hq", weights=lacking)
    with pytest.raises(LazyVosError, match=r"1 are unknown.*more"):
        refine.load("sam_hq", weights=weights | {"more": torch.zeros(1)})


def test_weights_of_no_network_of_sam_hq_are_refused():
    with pytest.raises(LazyVosError, match="not SAM-HQ's: none of vit_tiny, vit_b"):
        refine.load("sam_hq", weights={"image_encoder.pos_embed": torch.zeros(1, 64, 64, 2)})


@pytest.mark.parametrize("model", nets.MODELS[1:])  # the tiny one is that of the other tests
def test_which_network_weights_are_of_is_seen_from_them(model):
    with torch.device("meta"):  # no numbers: the largest has 2.6 GB of them
        net = nets._registry()[model](checkpoint=None)
    assert nets._model_of(net.state_dict()) == model


def test_the_installed_ones_are_taken_and_others_by_name(weights, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER, str(tmp_path))
    torch.save(weights, tmp_path / "sam_hq_vit_b.pth")  # under the name of another network
    seen = replace(find("sam_hq_vit_b"), sha256=None, size=None)
    monkeypatch.setattr("napari_lazyvos.models.cache.of_method", lambda _: (seen,))
    monkeypatch.setattr("napari_lazyvos.nets.weights.entries", lambda: (seen,))
    for chosen in (None, "sam_hq_vit_b"):
        loaded = refine.load("sam_hq", weights=chosen, device="cpu")
        assert loaded._net._net.state_dict().keys() == weights.keys()
    with pytest.raises(LazyVosError, match="of the refiner sam_hq"):
        trackers.load("xmem", weights="sam_hq_vit_b", device="cpu")


def test_weights_are_read_from_a_file(weights, tmp_path):
    torch.save(weights, tmp_path / "sam_hq_vit_tiny.pth")
    loaded = refine.load("sam_hq", weights=tmp_path / "sam_hq_vit_tiny.pth", device="cpu")
    for key, each in loaded._net._net.state_dict().items():
        assert torch.equal(each, weights[key])


def test_without_the_package_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "segment_anything_hq", None)
    with pytest.raises(LazyVosError, match=r"pip install 'napari-lazyvos\[sam\]'"):
        refine.load("sam_hq", weights={})


def test_the_tiny_networks_of_timm_stay_its_own():
    import timm

    nets._registry()

    assert timm.model_entrypoint("tiny_vit_5m_224").__module__.startswith("timm.")
    assert not {"timm.models.layers", "timm.models.registry"} & sys.modules.keys()


@pytest.mark.parametrize("option", [{"crop": "often"}, {"geometry": "round"}])
def test_an_unknown_choice_is_an_error_that_names_it(option, weights):
    with pytest.raises(LazyVosError, match=rf"{next(iter(option.values()))}.*choose one of"):
        refine.load("sam_hq", weights=weights, **option)


class Discs:
    """In place of the network: a disc around every positive click, and what it looked at."""

    def __init__(self, radius=20.0):
        self.radius = radius  # in pixels of what it sees
        self.images = []

    def look(self, image):
        self.images.append(image)
        return None

    def answer(self, features, points, kinds, prompt, **tokens):
        assert len(points) == len(kinds)
        grid = (torch.arange(nets.PROMPT) + 0.5) * nets.SIDE / nets.PROMPT
        rows, columns = torch.meshgrid(grid, grid, indexing="ij")
        discs = [
            self.radius - torch.hypot(rows - y, columns - x)
            for (x, y), kind in zip(points, kinds, strict=True)
            if kind
        ]
        return torch.stack(discs).amax(0)


def drawing(radius=20.0, **options):
    """Return a refiner that draws discs, and its network."""
    net = Discs(radius)
    chosen = {"crop": "auto", "geometry": "aspect"} | options
    names = {f"_{name}": value for name, value in chosen.items()}
    refiner = object.__new__(SamHqRefiner)
    vars(refiner).update({"_net": net, "_tokens": {}, "_mask_prompt": False} | names)
    return refiner, net


def numbered(height, width):
    """A frame in which no two neighbourhoods are alike."""
    levels = np.random.default_rng(0).integers(0, 256, (3, height, width))
    return (levels / 255).astype(np.float32)


def test_a_small_object_in_a_large_frame_is_seen_at_full_resolution():
    refiner, net = drawing()
    frame = numbered(2048, 3072)
    embedding = refiner.embed(frame)
    assert net.images[0].shape == (3, 683, 1024)
    found = refiner.refine(embedding, [Click(700, 2000)])
    (window,) = embedding.crops
    seen = np.rint(frame[:, *window.place] * 255).astype(np.uint8)
    np.testing.assert_array_equal(net.images[1].numpy(), seen)
    rows, columns = np.nonzero(found.mask)
    assert abs(rows.mean() - 700) < 1
    assert abs(columns.mean() - 2000) < 1
    assert abs(found.mask.sum() - np.pi * 20**2) < 100  # not those of a disc three times as wide
    outside = np.ones(found.mask.shape, bool)
    outside[window.place] = False
    assert not found.probability[outside].any()


@pytest.mark.parametrize(
    ("size", "options"),
    [((1500, 1200), {}), ((2048, 3072), {"crop": "never"}), ((2048, 3072), {"radius": 100})],
)
def test_frames_that_are_seen_well_enough_are_seen_once(size, options):
    refiner, net = drawing(**options)
    refiner.refine(refiner.embed(numbered(*size)), [Click(700, 600)])
    assert len(net.images) == 1


def test_always_means_large_objects_too():
    refiner, net = drawing(radius=150, crop="always")
    embedding = refiner.embed(numbered(2048, 4096))
    refiner.refine(embedding, [Click(700, 600)])
    (window,) = embedding.crops
    assert (window.height, window.width) == (2048, 2048)
    assert net.images[1].shape == (3, 1024, 1024)


def test_the_mask_so_far_says_how_large_the_object_is():
    before = np.zeros((2048, 3072), np.float32)
    before[600:1800, 500:1000] = 1
    refiner, net = drawing()
    found = refiner.refine(refiner.embed(numbered(2048, 3072)), [Click(700, 600)], before)
    assert len(net.images) == 1
    assert abs(found.mask.sum() - np.pi * 60**2) < 900


def test_the_next_click_nearby_uses_the_same_crop():
    refiner, net = drawing()
    embedding = refiner.embed(numbered(2048, 3072))
    first = [Click(700, 2000)]
    before = refiner.refine(embedding, first).mask
    clicks = [*first, Click(720, 2030), Click(705, 2000, positive=False), Click(9, 9, False)]
    refiner.refine(embedding, clicks, before)
    assert len(net.images) == 2


def test_few_crops_are_kept():
    refiner, net = drawing()
    embedding = refiner.embed(numbered(2048, 3072))
    places = [Click(500, 500), Click(500, 1500), Click(500, 2500)]
    for click in places:
        refiner.refine(embedding, [click])
    assert len(embedding.crops) == CROPS_KEPT
    refiner.refine(embedding, places[-1:])
    assert len(net.images) == 1 + len(places)


def test_an_answer_that_its_crop_cuts_is_dropped():
    refiner, net = drawing(radius=20)
    embedding = refiner.embed(numbered(2048, 3072))
    whole = refiner.refine(embedding, [Click(700, 2000)], np.ones((2048, 3072), bool))
    net.radius = 700
    before = np.zeros((2048, 3072), bool)
    before[690:710, 1990:2010] = True
    found = refiner.refine(embedding, [Click(700, 2000)], before)
    assert len(net.images) == 2
    assert found.mask.sum() > 100 * whole.mask.sum()
    assert found.mask[:, 400].any()


def test_a_crop_at_the_border_is_not_cut_by_the_frame():
    mask = np.zeros((2000, 3000), bool)
    mask[:300, :300] = True
    assert not Window(0, 0, 1024, 1024).cuts(mask)
    assert Window(0, 200, 1024, 1024).cuts(mask)


@pytest.mark.parametrize(("y", "x"), [(0, 0), (2047, 3071), (0, 1500), (1024, 3071)])
def test_crops_lie_within_the_frame_and_hold_the_click(y, x):
    window = drawing()[0]._closer(np.zeros((2048, 3072), bool), [Click(y, x)])
    assert 0 <= window.top <= 2048 - window.height
    assert 0 <= window.left <= 3072 - window.width
    assert window.holds(Click(y, x))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (1, 1), (40, 700), (1, 5000)])
@pytest.mark.parametrize("geometry", ["aspect", "squash"])
def test_extreme_sizes_give_an_answer_of_that_size(height, width, geometry):
    refiner, net = drawing(geometry=geometry)
    found = refiner.refine(refiner.embed(numbered(height, width)), [Click(height - 1, width - 1)])
    assert found.mask.shape == (height, width)
    assert max(net.images[0].shape) == nets.SIDE
    if geometry == "squash":
        assert net.images[0].shape == (3, nets.SIDE, nets.SIDE)


def test_what_is_not_finite_is_black():
    frame = np.full((3, 8, 8), 0.5, np.float32)
    frame[:, 2, 3] = np.nan
    refiner, _ = drawing()
    picture = refiner.embed(frame).picture
    assert (picture[2, 3] == 0).all()
    assert (np.delete(picture.reshape(64, 3), 19, axis=0) == 128).all()


def test_a_prompt_is_the_mask_where_the_network_sees_it():
    before = np.zeros((50, 100), np.float32)
    before[10:40, 20:60] = 1
    prompt = as_prompt(before, (512, 1024))[0, 0]
    expected = torch.full((256, 256), -1.0)
    expected[128 * 10 // 50 + 1 : 128 * 40 // 50 - 1, 53:152] = 1
    decided = prompt.abs() > 6
    assert decided.float().mean() > 0.95
    assert (prompt.sign() == expected)[decided].float().mean() > 0.99
    assert (prompt[128:] < -6).all()

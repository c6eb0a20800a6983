"""SimVOS' network against what the authors' own computed with the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_lazyvos.nets.simvos import PROTOTYPES, SimVosNet, Sizes, TokenLearner, weigh
from napari_lazyvos.nets.stm import full_masks
from napari_lazyvos.nets.vit import positions
from napari_lazyvos.nets.weights import build
from napari_lazyvos.trackers.canvas import Canvas

CPU = torch.device("cpu")
GRID = (7, 9)
UNUSED = {"cls_token", "pos_embed", "head.weight", "head.bias", "fc_norm.weight", "fc_norm.bias"}


@pytest.fixture(scope="module")
def nets(parity):
    """The two ways in which the authors' weights are used."""
    weights = parity.weights(SimVosNet(refined=True))
    plain = {key: each for key, each in weights.items() if not key.startswith("tlearner")}
    return {
        "plain_vit": build(SimVosNet, plain, "simvos"),
        "token_refinement": build(
            lambda: SimVosNet(layer_index=4, refined=True), weights, "simvos"
        ),
    }


@pytest.fixture(scope="module")
def golden(parity):
    return parity.golden("simvos")


def embedded(net, parity, t):
    return net.embed(Canvas(112, 144, -1).image(parity.frame("main", t), CPU))


def first_masks(parity):
    labels = torch.from_numpy(parity.clips["main_labels"][0])
    return torch.stack([labels == 1, labels == 2]).float()


@pytest.mark.parametrize(("name", "sizes"), [("vit_base", Sizes()), ("vit_large", Sizes(1024, 24))])
def test_the_keys_are_the_published_ones(parity, name, sizes):
    published = json.loads((parity.folder / "simvos_keys.json").read_text())[name]["keys"]
    theirs = {key: shape for key, (shape, _) in published.items()}
    with torch.device("meta"):
        assert Sizes.of({key: torch.empty(shape) for key, shape in theirs.items()}) == sizes
        ours = SimVosNet(sizes, refined=True).state_dict()
    assert theirs.keys() - ours.keys() == UNUSED
    assert {key: list(each.shape) for key, each in ours.items()} == {
        key: shape for key, shape in theirs.items() if key not in UNUSED
    }


def test_positions_are_fitted_to_a_frame_as_published(nets, golden, parity):
    fitted = positions(nets["plain_vit"].pos_embed_new, GRID)
    parity.compare(fitted, golden["plain_vit__pos_embed_for_this_size"][:, 1:])


@pytest.mark.parametrize("name", ["plain_vit", "token_refinement"])
@torch.no_grad()
def test_an_object_is_found_as_published(nets, golden, parity, name):
    net = nets[name]
    query = net.within_frame(embedded(net, parity, 1))
    memory = net.encode_memory(embedded(net, parity, 0), first_masks(parity))
    if name == "token_refinement":
        parity.compare(query, golden["token_refinement__t1_search_tokens"])
        parity.compare(memory[:1], golden["token_refinement__t0_object1_tokens"])
    assert memory.shape == (2, 2 * PROTOTYPES if net.refined else 63, 768)
    f16, f8, f4 = net.pyramid(memory[0], query, GRID)
    parity.compare(f16, golden[f"{name}__t1_object1_m16"])
    parity.compare(f8.mean((2, 3)), golden[f"{name}__t1_object1_m8_channel_mean"])
    parity.compare(f4.mean((2, 3)), golden[f"{name}__t1_object1_m4_channel_mean"])
    found = full_masks(net.stcn_decoder(f16, f8, f4))
    published = golden[f"{name}__t1_object1_prob_before_aggregation"][0]
    assert np.abs(found.numpy() - published).max() < 2e-3


@torch.no_grad()
def test_a_remembered_frame_is_seen_within_itself_as_published(nets, golden, parity):
    net = nets["token_refinement"]
    mask = net.mask_patch_embed(first_masks(parity)[:1, None])
    feature = net.within_frame(embedded(net, parity, 0) + mask)
    published = golden["token_refinement__t0_object1_feature"]
    parity.compare(feature[0].T.reshape(published.shape), published)


def test_a_place_counts_for_the_object_that_has_most_of_it():
    masks = torch.zeros(2, 16, 32)
    masks[0, :, :16], masks[1, :, :16] = 0.6, 0.3  # nobody is certain
    masks[0, :, 16:24] = 1  # half of the second place; nobody claims the rest
    foreground, background = weigh(masks, (1, 2))
    assert torch.allclose(foreground, torch.tensor([[0.6, 0.0], [0.0, 0.0]]), atol=1e-6)
    assert torch.allclose(background, torch.tensor([[0.0, 0.5], [0.7, 1.0]]), atol=1e-6)


def test_of_an_object_that_is_nowhere_prototypes_know_nothing_but_are_numbers():
    torch.manual_seed(0)
    net = TokenLearner(64).requires_grad_(False)
    tokens, weights = torch.randn(2, 6, 64), torch.zeros(2, 6)
    weights[0, 2] = 0.5
    found = net(tokens, weights, (2, 3))
    assert found.shape == (2, PROTOTYPES, 64)
    one_place = net.norm(tokens[0, 2]).expand(PROTOTYPES, 64)
    torch.testing.assert_close(found[0], one_place, atol=1e-5, rtol=1e-4)
    assert torch.equal(found[1], net.norm.bias.expand(PROTOTYPES, 64))

"""Each witness on pictures whose answer is known by eye."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from napari_lazyvos.trackers.handcrafted.edges import snap
from napari_lazyvos.trackers.handcrafted.features import contrast_around, describe, to_cells, to_lab
from napari_lazyvos.trackers.handcrafted.looks import Looks
from napari_lazyvos.trackers.handcrafted.matching import read, recovery
from napari_lazyvos.trackers.windowed.flow import consistency, motion, warp
from napari_lazyvos.trackers.windowed.fragments import drop_fragments

CPU = torch.device("cpu")


def noise(height, width, seed=0):
    rough = np.random.default_rng(seed).random((height // 4, width // 4, 3), dtype=np.float32)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR)


def half(height, width, at):
    mask = torch.zeros(2, height, width)
    mask[1, :, :at] = 1
    mask[0] = 1 - mask[1]
    return mask


def test_motion_finds_a_shift_and_warp_undoes_it():
    image = (noise(96, 128)[..., 0] * 255).astype(np.uint8)
    moved = np.roll(image, 5, axis=1)
    back = motion(moved, image)
    inner = (slice(16, -16), slice(24, -24))
    assert abs(float(back[0][inner].median()) + 5) < 0.2
    warped = warp(torch.from_numpy(image)[None].float(), back)[0][inner]
    assert float((warped - torch.from_numpy(moved)[inner].float()).abs().mean()) < 3
    trust = consistency(back, motion(image, moved))
    assert float(trust[inner].mean()) > 0.9


def test_trust_falls_where_the_ways_disagree():
    there = torch.zeros(2, 32, 32)
    there[0] = 6
    assert float(consistency(there, there).max()) < 0.05
    assert float(consistency(there, -there).min()) > 0.95


def test_no_flow_is_asked_of_pictures_too_small_for_it():
    tiny = np.zeros((8, 40), np.uint8)
    assert motion(tiny, tiny).shape == (2, 8, 40)


def test_looks_tell_red_from_green_but_not_red_from_red():
    red, green = np.zeros((2, 64, 64, 3), np.float32) + 0.1
    red[..., 0], green[..., 1] = 0.9, 0.9
    image = np.where(np.arange(64)[None, :, None] < 32, red, green).astype(np.float32)
    image += 0.02 * noise(64, 64)
    masks = to_cells(half(64, 64, 32))
    looks = Looks.of(describe(to_lab(image, 0.2, CPU)), masks)
    assert looks.telling > 0.9
    swapped = describe(to_lab(np.ascontiguousarray(image[:, ::-1]), 0.2, CPU))
    found = looks.classify(swapped)[1]
    assert float(found[4:-4, 20:28].mean()) > 0.8
    assert float(found[4:-4, 4:12].mean()) < 0.2
    same = describe(to_lab(np.ascontiguousarray(red), 0.2, CPU))
    assert Looks.of(same, masks).telling < 0.9


def test_reading_a_frame_from_itself_gives_its_masks():
    cells = describe(to_lab(noise(80, 112), 0.2, CPU))
    masks = to_cells(half(80, 112, 50))
    assert float((read(cells, cells, masks, reach=1.0) - masks).abs().mean()) < 0.02


def test_matching_recovers_among_textures_and_not_in_the_flat():
    masks = torch.zeros(2, 40, 40)
    masks[1, 10:30, 10:30] = 1
    masks[0] = 1 - masks[1]
    rich = recovery(describe(to_lab(noise(80, 80), 0.1, CPU)), masks)
    flat = recovery(describe(to_lab(np.full((80, 80, 3), 0.5, np.float32), 0.1, CPU)), masks)
    assert rich > 0.6
    assert flat < 0.3


def test_snap_moves_an_edge_to_the_colours_edge_and_keeps_the_sum():
    colour = torch.zeros(3, 40, 40)
    colour[0, :, 20:] = 2
    masks = half(40, 40, 22) * 0.6 + 0.2
    masks[:, :, 16:24] = 0.5
    found = snap(masks, colour)
    assert torch.allclose(found.sum(0), torch.ones(40, 40), atol=1e-5)
    assert float(found[1, 20, 18]) > 0.5 > float(found[1, 20, 25])


def test_fragments_are_doubted_and_the_largest_piece_is_not():
    masks = torch.zeros(2, 40, 40)
    masks[1, 5:25, 5:25] = 0.9
    masks[1, 33:36, 33:36] = 0.9
    masks[0] = 1 - masks[1]
    found = drop_fragments(masks, 0.4)
    assert float(found[1, 34, 34]) < 0.5
    assert torch.equal(found[:, :30], masks[:, :30])
    assert torch.allclose(found.sum(0), torch.ones(40, 40))


def test_contrast_is_that_around_the_objects():
    lightness = torch.zeros(100, 100)
    lightness[:, 80:] = 1
    lightness[40:50, 20:30] = 0.2
    mask = torch.zeros(100, 100)
    mask[40:50, 20:30] = 1
    assert contrast_around(lightness, mask) < 0.15 < contrast_around(lightness, 0 * mask)

"""What broke off from a mask is doubted."""

from __future__ import annotations

import torch

from napari_lazyvos.trackers.windowed.fragments import drop_fragments


def masks_of(*objects):
    """Give each object its rectangles, (top, left, height, width), with a probability of 0.9."""
    masks = torch.zeros(1 + len(objects), 40, 50)
    for k, rectangles in enumerate(objects, start=1):
        for top, left, height, width in rectangles:
            masks[k, top : top + height, left : left + width] = 0.9
    masks[0] = 1 - masks[1:].sum(0)
    return masks


def test_a_small_piece_far_away_becomes_background():
    masks = masks_of([(5, 5, 12, 12), (30, 40, 4, 4)], [(20, 5, 9, 9)])
    found = drop_fragments(masks, 0.4)
    winners = found.argmax(0)
    assert (winners[30:34, 40:44] == 0).all()
    assert (winners[5:17, 5:17] == 1).all()
    torch.testing.assert_close(found.sum(0), torch.ones(40, 50))
    assert torch.equal(found[2], masks[2])


def test_two_pieces_of_a_size_both_stay():
    masks = masks_of([(5, 5, 10, 10), (25, 30, 9, 9)])
    assert torch.equal(drop_fragments(masks, 0.4), masks)


def test_labels_without_a_pixel_do_no_harm():
    masks = masks_of([], [(5, 5, 10, 10), (30, 30, 2, 2)])
    winners = drop_fragments(masks, 0.4).argmax(0)
    assert (winners[30:32, 30:32] == 0).all()
    assert (winners[5:15, 5:15] == 2).all()


def test_a_small_piece_next_to_the_large_one_belongs_to_it():
    masks = masks_of([(5, 5, 20, 20), (28, 10, 4, 4)])
    assert torch.equal(drop_fragments(masks, 0.4), masks)


def test_what_is_small_is_for_the_tracker_to_say():
    masks = masks_of([(5, 5, 10, 10), (25, 30, 5, 5)])
    assert torch.equal(drop_fragments(masks, 0.2), masks)
    assert not torch.equal(drop_fragments(masks, 0.3), masks)

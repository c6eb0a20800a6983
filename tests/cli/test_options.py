"""How options are read."""

from __future__ import annotations

import pytest
import typer

from napari_lazyvos.cli.options import (
    ClickOption,
    parse_click,
    parse_limits,
    parse_others,
    parse_weights,
)


@pytest.mark.parametrize(
    ("text", "click"),
    [
        ("0,108,175", ClickOption(0, 108, 175)),
        ("3, 1.5, 2, 7", ClickOption(3, 1.5, 2, 7)),
        ("3,1,2,7,-", ClickOption(3, 1, 2, 7, False)),
        ("3,1,2,7,+", ClickOption(3, 1, 2, 7, True)),
    ],
)
def test_clicks(text, click):
    assert parse_click(text) == click


@pytest.mark.parametrize("text", ["", "1,2", "a,b,c", "1,2,3,4,x", "1,2,3,4,-,5", "1.5,2,3"])
def test_what_is_no_click_is_shown_what_one_is(text):
    with pytest.raises(typer.BadParameter, match="such as 0,108,175"):
        parse_click(text)


def test_other_axes_and_limits():
    assert parse_others(["z=4", "C=max"]) == {"Z": 4, "C": "max"}
    with pytest.raises(typer.BadParameter, match="Z=max"):
        parse_others(["Z"])
    assert parse_limits("100,4095") == (100.0, 4095.0)
    assert parse_limits(None) is None
    with pytest.raises(typer.BadParameter, match="LOW,HIGH"):
        parse_limits("1")


def test_weights_go_to_the_method_that_they_are_of():
    assert parse_weights([], "compact", "compact") == {"tracker": [], "refiner": []}
    chosen = parse_weights(["xmem", "sam_hq_vit_b", "xmem-s2"], "xmem", "sam_hq")
    assert chosen == {"tracker": ["xmem", "xmem-s2"], "refiner": ["sam_hq_vit_b"]}
    for tracker in ("mivos", "qdmn"):  # of which the second is the first with another memory
        assert parse_weights(["mivos"], tracker, "compact")["tracker"] == ["mivos"]
    with pytest.raises(typer.BadParameter, match="of the tracker mivos: add --tracker mivos"):
        parse_weights(["mivos"], "stcn", "compact")


@pytest.mark.parametrize(
    ("names", "refiner", "words"),
    [
        (["xmen"], "compact", "no weights 'xmen': choose from xmem-s012, xmem, "),
        (["sam_hq_vit_b"], "compact", "of the refiner sam_hq: add --refiner sam_hq"),
        (["sam_hq_vit_b", "sam_hq_vit_l"], "sam_hq", "of the refiner sam_hq once"),
    ],
)
def test_weights_that_nobody_can_use_are_named(names, refiner, words):
    with pytest.raises(typer.BadParameter, match=words):
        parse_weights(names, "xmem", refiner)

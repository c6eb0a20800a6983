"""Clicks of a table on their way into a session: each is placed once, however often it is tried.

The store keeps which ones were placed. So a click that a person moved or took away afterwards does
not come back, and neither does one whose process died just after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from napari_lazyvos.batch.clicks_table import TableClick
from napari_lazyvos.store.store import Store

if TYPE_CHECKING:
    from napari_lazyvos.lazy.session import Session

__all__ = ["all_placed", "place_clicks"]

# In the metadata of a store; clicks as JSON's lists.
PLACED = "clicks_placed"
PLACING = "click_being_placed"


def place_clicks(session: Session, clicks: Iterable[TableClick]) -> None:
    """Place the clicks that have not been placed yet, and name the objects that have no name.

    Raises
    ------
    LazyVosError
        If a click cannot be answered.
    """
    for click in clicks:
        if _as_json(click) not in _placed(session.store):
            _place(session, click)
        if _wants_name(session.store, click):
            session.name_object(click.label, click.name)


def all_placed(store: Store, clicks: Iterable[TableClick]) -> bool:
    """Tell whether `place_clicks` would change nothing."""
    placed = _placed(store)
    return not any(_as_json(click) not in placed or _wants_name(store, click) for click in clicks)


def _place(session: Session, click: TableClick) -> None:
    store, entry = session.store, _as_json(click)
    there = [
        each.id
        for each in store.document.clicks_at(click.t, click.label)
        if (each.label, each.t, each.y, each.x, each.positive) == click.place
    ]
    if store.metadata.get(PLACING) == entry:
        for number in there:  # the process died in between: its mask may not be there
            session.remove_click(number)
        there = []
    if not there:
        store.set_metadata(store.metadata | {PLACING: entry})
        session.click(click.t, click.y, click.x, label=click.label, positive=click.positive)
    placed = [*_placed(store), entry]
    store.set_metadata(store.metadata | {PLACED: placed, PLACING: None})


def _placed(store: Store) -> Sequence[Any]:
    placed: Sequence[Any] = store.metadata.get(PLACED, ())
    return placed


def _as_json(click: TableClick) -> list[Any]:
    return list(click.place)


def _wants_name(store: Store, click: TableClick) -> bool:
    known = store.document.objects.get(click.label)
    return bool(click.name) and known is not None and not known.name

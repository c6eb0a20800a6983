"""Stores that an earlier release made."""

from __future__ import annotations

from napari_lazyvos.store.commands import CommandState
from napari_lazyvos.store.database import Database

__all__ = ["bring_up_to_date"]


def bring_up_to_date(database: Database) -> None:
    """Give the tables of an older store the columns that they lack; safe to repeat.

    What was done can not be undone any more then: the images that the history keeps of rows are
    of the older form.
    """
    columns = {name for _, name, *_ in database.rows("PRAGMA table_info(rows)")}
    if "rise" in columns:
        return
    with database.transaction() as connection:  # version 1 knew no calls for help
        connection.execute("ALTER TABLE rows ADD COLUMN rise REAL")
        connection.execute("ALTER TABLE rows ADD COLUMN call INTEGER DEFAULT 0")
        connection.execute("UPDATE commands SET state = ?", (CommandState.PAST,))
        connection.execute("DELETE FROM images")

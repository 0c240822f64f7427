"""A small schema of its own, so that the store's tests depend on no domain table."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.states import State
from kernel.transitions import Machine
from store.database import Database
from store.units import Unit

SCHEMA = """
CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    actor TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE item (id INTEGER PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('new', 'open', 'closed')),
    note TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE part (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES item (id)) STRICT;
"""


class ItemState(State):
    """The states of a thing that can be opened and closed."""

    NEW = "new", "New."
    OPEN = "open", "Open."
    CLOSED = "closed", "Closed."


ITEM: Machine[ItemState] = Machine(
    "item",
    ItemState.NEW,
    {
        (ItemState.NEW, "open"): ItemState.OPEN,
        (ItemState.OPEN, "close"): ItemState.CLOSED,
        (ItemState.NEW, "close"): ItemState.CLOSED,
        (ItemState.OPEN, "turn"): ItemState.NEW,
        (ItemState.NEW, "turn"): ItemState.OPEN,
    },
)


def migrations(folder: Path, *more: str) -> Path:
    """Write the schema, and what follows it, as numbered migrations into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sql in enumerate((SCHEMA, *more), 1):
        (folder / f"{number:04}_step.sql").write_text(sql, encoding="utf-8")
    return folder


@asynccontextmanager
async def opened(home: Path, bus: Bus | None = None, **options: Any) -> AsyncGenerator[Database]:
    """Open ``home/small.db`` with the small schema and close it in the end."""
    folder = options.pop("migrations", None) or migrations(home / "migrations")
    database = await Database.open(
        home / "small.db", clock=SystemClock(), bus=bus or Bus(), migrations=folder, **options
    )
    try:
        yield database
    finally:
        await database.close()


def add(tx: Unit, number: int, note: str = "") -> int:
    """Insert one item and say so."""
    tx.run("INSERT INTO item (id, state, note) VALUES (?, 'new', ?)", (number, note))
    tx.emit("item.add", str(number), note=note)
    return number


def items(home: Path) -> list[int]:
    """Return the ids of all items as another connection sees them."""
    with closing(sqlite3.connect(home / "small.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM item ORDER BY id").fetchall()]

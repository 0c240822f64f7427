"""A look at a database from outside the daemon: one read on a connection that can neither write nor checkpoint."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from kernel.errors import StoreError
from store.connect import explained, open_reader
from store.migrate import identify, load
from store.units import Query

P = ParamSpec("P")
T = TypeVar("T")

# STRICT tables need 3.37, the operator ->> needs 3.38.
OLDEST = (3, 38, 0)


def version() -> tuple[int, ...]:
    """Return the version of the SQLite library."""
    return sqlite3.sqlite_version_info


def glance(path: Path, fn: Callable[Concatenate[Query, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return ``fn(query, …)``; a daemon may be writing meanwhile.

    Raises ForeignDatabase where the file is not ours or newer, StoreError where it cannot be read.
    """
    try:
        with closing(open_reader(path)) as connection:
            identify(connection, path, len(load()))
            return fn(Query(connection.cursor()), *args, **kwargs)
    except sqlite3.Error as error:
        shown = explained(error)
        raise (
            shown if isinstance(shown, StoreError) else StoreError(f"{path} cannot be read: {error}.")
        ) from error


def quick_check(q: Query) -> list[str]:
    """Return what SQLite finds wrong with the file, without looking into its indexes."""
    return [str(row[0]) for row in q.all("PRAGMA quick_check(5)") if row[0] != "ok"]

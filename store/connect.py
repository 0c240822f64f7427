"""Opening connections: the one that writes, and those that only read."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from kernel.errors import StoreError, StoreFull, StoreReadOnly

T = TypeVar("T")

# Pages of 4 KiB. A checkpoint costs two syncs and holds the writer: rarer ones keep the slowest units fast.
CHECKPOINT_PAGES = 4000
WAL_LIMIT_BYTES = 32 * 1024 * 1024
CACHE_KIB = 16 * 1024
STATEMENTS = 512

# Primary result codes: the low byte of an extended one.
_FULL, _CORRUPT, _NOT_A_DATABASE, _INTERRUPT = 13, 11, 26, 9
_CORRUPT_VIRTUAL_TABLE = 267

_WRITER_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}",
)


class Worker(aiosqlite.Connection):
    """A connection on its own thread that runs whole functions there."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)

    async def start(self) -> Self:
        """Start the thread and connect on it; where that fails, the thread has ended before the error is raised."""
        try:
            await self
        except BaseException:
            # It still tells this loop that it stops, and must not find the loop closed.
            await asyncio.to_thread(self._thread.join)
            raise
        return self

    def post(self, function: Callable[[], Any]) -> None:
        """Queue a function for the thread and forget it; it must not raise."""
        self._tx.put_nowait((None, function))

    async def call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function of the raw connection on the thread and return what it returns."""
        return await self._execute(function, self._conn)

    @property
    def raw(self) -> sqlite3.Connection:
        """The raw connection; only functions on the thread may use it."""
        return self._conn


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the database for writing, creating it where it does not exist; transactions are ours to begin."""
    connection = sqlite3.connect(
        path, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
    )
    connection.row_factory = sqlite3.Row
    try:
        for setting in _WRITER_SETTINGS:
            # An unfetched PRAGMA keeps the database locked for the next reader.
            connection.execute(setting).fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the database for reading only: such a connection can neither write nor checkpoint."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF").fetchall()
    return connection


def is_full(error: BaseException) -> bool:
    """Tell whether SQLite had no room to write."""
    return _primary(error) == _FULL


def is_damage(error: BaseException) -> bool:
    """Tell whether SQLite found the file damaged; a damaged full-text index is not meant, it can be rebuilt."""
    return _primary(error) in {_CORRUPT, _NOT_A_DATABASE} and _code(error) != _CORRUPT_VIRTUAL_TABLE


def is_timeout(error: BaseException) -> bool:
    """Tell whether a statement was interrupted."""
    return _primary(error) == _INTERRUPT


def explained(error: BaseException) -> BaseException:
    """Return the error a caller is given: SQLite's own ones about the machine become ours, all others stay."""
    if is_full(error):
        return StoreFull(
            "The disk is full; nothing was written.", remedy="Free some space; Hermes goes on by itself."
        )
    if is_damage(error):
        return StoreReadOnly(
            f"The database is damaged ({error}).", remedy="Restore a backup with: hermes restore FILE"
        )
    if isinstance(error, sqlite3.OperationalError) and _primary(error) not in {None, 1}:
        return StoreError(f"The database could not do this: {error}.")
    return error


def _code(error: BaseException) -> int | None:
    return getattr(error, "sqlite_errorcode", None)


def _primary(error: BaseException) -> int | None:
    code = _code(error)
    return None if code is None else code & 0xFF

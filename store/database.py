"""The database: one writer that commits in groups with full durability, and readers.

A unit of work is a plain synchronous function ``fn(tx, …) -> result``. ``await db.write(fn, …)`` queues it to the
writer's thread, which takes all that is queued, runs each unit so that it can be undone alone, commits once, and only
then resolves the callers and publishes the events. The composition root calls ``sys.setswitchinterval(1e-4)`` at
start: with Python's default of 5 ms a busy event loop starves the writer's thread.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from kernel.bus import Bus
from kernel.clock import Clock
from kernel.errors import StoreError, StoreReadOnly
from store import damage
from store.connect import Worker, open_reader, open_writer
from store.migrate import MIGRATIONS, load, migrate
from store.readers import Readers
from store.reserve import Reserve
from store.units import Query, Unit
from store.writer import Request, StoreState, Writer

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["Database", "StoreState"]

_log = logging.getLogger(__name__)


class Database:
    """One SQLite file: ``write`` and ``read`` are the whole interface for those who have units of work.

    ``findings`` are sentences about what was wrong with the file when it was opened.
    """

    def __init__(self, path: Path, writer: Writer, readers: Readers) -> None:
        self.path = path
        self.findings: tuple[str, ...] = ()
        self._writer = writer
        self._readers = readers
        self._checking: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        bus: Bus,
        migrations: Path | None = None,
        readers: int = 2,
        read_limit: float = 5.0,
        check_bytes: int = damage.QUICK_BYTES,
    ) -> "Database":
        """Open the database, creating and migrating it as needed.

        ``read_limit`` is the longest a read may take, in seconds; a file larger than ``check_bytes`` is checked for
        damage beside the work instead of before it. The caller holds the home's lock. A damaged file is
        opened for reading only, with a copy put aside. Raises ForeignDatabase where the file is not ours, newer, or no
        database, and StoreError where it cannot be opened.
        """
        database = cls(path, Writer(path, clock, bus), Readers(path, clock, read_limit))
        folder = migrations or MIGRATIONS
        try:
            problems = await asyncio.to_thread(_examine, path, len(load(folder)), check_bytes)
            if problems:
                await database._open_damaged(problems)
            else:
                await database._open_sound(partial(_prepare, path, clock, folder))
            await database._readers.open(readers)
            if not problems and _size(path) > check_bytes:
                database._checking = asyncio.create_task(database._check_slowly())
        except sqlite3.Error as error:
            await database.close()
            raise StoreError(f"The database {path} cannot be opened: {error}.") from error
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def state(self) -> StoreState:
        """How the store is; the state's ``sentence`` tells the operator what to do."""
        return self._writer.state

    @property
    def depth(self) -> int:
        """Units that are queued or being committed."""
        return self._writer.depth

    @property
    def on_failure(self) -> Callable[[BaseException], None]:
        """What is called, on the writer's thread, when a commit cannot be confirmed; by default the process ends."""
        return self._writer.on_failure

    @on_failure.setter
    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        self._writer.on_failure = callback

    def watch(self, listener: Callable[[StoreState], None]) -> None:
        """Call ``listener`` on the event loop's thread at every change of state."""
        self._writer.watchers.append(listener)

    async def write(self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a unit of work and return its result once it is durable.

        Cancelling the caller stops the waiting and nothing else: the unit commits, or does not, as a whole. Raises what
        the unit raises, and StoreFull, StoreReadOnly or OutcomeUnknown for the store's own troubles.
        """
        return await self._writer.submit(Request(fn, args, kwargs))

    async def write_urgent(
        self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a small unit that may use the reserve of a full disk: the one alert, the receipt of what is sent."""
        return await self._writer.submit(Request(fn, args, kwargs, urgent=True))

    async def read(self, fn: Callable[Concatenate[Query, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on one snapshot of what is committed; it cannot write and is bounded in time."""
        try:
            return await self._readers.run(lambda query: fn(query, *args, **kwargs))
        except StoreReadOnly as error:
            self._writer.damaged(str(error))
            raise

    async def close(self) -> None:
        """Commit what is queued and close; closing twice is harmless."""
        if self._checking is not None:
            self._checking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checking
        await self._readers.close()
        await self._writer.close()

    async def _open_damaged(self, problems: list[str]) -> None:
        copy = await asyncio.to_thread(damage.copy_aside, self.path)
        kept = f" A copy is in {copy}." if copy else ""
        self.findings = (f"The database is damaged: {problems[0]}.{kept}",)
        self._writer.damaged(problems[0])

    async def _open_sound(self, connector: Callable[[], sqlite3.Connection]) -> None:
        went_back = await self._writer.open(connector)
        if went_back:
            _log.error("%s", went_back)
            self.findings = (went_back,)
            await self.write(_note_return, went_back)

    async def _check_slowly(self) -> None:
        """Check a large file on a connection of its own, beside the work."""
        worker = await Worker(partial(open_reader, self.path)).start()
        try:
            problems = await worker.call(damage.check)
        finally:
            with contextlib.suppress(sqlite3.Error):
                worker.raw.interrupt()
            await worker.close()
        if problems:
            self.findings = (*self.findings, f"The database is damaged: {problems[0]}.")
            self._writer.damaged(problems[0])


def _size(path: Path) -> int:
    return path.stat().st_size


def _note_return(tx: Unit, sentence: str) -> None:
    tx.emit("store.went_back", "database", sentence=sentence)


def _examine(path: Path, known: int, check_bytes: int) -> list[str]:
    """Look at the file first; on a full disk the reserve makes the room that even opening needs."""
    try:
        return damage.examine(path, known, check_bytes)
    except sqlite3.OperationalError:
        reserve = Reserve(path.parent)
        if reserve.has_room() or not reserve.free():
            raise
        return damage.examine(path, known, check_bytes)


def _prepare(path: Path, clock: Clock, folder: Path) -> sqlite3.Connection:
    """Open the writing connection on its thread and bring the schema up to date."""
    # SQLite gives the files beside it the same mode.
    path.touch(mode=0o600)
    connection = open_writer(path)
    try:
        migrate(connection, path, clock=clock, folder=folder)
    except BaseException:
        connection.close()
        raise
    return connection

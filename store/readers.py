"""The reading connections: snapshots, bounded in time, never in the way of the writer."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kernel.clock import Clock
from kernel.errors import StoreError
from store.connect import Worker, explained, is_timeout, open_reader
from store.units import Query

# Virtual-machine steps between two looks at the clock; about a tenth of a millisecond.
_STEPS = 10_000


class Readers:
    """A few read-only connections; a read goes to the one that has the least to do."""

    def __init__(self, path: Path, clock: Clock, limit: float) -> None:
        self._path = path
        self._clock = clock
        self._limit = limit
        self._readers: list[_Reader] = []

    async def open(self, count: int) -> None:
        """Open ``count`` connections; the database has to exist."""
        for _ in range(count):
            reader = _Reader(self._clock, self._limit)
            reader.worker = await Worker(partial(reader.connect, self._path)).start()
            self._readers.append(reader)

    async def run(self, function: Callable[[Query], Any]) -> Any:
        """Run a function on one snapshot; a cancelled caller's read is given up."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self._readers:
            raise StoreError("The store is closed.")
        reader = min(self._readers, key=lambda one: one.waiting)
        reader.waiting += 1
        reader.worker.post(partial(reader.run, function, future))
        return await future

    async def close(self) -> None:
        """Let the reads under way end and close the connections."""
        readers, self._readers = self._readers, []
        for reader in readers:
            await reader.worker.close()


class _Reader:
    """One connection, its thread, and the read that it is busy with."""

    def __init__(self, clock: Clock, limit: float) -> None:
        self.worker: Worker
        self.waiting = 0
        self._clock = clock
        self._limit = limit
        self._deadline = 0.0
        self._future: asyncio.Future[Any] | None = None

    def connect(self, path: Path) -> sqlite3.Connection:
        connection = open_reader(path)
        connection.set_progress_handler(self._give_up, _STEPS)
        return connection

    def run(self, function: Callable[[Query], Any], future: "asyncio.Future[Any]") -> None:
        """Read on the thread and hand the outcome to the event loop."""
        result: Any = None
        error: BaseException | None = None
        if not future.cancelled():
            self._future, self._deadline = future, self._clock.monotonic() + self._limit
            try:
                result = self._read(function)
            # Whatever a read raises is its caller's to see; the thread must survive it.
            except BaseException as raised:  # noqa: BLE001
                error = self._explained(raised)
            self._future = None
        tell(future.get_loop(), self._settle, future, result, error)

    def _read(self, function: Callable[[Query], Any]) -> Any:
        connection = self.worker.raw
        query = Query(connection.cursor())
        connection.execute("BEGIN")
        try:
            return function(query)
        finally:
            query.end()
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _settle(self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        self.waiting -= 1
        settle(future, result, error)

    def _give_up(self) -> bool:
        """Interrupt the statement when its time is over or nobody waits for it."""
        return self._clock.monotonic() > self._deadline or (
            self._future is not None and self._future.cancelled()
        )

    def _explained(self, error: BaseException) -> BaseException:
        if is_timeout(error):
            return StoreError(f"A read took longer than {self._limit:g} s and was given up.")
        return explained(error)


def settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Give a future its outcome unless its caller has stopped waiting."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def tell(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: Any) -> None:
    """Call a function on the event loop's thread; a loop that is closed has nobody left who waits."""
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        if not loop.is_closed():
            raise

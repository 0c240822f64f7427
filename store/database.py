"""The database: one writer that commits in groups with full durability, and readers.

A unit of work is a plain synchronous function ``fn(tx, …) -> result``. ``await db.write(fn, …)`` queues it to the
writer's thread, which takes all that is queued, runs each unit so that it can be undone alone, commits once, and only
then resolves the callers and publishes the events. The composition root calls ``sys.setswitchinterval(1e-4)`` at
start: with Python's default of 5 ms a busy event loop starves the writer's thread.
"""

import asyncio
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from kernel.bus import Bus
from kernel.clock import Clock
from kernel.errors import OutcomeUnknown, StoreError, StoreFull, StoreReadOnly
from kernel.states import State
from store.connect import Worker, open_reader, open_writer
from store.groups import Groups, Job
from store.migrate import MIGRATIONS, identify, load, migrate
from store.readers import Readers, tell
from store.reserve import Reserve
from store.units import Query, Unit

P = ParamSpec("P")
T = TypeVar("T")

# Units in one commit. More would not be faster and would let the first wait for the last.
GROUP_LIMIT = 256

# EX_SOFTWARE of sysexits.h: the supervisor starts the daemon again.
CRASH_EXIT = 70

_log = logging.getLogger(__name__)


class StoreState(State):
    """How the store is, and what the operator can do about it."""

    OPEN = "open", "Reading and writing."
    FULL = "full", "The disk is full: nothing new is taken in until there is room again."
    READ_ONLY = (
        "read_only",
        "The database is damaged and only read; restore a backup with: hermes restore FILE",
    )
    FAILED = (
        "failed",
        "A commit could not be confirmed; Hermes stops, and the next start looks at what is there.",
    )
    CLOSED = "closed", "Closed."


@dataclass(slots=True, eq=False)
class _Request(Job):
    """A queued unit and the future of whoever waits for it."""

    future: "asyncio.Future[Any] | None" = None


class Database:
    """One SQLite file: ``write`` and ``read`` are the whole interface for those who have units of work."""

    def __init__(self, path: Path, clock: Clock, bus: Bus, readers: Readers) -> None:
        self.path = path
        self.on_failure: Callable[[BaseException], None] = _crash
        self._clock = clock
        self._bus = bus
        self._readers = readers
        self._reserve = Reserve(path.parent)
        self._loop = asyncio.get_running_loop()
        self._state: StoreState = StoreState.OPEN
        self._watchers: list[Callable[[StoreState], None]] = []
        self._pending: deque[_Request] = deque()
        self._kicked = False
        self._running: list[_Request] = []
        self._worker: Worker
        self._groups: Groups

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
    ) -> "Database":
        """Open the database, creating and migrating it as needed.

        ``read_limit`` is the longest a read may take, in seconds. The caller holds the home's lock. Raises
        ForeignDatabase where the file is not ours or newer, and StoreError where it cannot be opened.
        """
        database = cls(path, clock, bus, Readers(path, clock, read_limit))
        try:
            database._worker = await Worker(partial(_prepare, path, clock, migrations or MIGRATIONS)).start()
        except sqlite3.Error as error:
            raise StoreError(f"The database {path} cannot be opened: {error}.") from error
        try:
            database._groups = await database._worker.call(partial(Groups, clock=clock))
            await database._readers.open(readers)
        except BaseException:
            await database._worker.close()
            raise
        database._reserve.keep()
        return database

    @property
    def state(self) -> StoreState:
        """How the store is."""
        return self._state

    @property
    def depth(self) -> int:
        """Units that are queued or being committed."""
        return len(self._pending) + len(self._running)

    def watch(self, listener: Callable[[StoreState], None]) -> None:
        """Call ``listener`` on the event loop's thread at every change of state."""
        self._watchers.append(listener)

    async def write(self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a unit of work and return its result once it is durable.

        Cancelling the caller stops the waiting and nothing else: the unit commits, or does not, as a whole. Raises what
        the unit raises, and StoreFull, StoreReadOnly or OutcomeUnknown for the store's own troubles.
        """
        return await self._queue(_Request(fn, args, kwargs))

    async def write_urgent(
        self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a small unit that may use the reserve of a full disk: the one alert, the receipt of what is sent."""
        return await self._queue(_Request(fn, args, kwargs, urgent=True))

    async def read(self, fn: Callable[Concatenate[Query, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on one snapshot of what is committed; it cannot write and is bounded in time."""
        return await self._readers.run(lambda query: fn(query, *args, **kwargs))

    async def close(self) -> None:
        """Commit what is queued and close; closing twice is harmless."""
        if self._state is StoreState.CLOSED:
            return
        failed = self._state is StoreState.FAILED
        self._state = StoreState.CLOSED
        if not failed:
            await self._worker.call(lambda _: self._drain())
        await self._readers.close()
        await self._worker.close()

    def _queue(self, request: _Request) -> "asyncio.Future[Any]":
        refusal = _REFUSALS.get(self._state)
        if refusal is not None:
            raise refusal()
        request.future = self._loop.create_future()
        self._pending.append(request)
        if not self._kicked:
            self._kicked = True
            self._worker.post(self._drain)
        return request.future

    # From here on: the writer's thread.

    def _drain(self) -> None:
        # Cleared before the queue is looked at: whoever queues later kicks again.
        self._kicked = False
        while self._pending:
            requests = self._running
            try:
                self._commit(requests)
            # Nobody knows what an error of the writer itself left behind.
            except BaseException as error:  # noqa: BLE001
                self._fail(requests, error)
            self._running = []
            tell(self._loop, self._settle, requests)

    def _take(self, requests: list[_Request]) -> Iterator[_Request]:
        """Move what is queued to the group, also what is queued while the group runs."""
        while self._pending and len(requests) < GROUP_LIMIT:
            requests.append(self._pending.popleft())
            yield requests[-1]

    def _commit(self, requests: list[_Request]) -> None:
        if self._state is StoreState.FULL:
            self._commit_when_full(list(self._take(requests)))
        else:
            self._groups.commit(self._take(requests), on_full=self._on_full)

    def _commit_when_full(self, requests: list[_Request]) -> None:
        """Try ordinary units only where the disk says that it has room, and go back to normal once one succeeds."""
        admitted = requests
        if not self._reserve.has_room():
            admitted = [request for request in requests if request.urgent]
            _refuse_all([request for request in requests if not request.urgent], _full())
        changes = self._worker.raw.total_changes
        self._groups.commit(admitted, on_full=self._on_full)
        if self._worker.raw.total_changes > changes:
            self._recover(admitted)

    def _on_full(self) -> bool:
        """Free the reserve and tell whether units that may not use it can try again one by one."""
        room = self._reserve.has_room()
        self._reserve.free()
        self._change(StoreState.FULL)
        return room

    def _recover(self, requests: list[_Request]) -> None:
        """Go back to normal once an ordinary unit was written and the reserve is there again."""
        ordinary = any(request.error is None and not request.urgent for request in requests)
        refused = any(isinstance(request.error, StoreFull) for request in requests)
        if ordinary and not refused and self._reserve.keep():
            self._change(StoreState.OPEN)

    def _fail(self, requests: list[_Request], error: BaseException) -> None:
        """Stop everything: the callers learn that the outcome is unknown, and so does whoever owns the process."""
        first = self._state is not StoreState.FAILED
        self._change(StoreState.FAILED)
        requests.extend(self._pending)
        self._pending.clear()
        _refuse_all(requests, error if isinstance(error, OutcomeUnknown) else _unknown(error))
        if first:
            self.on_failure(error)

    def _change(self, state: StoreState) -> None:
        if self._state is not state:
            self._state = state
            tell(self._loop, self._tell_watchers, state)

    # From here on: the event loop's thread.

    def _tell_watchers(self, state: StoreState) -> None:
        for watcher in self._watchers:
            watcher(state)

    def _settle(self, requests: list[_Request]) -> None:
        """Resolve the callers and publish what is committed; the callers go on after the listeners were called."""
        for request in requests:
            future = request.future
            if future is None or future.done():
                continue
            if request.error is None:
                future.set_result(request.result)
            else:
                future.set_exception(request.error)
        for request in requests:
            if request.events:
                self._publish(request)

    def _publish(self, request: _Request) -> None:
        try:
            self._bus.publish(request.events)
        # A listener's bug must not keep the others from hearing of what is committed.
        except Exception:  # noqa: BLE001
            _log.exception("A listener of the bus failed.")


def _prepare(path: Path, clock: Clock, folder: Path) -> sqlite3.Connection:
    """Open the writing connection on its thread; a file that is not ours is left untouched."""
    if path.exists():
        probe = open_reader(path)
        try:
            identify(probe, path, len(load(folder)))
        finally:
            probe.close()
    connection = open_writer(path)
    try:
        migrate(connection, path, clock=clock, folder=folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_all(requests: list[_Request], error: BaseException) -> None:
    for request in requests:
        request.result, request.events, request.error = None, [], error


def _full() -> StoreFull:
    return StoreFull(
        "The disk is full; nothing was written.", remedy="Free some space; Hermes goes on by itself."
    )


def _unknown(error: BaseException | None = None) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"The store has stopped{f' ({error})' if error else ''}; what it was committing is unknown."
    )


_REFUSALS: dict[StoreState, Callable[[], StoreError]] = {
    StoreState.READ_ONLY: lambda: StoreReadOnly(
        "The database is damaged and only read.", remedy="Restore a backup with: hermes restore FILE"
    ),
    StoreState.FAILED: _unknown,
    StoreState.CLOSED: lambda: StoreError("The store is closed."),
}


def _crash(error: BaseException) -> None:
    """End the process at once: no side effect may follow a commit of which nobody knows whether it happened."""
    _log.critical("The store failed and Hermes stops: %s", error)
    logging.shutdown()
    os._exit(CRASH_EXIT)

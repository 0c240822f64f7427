"""The writer: takes what is queued, commits it in groups on its own thread, and tells everybody afterwards.

The event loop queues and is told, the thread works. Attributes are written by one side only, except ``_state``, which
both sides set and which a refused unit reads.
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
from typing import Any

from kernel.bus import Bus
from kernel.clock import Clock
from kernel.errors import OutcomeUnknown, StoreError, StoreFull, StoreReadOnly
from kernel.states import State
from store import damage
from store.connect import Worker, explained
from store.groups import Groups, Job
from store.readers import tell
from store.reserve import Reserve

# Units in one commit. More would not be faster and would let the first wait for the last.
GROUP_LIMIT = 256

# The end of the event chain is written down beside the database this often while units are committed.
ANCHOR_SECONDS = 1.0

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
class Request(Job):
    """A queued unit and the future of whoever waits for it."""

    future: "asyncio.Future[Any] | None" = None


class Writer:
    """The one connection that writes, its thread, and the queue in front of it."""

    def __init__(self, path: Path, clock: Clock, bus: Bus) -> None:
        self.on_failure: Callable[[BaseException], None] = crash
        self.watchers: list[Callable[[StoreState], None]] = []
        self._path = path
        self._clock = clock
        self._bus = bus
        self._reserve = Reserve(path.parent)
        self._loop = asyncio.get_running_loop()
        self._state = StoreState.OPEN
        self._closed = False
        self._pending: deque[Request] = deque()
        self._running: list[Request] = []
        self._kicked = False
        self._anchored = clock.monotonic()
        self._worker: Worker | None = None
        self._groups: Groups

    async def open(self, connector: Callable[[], sqlite3.Connection]) -> str:
        """Open the connection on its thread; return a sentence where the chain went back in time, else nothing."""
        self._worker = await Worker(connector).start()
        try:
            sentence = await self._worker.call(self._begin)
        except BaseException:
            await self._worker.close()
            raise
        self._reserve.keep()
        return sentence

    @property
    def state(self) -> StoreState:
        """How the store is."""
        return StoreState.CLOSED if self._closed else self._state

    @property
    def depth(self) -> int:
        """Units that are queued or being committed."""
        return len(self._pending) + len(self._running)

    def submit(self, request: Request) -> "asyncio.Future[Any]":
        """Queue a unit and return the future of its outcome; cancelling the future does not stop the unit."""
        worker = self._worker
        if worker is None or self._closed or self._state not in _WRITING:
            raise self._refusal()
        request.future = self._loop.create_future()
        self._pending.append(request)
        if not self._kicked:
            self._kicked = True
            worker.post(self._drain)
        return request.future

    def damaged(self, reason: str) -> None:
        """Write no more, and put a copy of the damaged file aside; called from any thread, any number of times."""
        if self._state not in _WRITING:
            return
        self._change(StoreState.READ_ONLY)
        _log.error("The database is damaged and only read from now on: %s", reason)
        if self._worker is not None:
            self._worker.post(partial(damage.copy_aside, self._path))

    async def close(self) -> None:
        """Commit what is queued and close; closing twice is harmless."""
        worker, self._closed = self._worker, True
        if worker is None:
            return
        self._worker = None
        if self._state is not StoreState.FAILED:
            await worker.call(lambda _: self._drain())
            damage.remember(self._path.parent, self._groups.head)
        await worker.close()

    # From here on: the writer's thread.

    def _begin(self, connection: sqlite3.Connection) -> str:
        self._groups = Groups(connection, self._clock)
        anchor = damage.remembered(self._path.parent)
        return damage.went_back(connection, anchor, self._groups.head)

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
            self._remember()

    def _take(self, requests: list[Request]) -> Iterator[Request]:
        """Move what is queued to the group, also what is queued while the group runs."""
        while self._pending and len(requests) < GROUP_LIMIT:
            requests.append(self._pending.popleft())
            yield requests[-1]

    def _commit(self, requests: list[Request]) -> None:
        if self._state is StoreState.OPEN:
            self._groups.commit(self._take(requests), on_full=self._on_full)
        elif self._state is StoreState.FULL:
            self._commit_when_full(list(self._take(requests)))
        else:
            _refuse(list(self._take(requests)), self._refusal())
        for request in requests:
            if isinstance(request.error, StoreReadOnly):
                self.damaged(str(request.error))
                break

    def _commit_when_full(self, requests: list[Request]) -> None:
        """Try ordinary units only where the disk says that it has room; once one is written, all is well again."""
        admitted = requests
        if not self._reserve.has_room():
            admitted = [request for request in requests if request.urgent]
            _refuse([request for request in requests if not request.urgent], _full())
        if not admitted:
            return
        changes = self._groups.changes
        self._groups.commit(admitted, on_full=self._on_full)
        if self._groups.changes > changes:
            self._recover(admitted)

    def _on_full(self) -> bool:
        """Free the reserve and tell whether units that may not use it can try again one by one."""
        room = self._reserve.has_room()
        self._reserve.free()
        self._change(StoreState.FULL)
        return room

    def _recover(self, requests: list[Request]) -> None:
        """Go back to normal once an ordinary unit was written and the reserve is there again."""
        ordinary = any(request.error is None and not request.urgent for request in requests)
        refused = any(isinstance(request.error, StoreFull) for request in requests)
        if ordinary and not refused and self._reserve.keep():
            self._change(StoreState.OPEN)

    def _fail(self, requests: list[Request], error: BaseException) -> None:
        """Stop everything: the callers learn that the outcome is unknown, and so does whoever owns the process."""
        self._change(StoreState.FAILED)
        requests.extend(self._pending)
        self._pending.clear()
        _refuse(requests, error if isinstance(error, OutcomeUnknown) else _unknown(error))
        self.on_failure(error)

    def _remember(self) -> None:
        now = self._clock.monotonic()
        if self._state is StoreState.OPEN and now - self._anchored >= ANCHOR_SECONDS:
            self._anchored = now
            damage.remember(self._path.parent, self._groups.head)

    def _refusal(self) -> StoreError:
        if self._state is StoreState.READ_ONLY:
            return _read_only()
        return _unknown() if self._state is StoreState.FAILED else StoreError("The store is closed.")

    def _change(self, state: StoreState) -> None:
        if self._state is not state:
            self._state = state
            tell(self._loop, self._tell_watchers, state)

    # From here on: the event loop's thread.

    def _tell_watchers(self, state: StoreState) -> None:
        for watcher in self.watchers:
            watcher(state)

    def _settle(self, requests: list[Request]) -> None:
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

    def _publish(self, request: Request) -> None:
        try:
            self._bus.publish(request.events)
        # A listener's bug must not keep the others from hearing of what is committed.
        except Exception:  # noqa: BLE001
            _log.exception("A listener of the bus failed.")


def crash(error: BaseException) -> None:
    """End the process at once: no side effect may follow a commit of which nobody knows whether it happened."""
    _log.critical("The store failed and Hermes stops: %s", error)
    logging.shutdown()
    os._exit(CRASH_EXIT)


def _refuse(requests: list[Request], error: BaseException) -> None:
    for request in requests:
        request.result, request.events, request.error = None, (), error


def _full() -> StoreFull:
    return StoreFull(
        "The disk is full; nothing was written.", remedy="Free some space; Hermes goes on by itself."
    )


def _read_only() -> StoreReadOnly:
    return StoreReadOnly(
        "The database is damaged and only read.", remedy="Restore a backup with: hermes restore FILE"
    )


def _unknown(error: BaseException | None = None) -> OutcomeUnknown:
    cause = f" ({explained(error)})" if error else ""
    return OutcomeUnknown(f"The store has stopped{cause}; what it was committing is unknown.")


_WRITING = {StoreState.OPEN, StoreState.FULL}

"""Lanes: work that must run one at a time per key, and in parallel across keys."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from kernel.errors import StoreError

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

RETRY_SECONDS = 2.0


class Lanes(Generic[K]):
    """Runs ``work(key)`` once per key at a time; a key that is notified meanwhile runs again.

    ``work`` takes what it finds in the store until there is nothing left, so a notification is only a hint and a lost
    one does no harm.
    """

    def __init__(self, name: str, work: Callable[[K], Awaitable[None]]) -> None:
        self._name = name
        self._work = work
        self._group: asyncio.TaskGroup | None = None
        self._busy: dict[K, bool] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def closed(self) -> bool:
        """Whether no more work is begun."""
        return self._group is None

    @property
    def busy(self) -> int:
        """How many keys are being worked on."""
        return len(self._busy)

    async def idle(self, seconds: float) -> bool:
        """Wait until no key is being worked on, at most ``seconds``; tell whether it came to that."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to run work in a task group."""
        self._group = group

    def close(self) -> None:
        """Start no more work; what runs goes on."""
        self._group = None

    def notify(self, key: K) -> None:
        """Say that a key may have work."""
        if key in self._busy:
            self._busy[key] = True
        elif self._group is not None:
            self._begin(key, self._group)

    def _begin(self, key: K, group: asyncio.TaskGroup) -> None:
        work = self._run(key)
        try:
            group.create_task(work, name=f"{self._name} {key}")
        except RuntimeError:
            # The process is ending; the next start finds the key's work in the store.
            work.close()
        else:
            self._busy[key] = False
            self._idle.clear()

    async def _run(self, key: K) -> None:
        try:
            while True:
                self._busy[key] = False
                await self._attempt(key)
                if not self._busy[key] or self._group is None:
                    return
        finally:
            del self._busy[key]
            if not self._busy:
                self._idle.set()

    async def _attempt(self, key: K) -> None:
        try:
            await self._work(key)
        except StoreError:
            log.exception("The store refused work of %s %s; trying again.", self._name, key)
            await asyncio.sleep(RETRY_SECONDS)
            self._busy[key] = True
        except Exception:
            # One key's bug must not end the other keys' work; it is logged and the row stays open.
            log.exception("%s %s failed.", self._name, key)

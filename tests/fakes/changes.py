"""Waiting for a condition on a fake server's state, without sleeping."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Wakes everybody who waits for a condition whenever the watched state may have changed."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Have every waiter look at its condition again."""
        for waiter in self._waiters:
            waiter.set()

    async def wait_for(self, condition: Callable[[], T], *, within: float = 10.0) -> T:
        """Return the first truthy value of `condition`; raise TimeoutError after `within` seconds."""
        woken = asyncio.Event()
        self._waiters.add(woken)
        try:
            async with asyncio.timeout(within):
                while not (value := condition()):
                    woken.clear()
                    await woken.wait()
                return value
        finally:
            self._waiters.discard(woken)

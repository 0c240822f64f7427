"""Pace: what came all at once is worked off in small units with rests between, so that chats are answered meanwhile."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

# So many are dealt with without a rest, in units of MOST each: the jobs of one second all begin in it.
AT_ONCE, MOST = 250, 25
# Behind those, units are smaller, and each is followed by a rest of so many times as long as it took.
FEW, REST = 3, 3
# Behind the first of many, one job begins in this many seconds: what a start computes would hold up chats.
GAP = 0.1
# Nothing done for so many seconds makes room for as many again.
FORGET = 1.0


class Pace:
    """Lets the units of one crowd follow each other; ``sleep(seconds)`` is how it rests, ``gap`` is between starts."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        few: int = FEW,
        gap: float = GAP,
    ) -> None:
        self.gap = gap
        self._few = few
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._done = 0
        self._at = 0.0

    @asynccontextmanager
    async def unit(self, waiting: int) -> AsyncGenerator[int]:
        """Give the turn for a unit and say how many of those that wait it may deal with; rest after it."""
        async with self._lock:
            began = time.monotonic()
            if began - self._at > FORGET:
                self._done = 0
            count = min(waiting, MOST if self._done < AT_ONCE else self._few)
            yield count
            self._done += count
            if self._done > AT_ONCE:
                await self._sleep((time.monotonic() - began) * REST)
            self._at = time.monotonic()

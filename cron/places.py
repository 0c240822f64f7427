"""Places: how many jobs are at work at once, and how soon one begins after the other."""

import asyncio
from collections import deque
from collections.abc import Callable

from cron.room import Room
from kernel.schedules import Fire, Schedule

# For so long a start makes way for somebody who is being answered, looking again this often.
COURTESY, AGAIN = 0.25, 0.02


class Places:
    """Lets runs begin as places get free; ``busy`` are those that take one."""

    def __init__(self, room: Room, begin: Callable[[Fire, Schedule], None]) -> None:
        self.busy: set[int] = set()
        self._room = room
        self._begin = begin
        self._queue: deque[tuple[Fire, Schedule]] = deque()
        # When the next start is due in an even row of them, and when the last one was, on the loop's clock.
        self._even = 0.0
        self._last = 0.0
        self._again: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, fire: Fire, schedule: Schedule) -> None:
        """Let a run begin as soon as there is a place."""
        self._queue.append((fire, schedule))
        self._pump()

    def take(self, id: int) -> None:
        """Let a run have a place that has begun already."""
        self.busy.add(id)

    def free(self, id: int) -> None:
        """Give a run's place back."""
        self.busy.discard(id)
        self._pump()

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()

    def _pump(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        while self._queue and len(self.busy) < self._room.settings.at_once and not self._closed:
            loop = asyncio.get_running_loop()
            if wait := self._wait(loop.time()):
                self._again = loop.call_later(wait, self._pump)
                return
            fire, schedule = self._queue.popleft()
            self.busy.add(fire.id)
            self._begin(fire, schedule)

    def _wait(self, now: float) -> float:
        """Return how many seconds the next start has to wait, and count it where that is none."""
        early = self._even - now
        gap = self._room.pace.gap
        at_once = (self._room.settings.at_once - 1) * gap
        if early > at_once:
            return early - at_once
        if early > 0 and now - self._last < COURTESY and self._room.ports.attends():
            return AGAIN
        self._even, self._last = max(self._even, now) + gap, now
        return 0

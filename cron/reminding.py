"""Reminders: those whose time has come are said some at a time, without taking a place."""

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence

from cron.delivery import Deliveries, owe
from cron.ending import Ended, end
from cron.room import Room
from cron.settling import Settling
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError
from kernel.messages import Address
from kernel.schedules import Fire, Schedule
from store.units import Unit

log = logging.getLogger(__name__)

Due = tuple[Fire, Schedule]


class Reminders:
    """Says reminders; ``spawn(fire, work)`` lets that be done, and tells whether it will be."""

    def __init__(
        self,
        room: Room,
        deliveries: Deliveries,
        settling: Settling,
        spawn: Callable[[Fire, Coroutine[object, object, None]], bool],
    ) -> None:
        self._room = room
        self._deliveries = deliveries
        self._settling = settling
        self._spawn = spawn
        self._due: deque[Due] = deque()
        self._saying = False

    def add(self, fire: Fire, schedule: Schedule) -> None:
        """Say a reminder soon."""
        self._due.append((fire, schedule))
        if not self._saying:
            self._saying = self._spawn(fire, self._all())

    async def _all(self) -> None:
        try:
            while self._due:
                async with self._room.pace.unit(len(self._due)) as count:
                    await self._some([self._due.popleft() for _ in range(count)])
        finally:
            self._saying = False

    async def _some(self, some: Sequence[Due]) -> None:
        try:
            await self._say(some)
        except HermesError as error:
            log.info("Reminders are said one by one: %s", error)
            for fire, schedule in some:
                await self._settling.surely(fire, Ended("finish", schedule.job.text))

    async def _say(self, some: Sequence[Due]) -> None:
        """Store the end of reminders with what is owed for them; one that is held or wants a thread is owed later."""
        places = [
            () if schedule.job.thread else tuple(await self._deliveries.targets(schedule))
            for _, schedule in some
        ]
        crashpoint("cron.before_end")
        said = [(fire, schedule, place) for (fire, schedule), place in zip(some, places, strict=True)]
        later = await self._room.database.write(_say_all, self._room, said)
        crashpoint("cron.after_end")
        for fire in later:
            await self._deliveries.deliver(fire)
        crashpoint("cron.after_deliver")


def _say_all(tx: Unit, room: Room, said: Sequence[tuple[Fire, Schedule, tuple[Address, ...]]]) -> list[Fire]:
    """Store the end of reminders and owe them; return those that are to be delivered by somebody else now."""
    later: list[Fire] = []
    for fire, schedule, places in said:
        over = end(tx, room, fire, Ended("finish", room.redact(schedule.job.text)))
        due = over.deliver_at is not None and over.deliver_at <= tx.now
        if due and not schedule.job.thread:
            owe(tx, room, schedule, over, places)
        elif due:
            later.append(over)
    return later

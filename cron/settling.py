"""Settling: a run's end is stored, and what follows from it is delivered."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace

from cron import attachments
from cron.delivery import Deliveries
from cron.ending import Ended, end
from cron.room import Room
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, Stale
from kernel.schedules import Fire
from store import schedules

log = logging.getLogger(__name__)


class Settling:
    """Brings runs to their end."""

    def __init__(self, room: Room, deliveries: Deliveries) -> None:
        self._room = room
        self._deliveries = deliveries

    async def end(self, fire: Fire, ended: Ended) -> None:
        """Store how a run ended and deliver it; raise Stale where it has ended already."""
        crashpoint("cron.before_end")
        redact = self._room.redact
        if ended.event == "finish" and not ended.files:
            ended = replace(ended, files=await self._files(fire))
        ended = replace(ended, result=redact(ended.result), error=redact(ended.error))
        over = await self._room.database.write(end, self._room, fire, ended)
        crashpoint("cron.after_end")
        if over.deliver_at is not None and over.deliver_at <= self._room.clock.now():
            await self._deliveries.deliver(over)

    async def _files(self, fire: Fire) -> tuple[str, ...]:
        schedule = await self._room.database.read(schedules.stored, fire.schedule_id)
        if not schedule.job.attach:
            return ()
        return await asyncio.to_thread(attachments.written, self._room, schedule, fire)

    async def surely(self, fire: Fire, ended: Ended) -> None:
        """Store how a run ended where nobody is left to hear of trouble with that."""
        await self.guarded(fire, self.end(fire, ended))

    async def guarded(self, fire: Fire, work: Coroutine[object, object, None]) -> None:
        """Do what ends a run, and log what goes wrong: it is settled by the next start or look."""
        try:
            await work
        except Stale as stale:
            log.info("%s", stale)
        except HermesError as error:
            log.warning("The end of run %s was not stored: %s", fire.id, error)

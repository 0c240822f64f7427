"""Cards of the crew: owed as soon as something is put before people, and after a restart for what still waits."""

import asyncio
import logging
from collections.abc import Callable

from kernel.bus import Bus
from kernel.errors import StoreError
from kernel.events import Event
from kernel.messages import Address
from store import channels, tasks
from store.database import Database
from store.units import Query, Unit

log = logging.getLogger(__name__)

RETRY_SECONDS = 30.0


class Owing:
    """Runs a unit that owes cards whenever an event was committed, and once at the start."""

    def __init__(self, database: Database, bus: Bus, heard: str, owe: Callable[[Unit], None]) -> None:
        self._database = database
        self._bus = bus
        self._heard = heard
        self._owe = owe
        self._wake = asyncio.Event()
        self._unlisten: Callable[[], None] | None = None

    def open(self, group: asyncio.TaskGroup, name: str) -> None:
        """Begin to hear of the event; what waits already is asked for as well, once."""
        self._unlisten = self._bus.listen(self._heard, self._hear)
        self._wake.set()
        group.create_task(self._run(), name=name)

    def _hear(self, _event: Event) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._database.write(self._owe)
            except StoreError as error:
                # A full disk ends by itself; what waits is asked for then.
                log.warning("A card of the crew was not stored: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()


def places(q: Query, task_id: int) -> list[Address]:
    """Return where people are asked about a task: in the chat that wanted it, else in the home channels."""
    origin = tasks.brief(q, task_id).origin
    return [origin] if origin is not None else list(channels.homes(q).values())

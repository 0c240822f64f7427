"""Cards after they were owed: late ones are brought up to date, undeliverable ones are told elsewhere."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.approvals.cards import Cards
from kernel.bus import Bus
from kernel.errors import HermesError
from kernel.events import Event
from store import approval_cards, approvals, outbox
from store.database import Database
from store.units import Query

log = logging.getLogger(__name__)

# ``alarm(key, text, not_on)`` says something audibly on every home channel but the named platform's.
Alarm = Callable[[str, str, str], Awaitable[None]]


class Aftercare:
    """Hears of deliveries; its task does what they ask for."""

    def __init__(self, database: Database, bus: Bus, cards: Cards, alarm: Alarm) -> None:
        self._database = database
        self._bus = bus
        self._cards = cards
        self._alarm = alarm
        self._heard: asyncio.Queue[Event] = asyncio.Queue()

    async def run(self) -> None:
        """Look after cards until cancelled."""
        unlisten = self._bus.listen("outbox.", self._note)
        try:
            await self._cards.load(self._database)
            while True:
                await self._guarded(await self._heard.get())
        finally:
            unlisten()

    def _note(self, event: Event) -> None:
        if event.kind == "outbox.reject" or self._cards.heard(event):
            self._heard.put_nowait(event)

    async def _guarded(self, event: Event) -> None:
        try:
            if event.kind == "outbox.reject":
                await self._undelivered(int(event.subject))
            else:
                await self._database.write(self._cards.catch_up, int(event.subject))
        except HermesError as error:
            log.warning("A card could not be looked after: %s", error)

    async def _undelivered(self, number: int) -> None:
        """Say elsewhere that a request did not reach the chat that was to decide it."""
        found = await self._database.read(_waiting_card, number)
        if found is None:
            return
        short, platform = found
        text = f"Request {short} could not be shown on {platform}, and waits. /approvals {short} shows it."
        await self._alarm(f"card:{number}", text, platform)


def _waiting_card(q: Query, number: int) -> tuple[str, str] | None:
    id, row = approval_cards.request_of(q, number), outbox.get(q, number)
    if not id or row is None or not (found := approvals.get(q, id)).open:
        return None
    return found.short, row.message.address.platform

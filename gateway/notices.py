"""Notices: what Hermes says by itself to the home channels, and the receipt of a restart."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.adapter import Adapter
from gateway.settings import NoticeSettings
from kernel.clock import Clock, short_time
from kernel.messages import Address, Outbound, Priority
from store import channels, inbox, marks, outbox
from store.database import Database
from store.outbox import Owed

log = logging.getLogger(__name__)

ALIVE = "alive"
STOPPED = "stopped"
MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a start found: what was interrupted, what is being sent again, what waits."""

    clean: bool
    interrupted: int
    resent: int
    waiting: int
    questions: int
    last_alive: int


class Notices:
    """Owes notices to home channels; ``started_at`` (milliseconds) makes each start's notices unique."""

    def __init__(
        self, database: Database, settings: NoticeSettings, clock: Clock, zone: ZoneInfo, started_at: int
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._zone = zone
        self._started_at = started_at
        self._proved = clock.monotonic()

    async def alive(self) -> None:
        """Write down that the daemon lives; it proves that the store takes writes."""
        await self._database.write(marks.put, ALIVE, str(self._clock.now()))
        self._proved = self._clock.monotonic()

    @property
    def proved(self) -> float:
        """Seconds since the daemon last proved to be alive."""
        return self._clock.monotonic() - self._proved

    async def last_alive(self) -> tuple[int, bool]:
        """Return when the daemon was last known to live (0: never), and whether it stopped by itself then."""
        alive = await self._database.read(marks.get, ALIVE)
        stopped = await self._database.read(marks.get, STOPPED)
        return int(alive or 0), bool(stopped)

    async def say(self, key: str, text: str, *, platforms: Mapping[str, Address] | None = None) -> None:
        """Owe a notice to the home channel of every platform (or of those given); the key makes it unique."""
        homes = await self._database.read(channels.homes) if platforms is None else platforms
        for platform, address in homes.items():
            owed = Owed(f"notice:{key}:{platform}", Outbound(address, text, silent=True), Priority.NOTICE)
            await self._database.write(outbox.add, owed)

    async def alarm(self, key: str, text: str, *, not_on: str = "") -> None:
        """Owe an audible notice to every home channel but the one that cannot hear it."""
        homes = await self._database.read(channels.homes)
        for platform, address in homes.items():
            if platform != not_on:
                owed = Owed(f"alarm:{key}:{platform}", Outbound(address, f"⚠️ {text}"), Priority.QUESTION)
                await self._database.write_urgent(outbox.add, owed)

    async def relief(self, key: str, text: str, *, not_on: str = "") -> None:
        """Owe a silent notice that what an alarm was about is over, to those who heard the alarm."""
        homes = await self._database.read(channels.homes)
        heard = {platform: address for platform, address in homes.items() if platform != not_on}
        await self.say(f"relief:{key}", f"✅ {text}", platforms=heard)

    async def started(self, receipt: Receipt) -> None:
        """Say that Hermes is back, with what it found."""
        await self._database.write(marks.put, STOPPED, "")
        await self.alive()
        if self._settings.start:
            await self.say(f"start:{self._started_at}", receipt_text(receipt))

    async def stopping(self, running: int) -> None:
        """Say that Hermes stops."""
        if self._settings.stop:
            more = (
                f" {running} running {'turn' if running == 1 else 'turns'} will continue afterwards."
                if running
                else ""
            )
            await self.say(f"stop:{self._started_at}", f"👋 Stopping.{more}")

    async def stopped(self) -> None:
        """Write down a clean stop."""
        await self._database.write(marks.put, STOPPED, "1")
        await self.alive()

    async def backlog(self, adapter: Adapter, last_alive: int) -> None:
        """Say to a platform's home channel how many messages came while Hermes was away."""
        identity = adapter.identity
        away = self._started_at - last_alive
        if not last_alive or away < self._settings.backlog_minutes * MINUTE:
            return
        since = last_alive
        number, chats = await self._database.read(
            inbox.missed, identity.platform, identity.account, since, self._started_at
        )
        home = await self._database.read(channels.home, identity.platform)
        if not number or home is None:
            return
        text = backlog_text(
            short_time(since, self._zone, self._clock.now()),
            short_time(self._started_at, self._zone, self._clock.now()),
            number,
            chats,
        )
        key = f"backlog:{self._started_at}"
        await self.say(key, text, platforms={identity.platform: home})


def backlog_text(since: str, until: str, number: int, chats: int) -> str:
    """Return the sentence about what came meanwhile."""
    messages = f"{number} message{'s' if number != 1 else ''}"
    where = f" in {chats} chats" if chats > 1 else ""
    return f"🕘 I was away from {since} to {until}; {messages}{where}, answering now."


def receipt_text(receipt: Receipt) -> str:
    """Return the notice of a start: one line when all was in order, else what was open."""
    found = [
        (receipt.interrupted, "interrupted turn", "continuing"),
        (receipt.waiting, "waiting message", "answering now"),
        (receipt.resent, "message without a receipt", "sent again, marked ↻"),
        (receipt.questions, "open question", "still waiting for you"),
    ]
    lines = [f"- {count} {what}{'s' if count != 1 else ''}: {then}" for count, what, then in found if count]
    head = "✅ Hermes is running." if receipt.clean else "✅ Hermes is running again after an unclean stop."
    return "\n".join((head, *lines))

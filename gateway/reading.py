"""Reading channels back, for people and for agents on behalf of people.

Who may read what: a user their own conversation with Hermes and, in a turn, the very place where it takes place; an
operator besides that every channel, but nobody else's own conversation; an owner everything. What is read was written
by anybody, and is data.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.adapter import Adapter, Reads, Said, ability
from gateway.directory import Directory
from kernel.clock import Clock
from kernel.errors import AccessDenied, DeliveryRejected, InvalidInput, PlatformUnavailable
from kernel.messages import Address, Heard
from kernel.people import Principal, Role
from kernel.turns import TurnRequest
from store import channels
from store.database import Database
from store.units import Query

MOST = 200
# With words to look for, so many messages are looked through.
LOOKED_THROUGH = 1000
READ_SECONDS = 20.0
TEXT_LENGTH = 2000
SPAN = re.compile(r"(\d{1,4})\s*(m|min|h|d|w)")
UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class ChannelReader:
    """Reads channels from the platforms that keep them, and elsewhere what Hermes saw (``kernel.ports.Channels``)."""

    def __init__(
        self,
        database: Database,
        adapters: Mapping[tuple[str, str], Adapter],
        directory: Directory,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._database = database
        self._adapters = adapters
        self._directory = directory
        self._clock = clock
        self._zone = zone

    async def read(
        self, request: TurnRequest, address: str, since: str, limit: int, words: str
    ) -> Sequence[Heard]:
        """Read for the person of a turn; an empty address is the place of the turn."""
        found = await self._directory.resolve(address) if address.strip() else request.address
        here = (request.address, request.address.parent)
        return await self.look(request.principal, found, since, limit, words, here=here)

    async def look(
        self,
        principal: Principal,
        address: Address,
        since: str,
        limit: int,
        words: str,
        *,
        here: Sequence[Address] = (),
    ) -> list[Heard]:
        """Read for a person; ``here`` are places they are at, which they see anyway."""
        if address not in here:
            await self._admit(principal, address)
        after = since_when(since, self._clock.now(), self._zone)
        wanted = max(1, min(limit, MOST))
        said = await self._said(address, after, LOOKED_THROUGH if words.strip() else wanted)
        sought = words.casefold().split()
        found = [one for one in said if all(word in one.text.casefold() for word in sought)]
        return [_short(one) for one in found[-wanted:]]

    async def _admit(self, principal: Principal, address: Address) -> None:
        if principal.role is Role.OWNER:
            return
        private, own = await self._database.read(_whose, address, principal.id)
        if own or (principal.role >= Role.OPERATOR and not private):
            return
        raise AccessDenied(
            f"{address} is not yours to read.",
            remedy="Users read their own conversation, operators channels, owners everything.",
        )

    async def _said(self, address: Address, since: int, limit: int) -> list[Heard]:
        adapter = self._adapters.get((address.platform, address.account))
        reads = ability(adapter, Reads) if adapter else None
        if reads is None:
            return await self._database.read(channels.history, address, since, limit)
        try:
            async with asyncio.timeout(READ_SECONDS):
                return [_heard(one) for one in await reads.read_channel(address, since, limit)]
        except TimeoutError:
            raise PlatformUnavailable(f"{address.platform} did not answer in time.") from None
        except DeliveryRejected as error:
            raise InvalidInput(f"{address} cannot be read: {error.message}", remedy=error.remedy) from None


def _whose(q: Query, address: Address, principal: str) -> tuple[bool, bool]:
    """Return whether a chat is one person's, and whether it is this one's."""
    platform, _, sender = principal.partition(":")
    own = platform == address.platform and channels.wrote_privately(q, address, sender)
    return channels.is_private(q, address), own


def _heard(said: Said) -> Heard:
    author = said.sender.name or said.sender.id
    return Heard(said.sent_at, author, said.text, said.attachments, said.message_id, str(said.address))


def _short(one: Heard) -> Heard:
    cut = len(one.text) > TEXT_LENGTH
    return replace(one, text=one.text[:TEXT_LENGTH] + "…") if cut else one


def since_when(text: str, now: int, zone: ZoneInfo) -> int:
    """Return the millisecond that a span (``2h``, ``3 d``) or a time (ISO 8601) means; 0 for an empty text."""
    written = text.strip().lower()
    if not written:
        return 0
    if span := SPAN.fullmatch(written):
        return now - int(timedelta(**{UNITS[span[2]]: int(span[1])}).total_seconds() * 1000)
    try:
        moment = datetime.fromisoformat(written.upper())
    except ValueError:
        raise InvalidInput(f"{text!r} is no time.", remedy="Write 30m, 2h, 3d or 2026-11-21T09:00.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return int(moment.timestamp() * 1000)

"""From the gateway's events to committed messages: in order, in batches, and none lost while nothing can be stored."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.adapter import Link
from gateway.platforms.discord import convert
from gateway.platforms.discord.catchup import CatchUp
from gateway.platforms.discord.directory import Channel, Directory
from gateway.platforms.discord.failures import Flooded, Refused, RestError, platform_error
from gateway.platforms.discord.interactions import Interactions
from gateway.platforms.discord.rest import Rest
from gateway.platforms.discord.threads import Threads
from gateway.transport.storing import RAW_LIMIT, bad_key, commit, dump, until_stored
from kernel.errors import PlatformError, StoreError
from kernel.messages import Inbound, InboundKind

Raw = Mapping[str, Any]

BATCH = 100
# Beyond so many events memory is not spent on what history holds anyway.
WAITING_LIMIT = 5_000
AUTHORS_KEPT = 5_000
STATE_EVENTS = frozenset({
    "READY", "RESUMED", "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "CHANNEL_CREATE", "CHANNEL_UPDATE",
    "CHANNEL_DELETE", "THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE", "THREAD_LIST_SYNC", "THREAD_MEMBER_UPDATE",
    "THREAD_MEMBERS_UPDATE",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One of the gateway's events; a malformed one has no name and its text as ``raw``."""

    name: str
    raw: Raw
    reason: str = ""


class Intake:
    """Takes events in the order they came; it outlives connections, so that what one heard is not lost with it.

    ``greeted()`` is called after each READY and RESUMED, once what they say is known, and when the store is well again.
    """

    def __init__(
        self,
        rest: Rest,
        directory: Directory,
        view: convert.View,
        interactions: Interactions,
        catch_up: CatchUp,
        threads: Threads,
    ) -> None:
        self._rest = rest
        self._directory = directory
        self._view = view
        self._interactions = interactions
        self._catch_up = catch_up
        self._threads = threads
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._dropped = False
        self._authors: OrderedDict[str, Inbound] = OrderedDict()

    def hear(self, name: str, raw: Raw) -> None:
        """Take an event from a connection."""
        if name == "INTERACTION_CREATE":
            self._interactions.note(raw)
        self._put(Event(name, raw))

    def malformed(self, text: str, reason: str) -> None:
        """Take a frame that could not be understood."""
        self._put(Event("", {"frame": text[:RAW_LIMIT]}, reason))

    def _put(self, event: Event) -> None:
        if len(self._waiting) >= WAITING_LIMIT and event.name not in STATE_EVENTS:
            self._dropped = True
            return
        self._waiting.append(event)
        self._news.set()

    async def run(self, link: Link, greeted: Callable[[], None]) -> None:
        """Commit what comes until cancelled; raise PlatformUnavailable or OutcomeUnknown."""
        while True:
            while self._waiting:
                await self._step(link, greeted)
            self._news.clear()
            await self._news.wait()

    async def _step(self, link: Link, greeted: Callable[[], None]) -> None:
        """Handle the next event that changes what we know, or the next batch of those that say something."""
        head = self._waiting[0]
        if head.name in STATE_EVENTS:
            await self._learn(head, link, greeted)
            self._waiting.popleft()
            return
        batch: list[Event] = []
        for event in self._waiting:
            if event.name in STATE_EVENTS or len(batch) == BATCH:
                break
            batch.append(event)
        await until_stored(link, "Discord", partial(self._take, link, batch), greeted)
        for _ in batch:
            self._waiting.popleft()
        if self._dropped:
            self._dropped = False
            await self._catch_up.everything(link)

    async def _learn(self, event: Event, link: Link, greeted: Callable[[], None]) -> None:
        try:
            learn(self._directory, event)
        except Exception as error:  # noqa: BLE001 - a malformed event may break any line, and must break no other
            await self._set_aside(link, event, f"{type(error).__name__} while reading it")
            return
        match event.name:
            case "READY" | "RESUMED":
                greeted()
                await self._catch_up.everything(link)
            case "GUILD_CREATE" if not event.raw.get("unavailable"):
                self._catch_up.guild(str(event.raw["id"]))
            case _:
                return

    async def _take(self, link: Link, batch: list[Event]) -> None:
        found: list[Inbound] = []
        for event in batch:
            try:
                found += await self._converted(event, found)
            except (StoreError, PlatformError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - one bad event must break no other
                await self._set_aside(link, event, event.reason or f"{type(error).__name__} while reading it")
        if found:
            await self.commit(link, found)

    async def commit(self, link: Link, batch: list[Inbound]) -> None:
        """Commit messages; what breaks the store by itself is set aside. Raises StoreError."""
        for message in await commit(link, batch):
            self._committed(message)

    def _committed(self, message: Inbound) -> None:
        if message.tap_id:
            self._interactions.committed(message.tap_id)
        elif message.kind is InboundKind.MESSAGE:
            if message.address.thread == message.message_id:
                self._threads.wants(message.address, message.text)
            self._authors[message.message_id] = message
            if len(self._authors) > AUTHORS_KEPT:
                self._authors.popitem(last=False)

    async def _converted(self, event: Event, before: list[Inbound]) -> list[Inbound]:
        """Return what an event says; ``before`` is what its batch says ahead of it, not committed yet."""
        raw, view = event.raw, self._view
        match event.name:
            case "MESSAGE_CREATE":
                channel = await self._channel(raw, guild=raw.get("guild_id"))
                if self._catch_up.holds(channel.id, event.raw):
                    return []
                return _list(convert.said(raw, channel, view))
            case "MESSAGE_UPDATE":
                return _list(convert.changed(raw, await self._channel(raw, guild=raw.get("guild_id")), view))
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                ids = raw.get("ids") or [raw["id"]]
                fresh = {each.message_id: each for each in before if each.kind is InboundKind.MESSAGE}
                known = [self._authors.get(str(id)) or fresh.get(str(id)) for id in ids]
                return [convert.deleted(original) for original in known if original]
            case "INTERACTION_CREATE":
                return _list(convert.interaction(raw, await self._place(raw), view))
            case _:
                raise ValueError(event.reason)

    async def _place(self, raw: Raw) -> Channel:
        """Return where an interaction happened, of which Discord sends a part."""
        part: Raw = raw.get("channel") or {}
        if self._directory.get(str(part.get("id"))) is None and "type" in part:
            return self._directory.channel_create(part, str(raw.get("guild_id") or ""))
        return await self._channel(raw, guild=raw.get("guild_id"))

    async def _channel(self, raw: Raw, *, guild: object) -> Channel:
        """Return a message's channel; in private nobody tells of it beforehand, and a thread may be new to us."""
        id = str(raw["channel_id"])
        if known := self._directory.get(id):
            return known
        if not guild:
            return self._directory.channel_create({"id": id, "type": raw.get("channel_type", 1)})
        return await self._asked(id, str(guild))

    async def _asked(self, id: str, guild: str) -> Channel:
        for _ in range(3):
            try:
                found = await self._rest.call("GET", "/channels/{channel_id}", channel_id=id)
                return self._directory.channel_create(found, guild)
            except Refused as error:
                if error.status >= 500:  # noqa: PLR2004 - HTTP's range of the server's own failures
                    raise platform_error(error) from None
                # A channel we may not look at is answered in as an ordinary one.
                return self._directory.channel_create({"id": id, "type": 0, "guild_id": guild})
            except Flooded as error:
                await asyncio.sleep(error.retry_after)
            except RestError as error:
                raise platform_error(error) from None
        return self._directory.channel_create({"id": id, "type": 0, "guild_id": guild})

    async def _set_aside(self, link: Link, event: Event, reason: str) -> None:
        await link.quarantine(bad_key(event.raw), dump(event.raw), reason)


def _list(inbound: Inbound | None) -> list[Inbound]:
    return [] if inbound is None else [inbound]


def learn(directory: Directory, event: Event) -> None:
    """Let the directory take up what an event tells of servers, channels and threads."""
    raw = event.raw
    match event.name:
        case "READY":
            directory.ready(raw)
        case "GUILD_CREATE":
            directory.guild_create(raw)
        case "GUILD_UPDATE":
            directory.guild_update(raw)
        case "GUILD_DELETE" if not raw.get("unavailable"):
            directory.forget_guild(str(raw["id"]))
        case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
            directory.channel_create(raw)
        case "CHANNEL_DELETE" | "THREAD_DELETE":
            directory.channel_delete(raw)
        case "THREAD_LIST_SYNC":
            directory.thread_list_sync(raw)
        case "THREAD_MEMBER_UPDATE":
            directory.joined(str(raw["id"]))
        case "THREAD_MEMBERS_UPDATE":
            directory.thread_members_update(raw)
        case _:
            return

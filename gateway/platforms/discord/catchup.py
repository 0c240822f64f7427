"""What was said while nobody listened: fetched from each channel's history, oldest first, before what comes now."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from gateway.adapter import Link
from gateway.platforms.discord import convert
from gateway.platforms.discord.directory import DM, Channel, Directory, number
from gateway.platforms.discord.failures import Flooded, NoAnswer, Refused, RestError
from gateway.platforms.discord.rest import Rest
from gateway.platforms.discord.settings import DiscordSettings
from gateway.transport.storing import bad_key, dump, until_stored
from kernel.messages import Address, Inbound

Raw = Mapping[str, Any]
Commit = Callable[[Link, list[Inbound]], Awaitable[None]]

PAGE = 100
WORKERS = 3
HELD_LIMIT = 2_000
RETRY_SECONDS = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
# A fetch that fails so often is given up for this time; its channel is served again, and the next connect retries.
TRIES = 8


class CatchUp:
    """Fetches history after every connect; a channel's new messages wait until its old ones are committed."""

    def __init__(
        self, settings: DiscordSettings, rest: Rest, directory: Directory, view: convert.View
    ) -> None:
        self._settings = settings
        self._rest = rest
        self._directory = directory
        self._view = view
        self._anchors: dict[str, int] = {}
        self._chats: dict[str, Address] = {}
        self._jobs: OrderedDict[str, int] = OrderedDict()
        self._running: set[str] = set()
        self._held: dict[str, list[Raw]] = {}
        self._members: dict[tuple[str, str], Raw] = {}
        self._news = asyncio.Event()
        self._restored: Callable[[], None] = lambda: None

    def holds(self, channel: str, raw: Raw) -> bool:
        """Keep a new message back where older ones are still to be fetched; tell whether it was kept."""
        held = self._held.get(channel)
        if held is None:
            return False
        # What is too much to keep is in the history that is being fetched, or in the next one.
        if len(held) < HELD_LIMIT:
            held.append(raw)
        return True

    async def everything(self, link: Link) -> None:
        """Plan a fetch from every chat and thread that was ever heard, newest first, up to the limit.

        Raises StoreError.
        """
        if not self._settings.catch_up_messages:
            return
        anchors = await link.anchors()
        self._members.clear()
        self._chats = {address.thread or address.chat: address for address in anchors}
        self._anchors = {
            address.thread or address.chat: number(id) for address, id in anchors.items() if number(id)
        }
        newest = sorted(self._anchors, key=lambda channel: -self._anchors[channel])
        for channel in newest[: self._settings.catch_up_channels]:
            self._plan(channel, self._anchors[channel])

    def guild(self, guild: str) -> None:
        """Plan a fetch from each channel of a server that has something newer than what was heard last.

        A channel that was never heard is asked for what came after the last word heard anywhere.
        """
        if not self._anchors:
            return
        last = max(self._anchors.values())
        missed = [
            channel
            for channel in self._directory.of_guild(guild)
            if channel.last > self._anchors.get(channel.id, last)
        ]
        missed.sort(key=lambda channel: -channel.last)
        for channel in missed[: self._settings.catch_up_channels]:
            self._plan(channel.id, self._anchors.get(channel.id, last))

    def _plan(self, channel: str, after: int) -> None:
        if channel in self._jobs or channel in self._running:
            return
        self._jobs[channel] = after
        self._held.setdefault(channel, [])
        self._news.set()

    async def run(self, link: Link, commit: Commit, restored: Callable[[], None]) -> None:
        """Fetch what is planned until cancelled; raise OutcomeUnknown.

        ``restored()`` is called when the store takes messages again.
        """
        self._restored = restored
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work(link, commit))

    async def _work(self, link: Link, commit: Commit) -> None:
        while True:
            while self._jobs:
                channel, after = self._jobs.popitem(last=False)
                self._running.add(channel)
                try:
                    await self._fetch(channel, after, link, commit)
                except BaseException:
                    # The next run begins where this one began; what was committed meanwhile is known by its key.
                    self._jobs[channel] = after
                    raise
                finally:
                    self._running.discard(channel)
            self._news.clear()
            await self._news.wait()

    async def _fetch(self, id: str, after: int, link: Link, commit: Commit) -> None:
        """Commit a channel's history after an id, then what was held back meanwhile."""
        channel: Channel | None = await self._persistent(lambda: self._known(id))
        left = self._settings.catch_up_messages if channel else 0
        while channel is not None and left > 0:
            page = await self._persistent(lambda: self._page(id, after, min(PAGE, left)))  # noqa: B023
            if page is None:
                await self._tell_gap(channel, after, link)
            if not page:
                break
            await self._store(page, channel, link, commit)
            after, left = number(page[-1]["id"]), left - len(page)
            if not left:
                await self._tell_limit(channel, link)
        await self._release(channel or Channel(id, DM), after, link, commit)

    async def _release(self, channel: Channel, after: int, link: Link, commit: Commit) -> None:
        """Commit what was held back behind an id, until nothing more was; from then on messages go their own way."""
        while held := self._held.get(channel.id):
            self._held[channel.id] = []
            fresh = [raw for raw in held if number(raw.get("id")) > after or "id" not in raw]
            await self._store(fresh, channel, link, commit)
        self._held.pop(channel.id, None)

    async def _known(self, id: str) -> Channel:
        known = self._directory.get(id)
        if known is not None:
            return known
        chat = self._chats.get(id)
        found = await self._rest.call("GET", "/channels/{channel_id}", channel_id=id)
        return self._directory.channel_create(found, "" if chat is None else str(found.get("guild_id") or ""))

    async def _page(self, id: str, after: int, limit: int) -> list[Raw]:
        """Return the next messages after an id, oldest first; Discord sends the newest of them first."""
        query = {"after": after, "limit": limit}
        found = await self._rest.call("GET", "/channels/{channel_id}/messages", query=query, channel_id=id)
        return sorted(found, key=lambda raw: number(raw["id"]))

    async def _persistent(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make a call until it is answered; return ``None`` where the bot may not look, or nobody answers for long."""
        for attempt in range(TRIES):
            try:
                return await call()
            except Flooded as error:
                await asyncio.sleep(error.retry_after)
            except Refused as error:
                if error.status < 500:  # noqa: PLR2004 - HTTP's range of the server's own failures
                    return None
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            except NoAnswer:
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
        return None

    async def _store(self, page: list[Raw], channel: Channel, link: Link, commit: Commit) -> None:
        found: list[Inbound] = []
        for raw in page:
            try:
                inbound = convert.said(await self._with_member(raw, channel), channel, self._view)
            except (RestError, KeyError, TypeError, ValueError, AttributeError) as error:
                reason = f"{type(error).__name__} while reading it"
                await link.quarantine(bad_key(raw, f"{channel.id}:{raw.get('id')}"), dump(raw), reason)
            else:
                found += [inbound] if inbound else []
        if found:
            await until_stored(link, "Discord", partial(commit, link, found), self._restored)

    async def _with_member(self, raw: Raw, channel: Channel) -> Raw:
        """Add the author's membership, which history leaves out and a person's roles are part of."""
        author: Raw = raw["author"]
        if not channel.guild or raw.get("member") or author.get("bot"):
            return raw
        who = channel.guild, str(author["id"])
        if who not in self._members:
            self._members[who] = await self._member(*who)
        return {**raw, "member": self._members[who]}

    async def _member(self, guild: str, user: str) -> Raw:
        path = "/guilds/{guild_id}/members/{user_id}"
        for _ in range(TRIES):
            try:
                return await self._rest.call("GET", path, guild_id=guild, user_id=user)
            except Flooded as error:
                await asyncio.sleep(error.retry_after)
            except RestError:
                # Somebody who has left has no roles any more.
                break
        return {}

    async def _tell_gap(self, channel: Channel, after: int, link: Link) -> None:
        await link.quarantine(
            f"h:{channel.id}:{after}",
            f"{channel.name or channel.id}: Discord does not hand out what was said while I was away.",
            "the history could not be read; Read Message History is the permission for it",
        )

    async def _tell_limit(self, channel: Channel, link: Link) -> None:
        limit = self._settings.catch_up_messages
        name = channel.name or channel.id
        await link.quarantine(
            f"c:{channel.id}:{channel.last}:{self._anchors.get(channel.id, 0)}",
            f"{name}: more than {limit} messages came while I was away; the later ones were not fetched.",
            "the limit of platforms.discord.catch_up_messages",
        )

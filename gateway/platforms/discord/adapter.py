"""Discord as the gateway sees it."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.adapter import (
    Bubbles,
    Capabilities,
    Fetches,
    Form,
    Forms,
    Identity,
    Link,
    Mark,
    MenuEntry,
    Menus,
    Names,
    Probe,
    Probes,
    Reactions,
    Reads,
    Said,
    Streaming,
    Taps,
    Typing,
)
from gateway.adapter import Threads as OpensThreads
from gateway.platforms.discord import commands, convert, files, sending
from gateway.platforms.discord.catchup import CatchUp
from gateway.platforms.discord.connection import (
    IDENTIFY_SECONDS,
    Client,
    ContentRefused,
    Hearing,
    Memory,
    MoreShards,
    Shard,
    shard_count,
)
from gateway.platforms.discord.directory import Directory, number
from gateway.platforms.discord.failures import (
    CONTENT_REFUSED,
    Refused,
    RestError,
    delivery_error,
    platform_error,
)
from gateway.platforms.discord.intake import Intake
from gateway.platforms.discord.interactions import Interactions
from gateway.platforms.discord.rest import Rest, silence
from gateway.platforms.discord.settings import DiscordSettings
from gateway.platforms.discord.threads import Threads
from gateway.transport.downloads import MEGABYTE
from kernel.clock import Clock
from kernel.errors import ConfigError, DeliveryRejected
from kernel.messages import Address, Attachment, Outbound, Receipt

CLIENT_SPLIT = 2_000
# Progress is one message whatever becomes of its format; what is new stands at its end.
BUBBLE_LIMIT = 1_500
PAGE = 100
SEEN_KEPT = 1_000
SIGNS = {Mark.SEEN: "👀", Mark.DONE: "✅", Mark.FAILED: "❌"}
ALWAYS = frozenset({Bubbles, Typing, Taps, Forms, Fetches, OpensThreads, Reads, Names, Probes})
CONTENT_FLAGS = (1 << 18) | (1 << 19)


class DiscordAdapter:
    """One bot: listens at the gateway, sends by REST, and shows progress."""

    def __init__(
        self, settings: DiscordSettings, clock: Clock, *, identify_seconds: float = IDENTIFY_SECONDS
    ) -> None:
        if not settings.account:
            raise ConfigError("There is no Discord bot token.", remedy="Set DISCORD_BOT_TOKEN.")
        silence()
        self._settings = settings
        self._clock = clock
        self._identity = Identity("discord", settings.account)
        self._rest = Rest(settings)
        self._directory = Directory(settings.account)
        view = convert.View(self._directory, settings.auto_thread)
        self._interactions = Interactions(self._rest)
        self._threads = Threads(self._rest, self._directory, settings.archive_minutes)
        self._catch_up = CatchUp(settings, self._rest, self._directory, view)
        self._intake = Intake(
            self._rest, self._directory, view, self._interactions, self._catch_up, self._threads
        )
        looks = sending.Looks(embeds=settings.embeds, link_previews=settings.link_previews)
        self._courier = sending.Courier(self._rest, self._directory, self._threads, looks)
        self._memory: dict[int, Memory] = {}
        self._identify_seconds = identify_seconds
        # The last run ended before it was connected.
        self._in_trouble = False
        self._seen: set[tuple[str, str]] = set()

    @property
    def identity(self) -> Identity:
        """The bot's id, read from its token."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """Discord's limits, and the abilities that are switched on."""
        wanted = {Reactions: self._settings.reactions, Menus: self._settings.slash_commands}
        return Capabilities(
            text_limit=sending.ROOM,
            length_unit="utf16",
            client_split=CLIENT_SPLIT,
            streaming=Streaming.EDIT,
            edit_interval=self._settings.edit_interval,
            buttons=True,
            files=True,
            file_limit=self._settings.file_megabytes * MEGABYTE,
            threads=True,
            reactions=self._settings.reactions,
            reconciles=True,
            per_second=45.0,
            per_chat=1.0,
            per_group_minute=60.0,
            abilities=ALWAYS | {kind for kind, on in wanted.items() if on},
        )

    async def run(self, link: Link) -> None:
        """Listen until cancelled.

        Raises PlatformUnavailable, PlatformConflict or PlatformUnauthorised.
        """
        count = await shard_count(self._rest, self._settings, careful=self._in_trouble)
        self._in_trouble = True
        # Asked for anew by every run: somebody may have switched the intent on.
        content = self._settings.message_content
        while True:
            try:
                await self._listen(link, count, content=content)
            except ContentRefused:
                content = False
            except MoreShards:
                wanted = self._settings.model_copy(update={"shards": 0})
                count = await shard_count(self._rest, wanted, careful=True)

    async def _listen(self, link: Link, count: int, *, content: bool) -> None:
        """Run a fresh client with its shards; the first end of any part ends them all."""
        alive = _Alive(link)
        hearing = Hearing(self._intake.hear, self._intake.malformed, alive.proven)
        client = Client(
            self._rest, hearing, content=content, shards=count, identify_seconds=self._identify_seconds
        )
        await client.prepare()
        alive.shards = [Shard(client, number, self._memory) for number in range(count)]

        def greeted() -> None:
            if all(shard.ready for shard in alive.shards):
                self._in_trouble = False
                link.connected()
                if self._settings.message_content and not content:
                    link.degraded(CONTENT_REFUSED)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._intake.run(link, greeted))
                group.create_task(self._catch_up.run(link, self._intake.commit, greeted))
                for shard in alive.shards:
                    group.create_task(shard.run())
        except BaseExceptionGroup as several:
            raise _first(several) from None

    async def close(self) -> None:
        """Close the connections; nothing can be sent afterwards."""
        await self._interactions.close()
        await self._rest.close()

    async def send(self, message: Outbound) -> Receipt:
        """Deliver one message; raise DeliveryDeferred, DeliveryRejected or DeliveryUncertain."""
        sending.channel_id(message.address)
        receipt = Receipt(await self._courier.deliver(message))
        if message.address.thread:
            # Whoever writes in a thread takes part in it: from now on its members need not name the bot.
            self._directory.joined(message.address.thread)
        return receipt

    async def bubble(self, address: Address, message_id: str, text: str) -> str:
        """Send or edit a transient, silent message; return its id."""
        receipt = await self.send(Outbound(address, text[-BUBBLE_LIMIT:], replaces=message_id, silent=True))
        return receipt.message_ids[0]

    async def burst(self, address: Address, message_id: str) -> None:
        """Delete a transient message."""
        path = "/channels/{channel_id}/messages/{message_id}"
        channel = sending.channel_id(address)
        try:
            await self._rest.call("DELETE", path, channel_id=channel, message_id=message_id)
        except Refused as error:
            if not error.gone:
                raise delivery_error(error, repeatable=True) from None
        except RestError as error:
            raise delivery_error(error, repeatable=True) from None

    async def typing(self, address: Address) -> None:
        """Show "typing" for the ten seconds Discord keeps it."""
        place = await self._passing(self._threads.place(address))
        await self._passing(
            self._rest.call("POST", "/channels/{channel_id}/typing", channel_id=place.channel)
        )

    async def react(self, address: Address, message_id: str, mark: Mark) -> None:
        """Put a reaction on a message, in place of the one that says it was seen."""
        channel = self._where_said(address, message_id)
        path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
        id = sending.snowflake_of(message_id)

        def call(method: str, sign: str) -> Awaitable[Any]:
            return self._rest.call(method, path, channel_id=channel, message_id=id, emoji=sign)

        await self._passing(call("PUT", SIGNS[mark]))
        if mark is Mark.SEEN:
            # What was never answered is forgotten at some time, and its sign stays.
            if len(self._seen) >= SEEN_KEPT:
                self._seen.clear()
            self._seen.add((channel, message_id))
        elif (channel, message_id) in self._seen:
            self._seen.discard((channel, message_id))
            await self._passing(call("DELETE", SIGNS[Mark.SEEN]))

    def _where_said(self, address: Address, message_id: str) -> str:
        """Return the channel of a person's message: one that a thread was made from stands above the thread."""
        return sending.channel_id(address.parent if address.thread == message_id else address)

    async def acknowledge(self, tap_id: str, text: str) -> None:
        """End an interaction's waiting state and show a short text."""
        await self._interactions.acknowledge(tap_id, text)

    async def open_form(self, tap_id: str, form: Form) -> bool:
        """Show a form to whoever tapped; tell whether it was still possible."""
        return await self._interactions.open_form(tap_id, form)

    async def _passing(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except RestError as error:
            raise delivery_error(error, repeatable=True) from None

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        """Download an attachment; raise DeliveryRejected or PlatformUnavailable."""
        return await files.fetch(self._rest, attachment, target, limit)

    async def menu(self, entries: Sequence[MenuEntry]) -> None:
        """Make the application's commands equal to ``entries``."""
        wanted = commands.commands(entries)
        path = "/applications/{application_id}/commands"
        try:
            application = await self._application()
            known = await self._rest.call("GET", path, application_id=application)
            if commands.differ(known, wanted):
                await self._rest.call("PUT", path, body=wanted, application_id=application)
        except RestError as error:
            raise platform_error(error) from None

    async def _application(self) -> str:
        known = self._directory.me.application
        return known or str((await self._rest.call("GET", "/applications/@me"))["id"])

    async def create_thread(self, parent: Address, name: str) -> Address | None:
        """Open a thread in a channel or a post in a forum; private chats have none."""
        return await self._threads.create(parent, name)

    async def read_channel(self, address: Address, since: int, limit: int) -> Sequence[Said]:
        """Return up to ``limit`` messages after ``since``, oldest first; without it, the last ones.

        Raises DeliveryRejected or PlatformUnavailable.
        """
        channel, after = sending.channel_id(address), convert.snowflake(since)
        found: list[Mapping[str, Any]] = []
        try:
            while len(found) < limit:
                page = await self._page(
                    channel, after, before=found[0] if found else None, limit=limit - len(found)
                )
                if not page:
                    break
                found = [*found, *page] if after else [*page, *found]
                after = number(page[-1]["id"]) if after else 0
        except Refused as error:
            if error.gone or error.forbidden:
                raise DeliveryRejected(f"Discord does not let me read there: {error.text}.") from None
            raise platform_error(error) from None
        except RestError as error:
            raise platform_error(error) from None
        return [self._said(raw, address) for raw in found]

    async def _page(
        self, channel: str, after: int, *, before: Mapping[str, Any] | None, limit: int
    ) -> list[Mapping[str, Any]]:
        query: dict[str, str | int] = {"limit": min(PAGE, limit)}
        if after:
            query["after"] = after
        elif before is not None:
            query["before"] = str(before["id"])
        path = "/channels/{channel_id}/messages"
        page = await self._rest.call("GET", path, query=query, channel_id=channel)
        return sorted(page, key=lambda raw: number(raw["id"]))

    def _said(self, raw: Mapping[str, Any], address: Address) -> Said:
        view = convert.View(self._directory)
        return Said(
            address,
            str(raw["id"]),
            convert.sender(raw["author"], None, ""),
            convert.words(raw, view),
            convert.snowflake_ms(raw["id"]),
            len(raw.get("attachments") or ()),
        )

    async def channels(self) -> Mapping[Address, str]:
        """Return the channels and open threads of the bot's servers with their names."""
        return dict(self._directory.named())

    async def probe(self) -> Probe:
        """Ask Discord who the bot is; raise PlatformUnauthorised or PlatformUnavailable."""
        try:
            me = await self._rest.call("GET", "/users/@me")
            application: Mapping[str, Any] = await self._rest.call("GET", "/applications/@me")
        except RestError as error:
            raise platform_error(error) from None
        return Probe(str(me.get("username") or me["id"]), tuple(self._warnings(application)))

    def _warnings(self, application: Mapping[str, Any]) -> list[str]:
        found: list[str] = []
        if self._settings.message_content and not int(application.get("flags") or 0) & CONTENT_FLAGS:
            found.append(
                "Message Content Intent is off: the bot hears mentions and direct messages only"
                " (discord.com/developers/applications, Bot)."
            )
        if application.get("interactions_endpoint_url"):
            found.append("An interactions endpoint is set, so buttons and slash commands do not come here.")
        return found


class _Alive:
    """Proves that the connection is alive once every shard's heartbeat was answered since the last proof."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.shards: list[Shard] = []

    def proven(self) -> None:
        """Hear that a heartbeat was answered."""
        if all(shard.acknowledged for shard in self.shards):
            for shard in self.shards:
                shard.acknowledged = False
            self._link.progress()


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that a group of tasks ended with."""
    error = several.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error

"""Discord for the contract: the adapter with the real SDK against REST and gateway on loopback."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from gateway.platforms.discord.adapter import DiscordAdapter
from gateway.platforms.discord.settings import DiscordSettings
from kernel.clock import SystemClock
from kernel.messages import Address, Attachment
from tests.contract.harness import WAIT, Harness, Recorder, Refusals, Shown
from tests.fakes.discord_server import BOT_ID, DiscordServer, DropAfter, Refuse, too_many
from tests.fakes.discord_world import Json

PERSON = "7"


class Acquainted(Recorder):
    """A gateway that has heard the person before: a private chat nobody ever wrote in is in no history we can ask."""

    def __init__(self) -> None:
        super().__init__()
        self.earlier: dict[Address, str] = {}
        self.heard = asyncio.Event()

    def connected(self) -> None:
        """Hear that the platform answers."""
        super().connected()
        self.heard.set()

    async def anchors(self) -> Mapping[Address, str]:
        """Return what was committed, and what was long ago."""
        return {**self.earlier, **await super().anchors()}


class DiscordHarness(Harness, Refusals):
    """One bot, one person, one fake Discord with a server that both are in."""

    person = PERSON

    def __init__(self, folder: Path) -> None:
        self.server = DiscordServer()
        super().__init__(folder)
        self.link = self.acquainted = Acquainted()
        self._last: Json | None = None
        self._met = ""

    def make_adapter(self) -> DiscordAdapter:
        """Return a bot that talks to the fake server."""
        settings = DiscordSettings.model_validate({**self.server.settings, "request_seconds": 3})
        return DiscordAdapter(settings, SystemClock())

    async def start(self) -> None:
        """Start the server before the first adapter, and wait until the gateway knows it."""
        if not self.server.port:
            await self.server.start()
            self.office = self.server.guild(PERSON)
            self.general = self.server.channel(self.office)
            self.server.world.dm(PERSON)
            self._met = self.server.world.new_id()
            self.adapter = self.make_adapter()
        self.acquainted.heard.clear()
        await super().start()
        async with asyncio.timeout(WAIT):
            await self.acquainted.heard.wait()

    async def crash(self) -> None:
        """Crash, once the person has been heard at some time."""
        self.acquainted.earlier[self.chat] = self._met
        await super().crash()

    async def end(self) -> None:
        """End the adapter with its connections; the gateway knows that its session is over."""
        await super().end()
        assert isinstance(self.adapter, DiscordAdapter)
        await self.adapter.close()
        self.server.gateway.forget()

    async def stop(self) -> None:
        """End the adapter and the server."""
        await super().stop()
        await self.server.stop()

    @property
    def chat(self) -> Address:
        """The private channel."""
        return Address("discord", BOT_ID, self.server.world.dm(PERSON)["id"])

    @property
    def threaded(self) -> Address:
        """A text channel of the server."""
        return Address("discord", BOT_ID, self.general["id"])

    async def says(self, text: str, *, thread: str | None = None) -> None:
        """Write in private, or in a thread of the server."""
        self._last = await self.server.says(PERSON, text, channel=thread or "")

    async def taps(self, message_id: str, label: str) -> None:
        """Press a button."""
        message = self.server.world.message(self.chat.chat, message_id)
        await self.server.taps(PERSON, message, label)

    async def hands_over_again(self) -> None:
        """Dispatch the same message once more."""
        assert self._last is not None
        await self.server.tell_message(self._last)

    async def attaches(self, data: bytes) -> Attachment:
        """Send a file."""
        known = len(self.link.committed)
        file = self.server.stored("notes.txt", data, "text/plain")
        await self.server.says(PERSON, "", attachments=[file])
        return (await self.link.until_committed(known + 1))[-1].attachments[0]

    async def shown(self, count: int = 1) -> list[Shown]:
        """Read the private channel and every thread."""
        found = await self.server.wait_for(
            lambda: messages if len(messages := self._messages()) >= count else None
        )
        return [self._shown(message) for message in found or []]

    def _messages(self) -> list[Json]:
        world = self.server.world
        places = [self.chat.chat, *(id for id, c in world.channels.items() if c["type"] == 11)]
        return [message for place in places for message in self.server.heard(place)]

    def _shown(self, message: Json) -> Shown:
        channel = self.server.world.channels[message["channel_id"]]
        reference = message.get("message_reference") or {}
        files = message["attachments"]
        return Shown(
            message["id"],
            self.server.text(message),
            tuple(self.server.labels(message)),
            channel["id"] if channel["type"] == 11 else None,
            reference.get("message_id", ""),
            files[0]["filename"] if files else "",
        )

    def unacknowledged(self) -> int:
        """Count the person's messages behind the last committed one, which the next connect fetches."""
        last = max(
            (int(one.message_id) for one in self.link.committed if one.address == self.chat), default=0
        )
        said = self.server.world.messages[self.chat.chat]
        return sum(int(m["id"]) > last for m in said if m["author"]["id"] == PERSON)

    def asks_to_wait(self, seconds: float | str | None) -> None:
        """Answer 429."""
        self.server.fault("create_message", too_many(seconds))

    def fails(self) -> None:
        """Answer 502 with a page that is no JSON."""
        page = Refuse(502, b"<html><body>Bad Gateway</body></html>", content_type="text/html")
        self.server.fault("create_message", page)

    def loses_the_receipt(self) -> None:
        """Break the connection after the message was taken."""
        self.server.fault("create_message", DropAfter())

    async def goes_away(self) -> None:
        """Close the server's socket."""
        await self.end()
        self.adapter = self.make_adapter()
        await self.server.stop()

    def shuts_the_person_out(self) -> None:
        """Have the person block the bot."""
        self.server.world.blocked.add(PERSON)

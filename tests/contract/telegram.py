"""Telegram for the contract: the adapter against a Bot API server on loopback."""

import re
from pathlib import Path

from gateway.platforms.telegram.adapter import TelegramAdapter
from gateway.platforms.telegram.settings import TelegramSettings
from kernel.clock import SystemClock
from kernel.messages import Address, Attachment
from tests.contract.harness import Harness, Refusals, Shown
from tests.fakes.telegram_server import DropAfter, Message, TelegramServer, flood, server_error
from tests.fakes.telegram_world import BOT_ID

PERSON = 7


class TelegramHarness(Harness, Refusals):
    """One bot, one person, one fake server."""

    person = str(PERSON)

    def __init__(self, folder: Path) -> None:
        self.server = TelegramServer(topics_in_dms=True)
        super().__init__(folder)
        self._last: Message | None = None

    def make_adapter(self) -> TelegramAdapter:
        """Return a bot that talks to the fake server."""
        settings = TelegramSettings.model_validate(
            {"token": self.server.token, "api_base": self.server.url, "request_seconds": 3}
        )
        return TelegramAdapter(settings, SystemClock())

    async def start(self) -> None:
        """Start the server before the first adapter."""
        if not self.server.port:
            await self.server.start()
            self.server.world.private_chat(PERSON)
            self.adapter = self.make_adapter()
        await super().start()

    async def end(self) -> None:
        """End the adapter with its connections."""
        await super().end()
        assert isinstance(self.adapter, TelegramAdapter)
        await self.adapter.close()

    async def stop(self) -> None:
        """End the adapter and the server."""
        await super().stop()
        await self.server.stop()

    @property
    def chat(self) -> Address:
        """The chat with the person's own id."""
        return Address("telegram", str(BOT_ID), self.person)

    async def says(self, text: str, *, thread: str | None = None) -> None:
        """Queue an update."""
        self._last = self.server.user_says(PERSON, text, thread=int(thread) if thread else None)

    async def taps(self, message_id: str, label: str) -> None:
        """Queue a callback query."""
        message = self.server.world.find(PERSON, int(message_id))
        assert message is not None
        self.server.tap(message, label)

    async def hands_over_again(self) -> None:
        """Queue the same update once more."""
        assert self._last is not None
        self.server.duplicate(self._last)

    async def attaches(self, data: bytes) -> Attachment:
        """Send a document."""
        known = len(self.link.committed)
        self.server.user_sends(PERSON, "document", data, name="notes.txt")
        inbound = (await self.link.until_committed(known + 1))[-1]
        return inbound.attachments[0]

    async def shown(self, count: int = 1) -> list[Shown]:
        """Read the server's history."""
        messages = await self.server.wait_for(
            lambda: found if len(found := self.server.messages(PERSON)) >= count else None
        )
        return [_shown(message) for message in messages or []]

    def unacknowledged(self) -> int:
        """Count the updates that no offset confirmed."""
        return len(self.server.updates.pending)

    def asks_to_wait(self, seconds: float | str | None) -> None:
        """Answer 429."""
        self.server.fault("sendMessage", flood(seconds))

    def fails(self) -> None:
        """Answer 502 with a page that is no JSON."""
        self.server.fault("sendMessage", server_error())

    def loses_the_receipt(self) -> None:
        """Break the connection after the message was taken."""
        self.server.fault("sendMessage", DropAfter())

    async def goes_away(self) -> None:
        """Close the server's socket."""
        await self.end()
        self.adapter = self.make_adapter()
        await self.server.stop()

    def shuts_the_person_out(self) -> None:
        """Have the person block the bot."""
        self.server.block(PERSON)


def _shown(message: Message) -> Shown:
    file = next((message.content[kind] for kind in ("document",) if kind in message.content), {})
    return Shown(
        str(message.id),
        re.sub(r"\s+$", "", message.text),
        tuple(message.labels),
        str(message.thread_id) if message.thread_id else None,
        str(message.reply_to.id) if message.reply_to else "",
        str(file.get("file_name", "")),
    )

"""What the acceptance tests share: a Telegram on loopback, and a daemon for those that do not kill it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import Daemon, quiet_settings

_numbers = count(20_000)


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """Run a Bot API server."""
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def phone() -> AsyncIterator[TelegramServer]:
    """Run a Telegram whose private chats have topics."""
    async with TelegramServer(topics_in_dms=True) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Shared:
    """A running daemon and the Telegram it is connected to; every test takes a person of its own."""

    telegram: TelegramServer
    daemon: Daemon

    def person(self) -> "Person":
        """Return somebody who has not spoken yet."""
        return Person(self.telegram, next(_numbers))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in their private chat with the bot."""

    telegram: TelegramServer
    id: int

    def says(self, text: str) -> Message:
        """Write a message."""
        return self.telegram.user_says(self.id, text)

    async def hears(self, text: str, *, within: float = 20.0) -> Message:
        """Wait for a message of the bot that contains ``text``."""
        return await self.telegram.wait_for_text(self.id, text, within=within)

    async def asks(self, text: str, answer: str) -> Message:
        """Write a message and wait for what is answered."""
        self.says(text)
        return await self.hears(answer)

    @property
    def heard(self) -> list[str]:
        """All that the bot has said here."""
        return [message.text for message in self.telegram.messages(self.id)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    """Run one daemon for a whole file; at its end the invariants hold."""
    home: Path = tmp_path_factory.mktemp("shared") / "home"
    async with TelegramServer(topics_in_dms=True) as server:
        settings = quiet_settings(server, access={"open_to_everyone": ["telegram"]})
        async with Daemon(home, settings) as daemon:
            await daemon.start()
            yield Shared(server, daemon)
            assert await daemon.stop() == 0
            assert daemon.findings() == []

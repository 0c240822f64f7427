"""A Discord and an adapter on it, for tests of what is Discord's own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from gateway.platforms.discord.adapter import DiscordAdapter
from gateway.platforms.discord.settings import DiscordSettings
from kernel.clock import SystemClock
from kernel.messages import Address
from tests.contract.harness import Recorder
from tests.fakes.discord_server import BOT_ID, DiscordServer

ANN = "7"
WAIT = 20.0


class Ear(Recorder):
    """A gateway's end of the link that can be waited for; ``earlier`` are anchors of another time."""

    def __init__(self) -> None:
        super().__init__()
        self.earlier: dict[Address, str] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def anchors(self) -> dict[Address, str]:
        """Return what was committed, and what was long ago."""
        return {**self.earlier, **await super().anchors()}

    def connected(self) -> None:
        """Hear that the platform answers."""
        super().connected()
        self._wake()

    def degraded(self, reason: str) -> None:
        """Hear of trouble."""
        super().degraded(reason)
        self._wake()

    def progress(self) -> None:
        """Hear that the connection is alive."""
        super().progress()
        self._wake()

    def _wake(self) -> None:
        task = asyncio.create_task(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    @property
    def texts(self) -> list[str]:
        """The committed words."""
        return [one.text for one in self.committed]

    async def until_said(self, *texts: str) -> None:
        """Wait until exactly these words were committed."""
        await self.until(lambda: len(self.committed) >= len(texts))
        assert self.texts == list(texts)


class Bot:
    """A Discord, an adapter, and a run that can be ended and begun again."""

    def __init__(self, server: DiscordServer, **settings: Any) -> None:
        self.server = server
        self.link = Ear()
        self._settings = settings
        self.adapter = self._made()
        self.running: asyncio.Task[None] | None = None

    def _made(self) -> DiscordAdapter:
        wanted = {**self.server.settings, "request_seconds": 5, **self._settings}
        settings = DiscordSettings.model_validate(wanted)
        return DiscordAdapter(settings, SystemClock(), identify_seconds=0)

    @property
    def dm(self) -> Address:
        """Ann's private chat."""
        return Address("discord", BOT_ID, self.server.world.dm(ANN)["id"])

    def at(self, channel: dict[str, Any], thread: str | None = None) -> Address:
        """Return a channel's address."""
        return Address("discord", BOT_ID, channel["id"], thread)

    async def start(self) -> None:
        """Run the adapter and wait until it is connected."""
        known = self.link.states.count("connected")
        self.running = asyncio.create_task(self.adapter.run(self.link))
        await self.link.until(lambda: self.link.states.count("connected") > known)

    async def fails(self) -> BaseException:
        """Run the adapter until it ends, and return why."""
        self.running = asyncio.create_task(self.adapter.run(self.link))
        await asyncio.wait([self.running], timeout=WAIT)
        error = self.running.exception()
        assert error is not None
        return error

    async def end(self) -> None:
        """End the run."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait([self.running])

    async def replaced(self) -> None:
        """Begin again as a new process does, after what happens while it is away."""
        await self.end()
        await self.adapter.close()
        self.server.gateway.forget()
        self.adapter = self._made()


@asynccontextmanager
async def bots(**settings: Any) -> AsyncGenerator[Bot]:
    """Run a Discord with an adapter that is not connected yet."""
    async with DiscordServer() as server:
        server.world.person(ANN, "Ann")
        bot = Bot(server, **settings)
        try:
            yield bot
        finally:
            await bot.end()
            await bot.adapter.close()

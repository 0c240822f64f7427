"""An app on Slack for tests: the adapter, its link and the workspace on loopback."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from gateway.platforms.slack.adapter import SlackAdapter
from gateway.platforms.slack.settings import SlackSettings
from kernel.clock import SystemClock
from kernel.messages import Address
from tests.contract.harness import Recorder
from tests.fakes.slack_server import SIGNING_SECRET, Grid, SlackServer

PERSON, OTHER = "U0PERSON7", "U0OTHER02"
CHAT, CHANNEL = "D0PERSON7", "C0GENERAL"


class App:
    """One adapter under test; ``run`` starts it anew, ``ended`` waits for the reason it ended for."""

    def __init__(self, server: SlackServer, **settings: Any) -> None:
        self.server = server
        self.link = Recorder()
        self.given = {
            "bot_token": server.bot_token,
            "app_token": server.app_token,
            "signing_secret": SIGNING_SECRET,
            "api_base": server.url,
            "request_seconds": 3,
            **settings,
        }
        self.adapter = self.make()
        self.running: asyncio.Task[None] | None = None

    def make(self) -> SlackAdapter:
        """Return an adapter that remembers nothing."""
        return SlackAdapter(SlackSettings.model_validate(self.given), SystemClock())

    def run(self) -> None:
        """Run the adapter."""
        self.running = asyncio.create_task(self.adapter.run(self.link))

    async def connected(self) -> None:
        """Wait until the adapter has said that it is connected."""
        async with asyncio.timeout(20):
            while "connected" not in self.link.states:  # noqa: ASYNC110 - the recorder tells nobody
                await asyncio.sleep(0.01)

    async def ended(self) -> BaseException | None:
        """Wait until the run has ended; return why."""
        assert self.running is not None
        async with asyncio.timeout(20):
            await asyncio.wait([self.running])
        return self.running.exception()

    async def stop(self) -> None:
        """End the run, as the supervisor does."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait([self.running])

    async def restart(self) -> None:
        """End the run and start a new adapter, as a new process does."""
        await self.stop()
        await self.adapter.close()
        self.adapter = self.make()
        self.link.states.clear()
        self.run()

    async def restart_sender(self) -> None:
        """Forget everything, as a new process has, without receiving."""
        await self.adapter.close()
        self.adapter = self.make()

    def at(self, chat: str = CHAT, thread: str | None = None) -> Address:
        """Return an address of this app's."""
        return Address("slack", self.adapter.identity.account, chat, thread)

    @property
    def texts(self) -> list[str]:
        """What was committed."""
        return [inbound.text for inbound in self.link.committed]


@asynccontextmanager
async def app(*, run: bool = True, grid: Grid | None = None, **settings: Any) -> AsyncGenerator[App]:
    """Run a workspace with a person and a channel, and the adapter against it."""
    async with SlackServer(grid=grid) as server:
        server.person(PERSON, "Ada")
        server.person(OTHER, "Bob")
        server.channel(CHANNEL, "general", PERSON, OTHER)
        one = App(server, **settings)
        if run:
            one.run()
        try:
            yield one
        finally:
            await one.stop()
            await one.adapter.close()

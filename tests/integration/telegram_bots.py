"""What the tests of the Telegram adapter share: settings for a fake server, and an adapter that is closed again."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from gateway.platforms.telegram.adapter import TelegramAdapter
from gateway.platforms.telegram.settings import TelegramSettings
from kernel.clock import SystemClock
from kernel.messages import Address, Outbound
from tests.contract.harness import Recorder
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import BOT_ID

ANN = 7


def settings_for(server: TelegramServer, **fields: Any) -> TelegramSettings:
    """Return settings that point at a fake server."""
    quick = {"token": server.token, "api_base": server.url, "request_seconds": 2}
    return TelegramSettings.model_validate(quick | fields)


@asynccontextmanager
async def bot(server: TelegramServer, **fields: Any) -> AsyncGenerator[TelegramAdapter]:
    """Return an adapter that does not receive."""
    adapter = TelegramAdapter(settings_for(server, **fields), SystemClock())
    try:
        yield adapter
    finally:
        await adapter.close()


@asynccontextmanager
async def running(
    server: TelegramServer, link: Recorder | None = None, **fields: Any
) -> AsyncGenerator[tuple[TelegramAdapter, Recorder]]:
    """Run an adapter with a recorder at its other end."""
    link = link or Recorder()
    async with bot(server, **fields) as adapter:
        task = asyncio.create_task(adapter.run(link))
        try:
            yield adapter, link
        finally:
            task.cancel()
            await asyncio.wait([task])


async def ended(server: TelegramServer, link: Recorder | None = None, **fields: Any) -> None:
    """Run an adapter until it ends by itself, and raise what it raised."""
    async with bot(server, **fields) as adapter, asyncio.timeout(10):
        await adapter.run(link or Recorder())


def place(chat: int = ANN, thread: int | None = None) -> Address:
    """Return the address of a chat."""
    return Address("telegram", str(BOT_ID), str(chat), str(thread) if thread else None)


def owed(text: str, chat: int = ANN, **fields: Any) -> Outbound:
    """Return a message to a chat."""
    return Outbound(fields.pop("address", place(chat)), text, **fields)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

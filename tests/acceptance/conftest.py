"""What the acceptance tests share: a Telegram on loopback and a home of their own."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.telegram_server import TelegramServer


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """Run a Bot API server."""
    async with TelegramServer() as server:
        yield server

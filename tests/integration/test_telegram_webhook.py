"""Webhook mode: Telegram posts, and is answered only when the post is stored."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from kernel.errors import PlatformConflict, PlatformUnavailable
from tests.contract.harness import Recorder
from tests.fakes.telegram_server import TelegramServer, refusal
from tests.fakes.telegram_updates import Webhook
from tests.integration.telegram_bots import ANN, ended, free_port, running

SECRET = "shared-secret_1"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


def hook(port: int, **fields: Any) -> dict[str, Any]:
    """Return the settings of webhook mode on a port."""
    url = f"http://127.0.0.1:{port}/telegram/hook"
    return {"mode": "webhook", "webhook": {"url": url, "port": port, "secret": SECRET, **fields}}


@asynccontextmanager
async def listening(server: TelegramServer) -> AsyncGenerator[tuple[Recorder, str]]:
    """Run an adapter that Telegram posts to; return its recorder and its address."""
    settings = hook(free_port())
    async with running(server, **settings) as (_, link):
        await server.wait_for(lambda: server.updates.webhook)
        yield link, settings["webhook"]["url"]


async def test_posts_are_received_in_order_and_nothing_pending_is_dropped(server: TelegramServer) -> None:
    for number in range(10):
        server.user_says(ANN, f"message {number}")
    async with listening(server) as (link, _):
        await link.until_committed(10)
        await server.wait_for(lambda: not server.updates.pending)
    assert [inbound.text for inbound in link.committed] == [f"message {number}" for number in range(10)]
    assert server.updates.dropped == []
    (call,) = server.calls("setWebhook")
    assert call.params["max_connections"] == "1"
    assert call.params["drop_pending_updates"] == "false"


async def test_a_post_is_answered_only_after_its_commit(server: TelegramServer) -> None:
    async with listening(server) as (link, _):
        link.hold()
        server.user_says(ANN, "hello")
        await link.until_offered(1)
        assert len(server.updates.pending) == 1
        link.release()
        await server.wait_for(lambda: not server.updates.pending)


async def test_what_cannot_be_stored_is_posted_again(server: TelegramServer) -> None:
    async with listening(server) as (link, _):
        link.fail(2)
        server.user_says(ANN, "hello")
        await link.until_committed(1)
        await server.wait_for(lambda: not server.updates.pending)
    assert len({inbound.key for inbound in link.offered}) == 1
    assert any("disk is full" in state for state in link.states)


async def test_a_malformed_post_is_kept_and_answered(server: TelegramServer) -> None:
    async with listening(server) as (link, url):
        server.push_malformed()
        await server.wait_for(lambda: not server.updates.pending)
        async with httpx.AsyncClient() as client:
            assert (await client.post(url, content=b"{no json", headers={HEADER: SECRET})).status_code == 200
    assert len(link.quarantined) == 2


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1]])
async def test_a_post_without_the_secret_is_refused(server: TelegramServer, secret: str | None) -> None:
    async with listening(server) as (link, url), httpx.AsyncClient() as client:
        headers = {} if secret is None else {HEADER: secret}
        answer = await client.post(url, json={"update_id": 1}, headers=headers)
        assert answer.status_code == 403
        assert link.offered == []
        assert link.quarantined == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/telegram/hook", 404), ("POST", "/", 404), ("POST", "/telegram/hooks", 404)],
)
async def test_other_requests_find_nothing(
    server: TelegramServer, method: str, path: str, status: int
) -> None:
    async with listening(server) as (_, url), httpx.AsyncClient() as client:
        answer = await client.request(method, httpx.URL(url).join(path), headers={HEADER: SECRET})
        assert answer.status_code == status


async def test_a_post_that_is_too_long_is_refused(server: TelegramServer) -> None:
    async with listening(server) as (link, url), httpx.AsyncClient() as client:
        try:
            answer = await client.post(url, content=b"x" * (5 << 20), headers={HEADER: SECRET})
        except httpx.NetworkError:
            answer = None
        assert answer is None or answer.status_code == 413
        assert link.quarantined == []


async def test_a_visitor_who_speaks_no_http_is_shown_the_door(server: TelegramServer) -> None:
    async with listening(server) as (link, url):
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        server.user_says(ANN, "still here")
        await link.until_committed(1)


async def test_an_open_connection_does_not_hold_up_the_end(server: TelegramServer) -> None:
    async with listening(server) as (_, url):
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write(b"POST /telegram/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        await writer.drain()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_port_in_use_is_a_sentence(server: TelegramServer) -> None:
    with pytest.raises(PlatformUnavailable, match=r"webhook\.port"):
        await ended(server, **hook(server.port))


async def test_an_address_telegram_refuses_is_a_sentence(server: TelegramServer) -> None:
    server.fault("setWebhook", refusal(400, "Bad Request: bad webhook: IP address is reserved"))
    with pytest.raises(PlatformUnavailable, match="reserved"):
        await ended(server, **hook(free_port()))


async def test_a_webhook_taken_over_by_another_program_is_a_conflict(server: TelegramServer) -> None:
    task = asyncio.create_task(ended(server, **hook(free_port(), check_seconds=0.05)))
    await server.wait_for(lambda: server.updates.webhook)
    server.updates.set_webhook(Webhook("http://127.0.0.1:1/other"))
    with pytest.raises(PlatformConflict, match="took over"):
        await task


async def test_posts_that_do_not_arrive_are_noticed(server: TelegramServer) -> None:
    async with running(server, **hook(free_port(), check_seconds=0.05)) as (_, link):
        await server.wait_for(lambda: server.updates.webhook)
        assert server.updates.webhook is not None
        server.updates.webhook.secret = "wrong"
        server.user_says(ANN, "hello")
        async with asyncio.timeout(5):
            while not any("do not arrive" in state for state in link.states):  # noqa: ASYNC110 - states wake nobody
                await asyncio.sleep(0.02)

"""Two homes, two daemons on one machine: nothing of one works on the other."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

SECOND = "4343:BBHfake-token-of-the-second-bot_0123456789"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A home with its daemon and its bot."""

    daemon: Daemon
    telegram: TelegramServer


@pytest.fixture
async def tenants(tmp_path: Path) -> AsyncIterator[tuple[Tenant, Tenant]]:
    """Run two daemons with a bot each."""
    async with TelegramServer() as one, TelegramServer(token=SECOND) as two:
        first = Daemon(tmp_path / "one", quiet_settings(one, web={"enabled": True}))
        second = Daemon(tmp_path / "two", quiet_settings(two, web={"enabled": True}))
        async with first, second:
            await first.start()
            await second.start()
            yield Tenant(first, one), Tenant(second, two)
            assert await first.stop() == 0
            assert await second.stop() == 0
            assert first.findings() == second.findings() == []


def status(url: str, token: str) -> tuple[int, bytes]:
    """Ask a daemon's API for its status with a token."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request("GET", "/api/hermes/status", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


async def test_a_token_of_one_is_refused_by_the_other(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = (tenant.daemon.info for tenant in tenants)
    assert one.url != two.url
    assert (await ask(one.url, one.token))[0] == 200
    assert (await ask(two.url, two.token))[0] == 200
    assert (await ask(two.url, one.token))[0] == 401
    assert (await ask(one.url, two.token))[0] == 401


async def ask(url: str, token: str) -> tuple[int, bytes]:
    """Ask without holding up the servers of this process."""
    return await asyncio.to_thread(status, url, token)


async def test_words_rows_and_files_of_one_are_unknown_to_the_other(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    one.telegram.user_says(
        OWNER, "write plan.txt: the secret of one\nremember the password is apples\nsay noted"
    )
    await one.telegram.wait_for_text(OWNER, "noted", within=20)
    two.telegram.user_says(OWNER, "read plan.txt\nrecall password\nlist\nsay looked")
    answer = await two.telegram.wait_for_text(OWNER, "looked", within=20)
    assert "secret" not in answer.text
    assert "apples" not in answer.text
    two.telegram.user_says(OWNER, f"read {one.daemon.home.workspace / 'plan.txt'}\nsay tried")
    answer = await two.telegram.wait_for_text(OWNER, "tried", within=20)
    assert "the secret of one" not in answer.text
    for table in ("inbox", "outbox", "entry", "note", "session"):
        columns = [row["name"] for row in two.daemon.rows(f"SELECT name FROM pragma_table_info('{table}')")]  # noqa: S608
        found = two.daemon.rows(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608
        assert not any(
            "apples" in str(value) or "secret of one" in str(value) for row in found for value in row
        )


async def test_sessions_and_people_of_one_are_unknown_to_the_other(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    one.telegram.user_says(OWNER, "/title Only here")
    await one.telegram.wait_for_text(OWNER, "now called", within=20)
    two.telegram.user_says(OWNER, "/resume only")
    await two.telegram.wait_for_text(OWNER, "No conversation fits", within=20)
    assert len(two.telegram.history(OWNER)) == 2


async def test_the_commands_of_a_home_talk_to_its_own_daemon(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    code, words = await one.daemon.command("status", "--json")
    assert code == 0, words
    assert json.loads(words)["connections"]
    assert await two.daemon.stop() == 0
    code, words = await two.daemon.command("status")
    assert code != 0
    assert (await one.daemon.command("status"))[0] == 0


async def test_killing_one_disturbs_the_other_in_nothing(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    await one.daemon.kill()
    two.telegram.user_says(OWNER, "say alive")
    await two.telegram.wait_for_text(OWNER, "alive", within=20)
    await one.daemon.start()

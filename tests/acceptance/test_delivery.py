"""Delivery by the real daemon: the platform's own rate limits, floods, outages, and a lost receipt."""

import time
from pathlib import Path

import pytest

from tests.fakes.telegram_server import DropAfter, TelegramServer, flood, server_error
from tests.support.answers import Count, count
from tests.support.daemon import OWNER, Daemon, merged, quiet_settings


def busiest_second(moments: list[float]) -> int:
    """Return how many of the moments lie within one second."""
    return max(sum(0 <= later - at < 1.0 for later in moments) for at in moments)


async def test_with_the_platforms_own_limits_answers_arrive_and_the_limits_are_kept(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    one_by_one = {"access": {"open_to_everyone": ["telegram"]}, "sessions": {"on_message": "queue"}}
    settings = quiet_settings(telegram, **one_by_one)
    del settings["delivery"]
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        for chat in range(100, 130):
            telegram.user_says(chat, "say hello")
        for number in range(8):
            telegram.user_says(OWNER, f"say number {number}")
        await telegram.wait_for_text(OWNER, "number 7", within=30)
        for chat in range(100, 130):
            await telegram.wait_for_text(chat, "hello", within=30)
        sent = [call.at for call in telegram.calls("sendMessage") if call.raw.chat_id() == OWNER]
        assert busiest_second(sent) <= 4
        assert sent[-1] - sent[0] >= 4.5
        assert busiest_second([call.at for call in telegram.calls("sendMessage")]) <= 60
        assert [m.text for m in telegram.messages(OWNER)] == [f"number {n}" for n in range(8)]
        assert await daemon.stop() == 0
        assert daemon.findings() == []


@pytest.fixture
async def owned(tmp_path: Path, telegram: TelegramServer) -> Daemon:
    """Return a daemon that was not started."""
    return Daemon(tmp_path / "home", quiet_settings(telegram))


async def test_a_flood_is_waited_out_and_an_outage_too(owned: Daemon, telegram: TelegramServer) -> None:
    async with owned as daemon:
        await daemon.start()
        telegram.fault("sendMessage", flood(2))
        telegram.user_says(OWNER, "say first")
        begun = time.monotonic()
        await telegram.wait_for_text(OWNER, "first", within=20)
        assert time.monotonic() - begun >= 1.9
        telegram.fault("sendMessage", server_error())
        telegram.user_says(OWNER, "say second")
        await telegram.wait_for_text(OWNER, "second", within=20)
        assert [count(telegram, OWNER, word) for word in ("first", "second")] == [Count(1, 0), Count(1, 0)]
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_an_answer_whose_receipt_is_lost_comes_once_more_and_marked(
    owned: Daemon, telegram: TelegramServer
) -> None:
    async with owned as daemon:
        await daemon.start()
        telegram.fault("sendMessage", DropAfter())
        telegram.user_says(OWNER, "say hello to you")
        await telegram.wait_for(lambda: count(telegram, OWNER, "hello to you") == Count(1, 1), within=20)
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_person_who_blocks_the_bot_is_a_dead_letter_and_nobody_else_notices(
    owned: Daemon, telegram: TelegramServer
) -> None:
    owned.configure(merged(quiet_settings(telegram), {"access": {"open_to_everyone": ["telegram"]}}))
    async with owned as daemon:
        await daemon.start()
        telegram.user_says(50, "sleep 1\nsay hello")
        await telegram.wait_for(lambda: telegram.updates.confirmed, within=20)
        telegram.block(50)
        telegram.user_says(OWNER, "say hello")
        await telegram.wait_for_text(OWNER, "hello")
        await telegram.wait_for(
            lambda: any(c.status == 403 for c in telegram.calls("sendMessage")), within=20
        )
        assert await daemon.stop() == 0
        dead = daemon.rows("SELECT error FROM outbox WHERE state = 'dead'")
        assert "blocked" in dead[0]["error"]
        assert daemon.findings() == []

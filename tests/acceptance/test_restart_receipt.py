"""What the home channel is told of stops and starts, and how a stop in good order goes."""

import signal
import time
from pathlib import Path

import pytest

from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

LOUD = {"notices": {"start": True, "stop": True, "backlog_minutes": 0}}


@pytest.fixture
def daemon(tmp_path: Path, telegram: TelegramServer) -> Daemon:
    """Return a daemon that speaks of itself."""
    return Daemon(tmp_path / "home", quiet_settings(telegram, **LOUD))


async def test_an_orderly_restart_is_said_in_two_lines(daemon: Daemon, telegram: TelegramServer) -> None:
    async with daemon:
        await daemon.start()
        telegram.user_says(OWNER, "say hello")
        await telegram.wait_for_text(OWNER, "hello")
        assert await daemon.stop() == 0
        await telegram.wait_for_text(OWNER, "👋 Stopping.", within=2)
        await daemon.start()
        receipt = await telegram.wait_for_text(OWNER, "Hermes is running")
        assert receipt.text == "✅ Hermes is running."
        assert receipt.silent


async def test_after_a_kill_the_receipt_says_what_was_open_and_what_came_meanwhile(
    daemon: Daemon, telegram: TelegramServer
) -> None:
    async with daemon:
        await daemon.start()
        telegram.user_says(OWNER, "say hello")
        await telegram.wait_for_text(OWNER, "hello")
        telegram.user_says(OWNER, "say begun\nsleep 2\nsay and done")
        await telegram.wait_for(lambda: any("begun" in draft for draft in telegram.drafts(OWNER)), within=20)
        await daemon.kill()
        telegram.user_says(OWNER, "say meanwhile")
        await daemon.start()
        receipt = await telegram.wait_for_text(OWNER, "running again after an unclean stop")
        assert "1 interrupted turn: continuing" in receipt.text
        await telegram.wait_for_text(OWNER, "I was away from")
        await telegram.wait_for_text(OWNER, "and done", within=20)
        await telegram.wait_for_text(OWNER, "meanwhile", within=20)
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_stop_waits_for_the_running_turn_and_sends_its_answer(
    daemon: Daemon, telegram: TelegramServer
) -> None:
    async with daemon:
        await daemon.start()
        telegram.user_says(OWNER, "say begun\nsleep 2\nsay and done")
        await telegram.wait_for(lambda: any("begun" in draft for draft in telegram.drafts(OWNER)), within=20)
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGTERM)
        assert await daemon.ended() == 0
        assert any("and done" in message.text for message in telegram.messages(OWNER))
        assert daemon.findings() == []


async def test_a_stop_takes_no_longer_than_its_limit_and_the_turn_continues_afterwards(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = quiet_settings(telegram, turns={"drain_seconds": 1})
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "say begun\nsleep 5\nsay and done")
        await telegram.wait_for(lambda: any("begun" in draft for draft in telegram.drafts(OWNER)), within=20)
        begun = time.monotonic()
        assert await daemon.stop() == 0
        assert time.monotonic() - begun < 5
        await daemon.start()
        await telegram.wait_for_text(OWNER, "and done", within=20)
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_restart_by_command_comes_back_by_itself(daemon: Daemon, telegram: TelegramServer) -> None:
    async with daemon:
        await daemon.start()
        telegram.user_says(OWNER, "/restart")
        card = await telegram.wait_for_text(OWNER, "Restart Hermes?")
        telegram.tap(card, "Yes, /restart")
        await telegram.wait_for_text(OWNER, "Hermes is running", within=20)
        telegram.user_says(OWNER, "say back again")
        await telegram.wait_for_text(OWNER, "back again", within=20)
        assert daemon.text.count("is running.") == 2
        assert await daemon.stop() == 0


async def test_a_broken_configuration_keeps_the_last_good_one_and_says_so(
    daemon: Daemon, telegram: TelegramServer
) -> None:
    async with daemon:
        await daemon.start()
        good = daemon.home.config.read_text("utf-8")
        daemon.home.config.write_text(good + "\nturnz: {}\n", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        await daemon.says("The configuration is broken")
        telegram.user_says(OWNER, "/status")
        status = await telegram.wait_for_text(OWNER, "Configuration:", within=20)
        assert "turnz" in status.text
        assert await daemon.stop() == 0
        await daemon.start()
        telegram.user_says(OWNER, "say still here")
        await telegram.wait_for_text(OWNER, "still here", within=20)
        daemon.home.config.write_text(good, encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        await daemon.says("The configuration was read again")
        assert await daemon.stop() == 0

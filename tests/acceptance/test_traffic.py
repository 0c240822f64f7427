"""A short storm on every platform at once: drops, delays, duplicates, disorder, refusals; `make soak` has long ones."""

import asyncio
import random
import sys
from pathlib import Path

from tests.fakes.discord_server import DiscordServer
from tests.fakes.faults import DropAfter
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import Daemon, quiet_settings
from tests.support.traffic import DiscordTown, SlackTown, TelegramTown, Traffic

PROGRAM = Path(sys.executable).with_name("hermes")


async def audited(home: Path) -> tuple[int, str]:
    """Run ``hermes audit check``; return its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "audit",
        "check",
        env={"HERMES_HOME": str(home)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_storm_on_all_platforms_at_once_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with TelegramServer() as telegram, SlackServer() as slack, DiscordServer() as discord:
        traffic = Traffic([TelegramTown(telegram), SlackTown(slack), DiscordTown(discord)], people=12)
        async with Daemon(tmp_path / "home", quiet_settings(**traffic.settings())) as daemon:
            await daemon.start()
            await traffic.greet()
            await traffic.until_heard(within=60)
            await traffic.storm(random.Random(1), 150)
            await traffic.until_heard(within=45, dead=daemon.dead)
            assert await daemon.stop() == 0
            assert traffic.doubled() == []
            assert daemon.findings() == []
    code, said = await audited(tmp_path / "home")
    assert code == 0, said


async def test_a_growing_answer_whose_receipt_is_lost_is_one_message_on_every_platform_that_can_tell(
    tmp_path: Path,
) -> None:
    async with SlackServer() as slack, DiscordServer() as discord:
        traffic = Traffic([SlackTown(slack), DiscordTown(discord)], people=1)
        async with Daemon(tmp_path / "home", quiet_settings(**traffic.settings())) as daemon:
            await daemon.start()
            await traffic.greet()
            await traffic.until_heard(within=60)
            slack.fault("chat.postMessage", DropAfter())
            discord.fault("create_message", DropAfter())
            for town in range(2):
                await traffic.speak(town, 0, slowly=True)
            await traffic.until_heard(within=60)
            await daemon.quiet()
            told = [[text.strip() for text in town.told(0)] for town in traffic.towns]
            assert await daemon.stop() == 0
            assert told == [[f"word-{town}-0-0.", f"word-{town}-0-1."] for town in range(2)]
            assert daemon.findings() == []

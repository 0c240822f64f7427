"""Fifty thousand messages over twenty recorded seeds, on every platform at once, with faults and kills."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.acceptance.test_traffic import audited
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import Daemon, quiet_settings
from tests.support.traffic import DiscordTown, SlackTown, TelegramTown, Traffic

pytestmark = pytest.mark.soak

SEEDS = range(1, 21)
MESSAGES = 2_500
PEOPLE = 40
STORMS = 5


@pytest.mark.parametrize("seed", SEEDS)
async def test_faults_and_kills_on_all_platforms_at_once_lose_and_double_nothing(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with TelegramServer() as telegram, SlackServer() as slack, DiscordServer() as discord:
        traffic = Traffic([TelegramTown(telegram), SlackTown(slack), DiscordTown(discord)], PEOPLE)
        async with Daemon(tmp_path / "home", quiet_settings(**traffic.settings())) as daemon:
            await daemon.start()
            await traffic.greet()
            await traffic.until_heard(within=60)
            for storm in range(STORMS):
                await traffic.storm(chance, MESSAGES // STORMS, beat=0.2)
                if storm % 2:
                    await asyncio.sleep(chance.random())
                    await daemon.kill()
                    assert daemon.findings(grace=3600) == []
                    await daemon.start()
            await traffic.until_heard(within=300, dead=daemon.dead)
            assert await daemon.stop() == 0
            assert traffic.doubled() == []
            assert traffic.total >= MESSAGES
            assert daemon.findings() == []
    code, said = await audited(tmp_path / "home")
    assert code == 0, said

"""Long storms of kills and faults, each repeatable from its seed; `make soak` runs them."""

import asyncio
import random
from pathlib import Path

import pytest

from kernel.crashpoints import CRASHPOINTS
from tests.fakes.telegram_server import Delay, DropAfter, DropBefore, TelegramServer, flood, server_error
from tests.support.crowd import Crowd
from tests.support.daemon import Daemon, quiet_settings

pytestmark = pytest.mark.soak

EVERYBODY = {"access": {"open_to_everyone": ["telegram"]}}
POINTS = [point for point in CRASHPOINTS if point.startswith(("intake.", "turn.", "outbox."))]


@pytest.mark.parametrize("seed", range(10))
async def test_a_storm_of_kills_at_random_moments_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with (
        TelegramServer() as telegram,
        Daemon(tmp_path / "home", quiet_settings(telegram, **EVERYBODY)) as daemon,
    ):
        crowd = Crowd(telegram, 40)
        for kill in range(15):
            crowd.speak(2 * kill)
            await daemon.start()
            crowd.speak(2 * kill + 1)
            await crowd.until_heard(min(crowd.total, crowd.heard() + chance.randint(1, 60)), within=120)
            await asyncio.sleep(chance.random() / 10)
            await daemon.kill()
            assert daemon.findings(grace=3600) == []
        await daemon.start()
        await crowd.until_heard(crowd.total, within=300)
        assert await daemon.stop() == 0
        assert crowd.wrong() == {}
        assert daemon.findings() == []


@pytest.mark.parametrize("seed", range(10))
async def test_a_storm_of_crash_points_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with (
        TelegramServer() as telegram,
        Daemon(tmp_path / "home", quiet_settings(telegram, **EVERYBODY)) as daemon,
    ):
        crowd = Crowd(telegram, 20)
        for kill in range(20):
            await daemon.launch(f"{chance.choice(POINTS)}:{chance.randint(1, 20)}")
            crowd.speak(kill)
            try:
                await daemon.ended(within=10)
            except TimeoutError:
                await daemon.kill()
        await daemon.start()
        await crowd.until_heard(crowd.total, within=300)
        assert await daemon.stop() == 0
        assert crowd.wrong() == {}
        assert daemon.findings() == []


@pytest.mark.parametrize("seed", range(5))
async def test_a_storm_of_faults_on_the_wire_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    faults = [DropBefore(), DropAfter(), Delay(0.5), flood(1), server_error(), server_error(500)]
    async with (
        TelegramServer() as telegram,
        Daemon(tmp_path / "home", quiet_settings(telegram, **EVERYBODY)) as daemon,
    ):
        crowd = Crowd(telegram, 30)
        await daemon.start()
        for number in range(30):
            for _ in range(3):
                telegram.fault("sendMessage", chance.choice(faults), skip=chance.randint(0, 10))
            telegram.fault("getUpdates", chance.choice(faults), skip=1)
            crowd.speak(number)
            await asyncio.sleep(0.2)
        telegram.faults.clear()
        await crowd.until_heard(crowd.total, within=600)
        assert await daemon.stop() == 0
        assert crowd.wrong() == {}
        assert daemon.findings() == []

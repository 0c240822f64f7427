"""The daemon is killed again and again under load: every word is answered, none twice without the mark."""

import random
from pathlib import Path

from tests.fakes.telegram_server import TelegramServer
from tests.support.crowd import Crowd
from tests.support.daemon import Daemon, quiet_settings

EVERYBODY = {"access": {"open_to_everyone": ["telegram"]}}


async def test_nothing_is_lost_or_doubled_over_three_kills_under_load(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    crowd, chance = Crowd(telegram, 20), random.Random(7)
    async with Daemon(tmp_path / "home", quiet_settings(telegram, **EVERYBODY)) as daemon:
        for kill in range(3):
            crowd.speak(2 * kill)
            await daemon.start()
            crowd.speak(2 * kill + 1)
            await crowd.until_heard(crowd.heard() + chance.randint(1, 15))
            await daemon.kill()
        crowd.speak(99)
        await daemon.start()
        await crowd.until_heard(crowd.total)
        assert await daemon.stop() == 0
        assert crowd.wrong() == {}
        assert crowd.total == 140
        assert daemon.findings() == []


async def test_what_was_in_flight_at_a_kill_is_answered_and_so_is_what_came_meanwhile(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    crowd = Crowd(telegram, 50)
    async with Daemon(tmp_path / "home", quiet_settings(telegram, **EVERYBODY)) as daemon:
        await daemon.start()
        crowd.speak(1)
        await crowd.until_heard(15)
        await daemon.kill()
        crowd.speak(2)
        await daemon.start()
        await crowd.until_heard(100)
        assert await daemon.stop() == 0
        assert crowd.wrong() == {}
        assert daemon.findings() == []

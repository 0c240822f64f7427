"""At every step of telling of a job the real daemon is killed once; afterwards there is one job, one card, one end."""

from pathlib import Path

import pytest

from kernel.crashpoints import CRASHPOINTS
from tests.acceptance.test_walkaway import settings
from tests.support.daemon import Daemon
from tests.support.phones import hears, phone_on

POINTS = [point for point in CRASHPOINTS if point.startswith("walkaway.")]


@pytest.mark.parametrize("point", POINTS)
async def test_after_a_kill_there_is_one_job_with_one_card_and_it_ends_once(
    point: str, tmp_path: Path
) -> None:
    async with phone_on("telegram") as phone, Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start(point)
        await phone.command("/delegate milestone half way\nsubmit all of it")
        await daemon.died()
        await daemon.start()
        ended = await hears(phone, "✅ done: Task 1")
        card = await hears(phone, "✅ done\n\n", thread=ended.thread)
        assert card.labels == []
        await daemon.quiet()
        said = [one for one in phone.shown() if one.thread == ended.thread]
        assert len([one for one in said if one.text.startswith("🏁 half way")]) == 1
        assert len([one for one in said if one.text.startswith("✅ done: Task 1")]) == 1
        assert len([one for one in said if one.text.startswith("🚶 Task 1")]) == 1
        assert len([one for one in phone.shown() if "is under way" in one.text]) == 1
        assert [row["id"] for row in daemon.rows("SELECT id FROM task")] == [1]
        assert await daemon.stop() == 0
        assert daemon.findings() == []

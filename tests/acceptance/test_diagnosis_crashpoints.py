"""At every step of a diagnosis the real daemon is killed; afterwards there is one task, one request and one push."""

from pathlib import Path

import pytest

from kernel.crashpoints import CRASHPOINTS
from tests.acceptance.test_diagnosis import world
from tests.support.diagnosis import diagnosing, fixing
from tests.support.phones import approve, hears

POINTS = [point for point in CRASHPOINTS if point.startswith("diagnosis.")]
ASKING, PUSHING = POINTS[:4], POINTS[4:]
BEFORE_PUSH = "diagnosis.before_push"


@pytest.mark.timeout(180)
async def test_killed_at_every_step_a_diagnosis_goes_on_and_is_pushed_once(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        daemon, phone = here.daemon, here.phone
        case, create, tested, asked = ASKING
        await daemon.start(case)
        await phone.command("/diagnose fresh token in #bugs")
        await daemon.died()
        await daemon.start(create)
        here.model.script(*diagnosing(), *fixing())
        await here.tap("Which folder", "📁")
        await daemon.died()
        await daemon.start(tested)
        await here.tap("Diagnosis, task 1", "🔧 Fix it")
        await daemon.died()
        await daemon.start(asked)
        await daemon.died()
        await daemon.start(PUSHING[0])
        await approve(phone, "git push origin")
        await daemon.died()
        for point in PUSHING[1:]:
            await daemon.launch(point)
            await daemon.died()
        await daemon.start()
        await hears(phone, "Task 1 is done")
        await daemon.quiet()
        assert here.pushed().count("\n") == 1
        for said in ("Which folder", "Diagnosis, task 1", "Fix for task 1", "Task 1 is done"):
            assert len([one for one in phone.shown() if said in one.text]) == 1, said
        assert [row["state"] for row in daemon.rows("SELECT state FROM task")] == ["done"]
        assert [row["state"] for row in daemon.rows("SELECT state FROM approval")] == ["done"]
        assert await daemon.stop() == 0
        assert daemon.findings() == []


@pytest.mark.timeout(120)
async def test_whether_a_push_arrived_is_unknown_while_the_remote_is_away_and_found_out_later(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as here:
        daemon, phone = here.daemon, here.phone
        await daemon.start(BEFORE_PUSH)
        here.model.script(*diagnosing(), *fixing())
        await phone.command("/diagnose fresh token in #bugs")
        await here.tap("Which folder", "📁")
        await here.tap("Diagnosis, task 1", "🔧 Fix it")
        await approve(phone, "git push origin")
        await daemon.died()
        remote = here.repo.with_name("remote.git")
        away = remote.rename(remote.with_name("away.git"))
        await daemon.start()
        await hears(phone, "It is unknown whether hermes/fix-1 was pushed")
        away.rename(remote)
        assert here.pushed() == ""
        await here.tap("It is unknown whether", "🔁 Test and ask again")
        await hears(phone, "Task 1 is done")
        assert here.pushed().count("\n") == 1
        assert [row["state"] for row in daemon.rows("SELECT state FROM approval")] == ["done"]
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []

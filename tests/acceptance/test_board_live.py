"""The board of a real daemon as its operator sees it: what needs attention, and one dispatcher for one home."""

import asyncio
from pathlib import Path

from board.creating import Wanted, create
from board.failures import Extra, record_task_failure
from board.settings import BoardSettings
from board.working import Start, finish, start
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.tasks import AttemptOutcome, Brief, Used
from store import attempts
from store.attempts import Claim
from store.database import Database
from store.tasks import New
from store.units import Unit
from tests.support.daemon import Daemon, quiet_settings

NO_PAUSE = BoardSettings(first_wait=0.0)
LOCKED = 75
TIMEOUT, CRASH, SPAWN = AttemptOutcome.TIMED_OUT, AttemptOutcome.CRASHED, AttemptOutcome.SPAWN_FAILED
HISTORIES = (
    ("slow", [TIMEOUT] * 3),
    ("dies", [CRASH] * 4),
    ("mixed", [SPAWN] * 2 + [TIMEOUT] * 2),
    ("got there", [CRASH] * 3 + [AttemptOutcome.SUCCEEDED]),
)


def lived(tx: Unit, title: str, outcomes: list[AttemptOutcome]) -> None:
    """Let a task have had so many attempts."""
    id = create(tx, NO_PAUSE, Wanted(New(title, "manual", "", "simple", "cli"), Brief()), actor="cli").id
    for outcome in outcomes:
        epoch = attempts.claim_one(tx, id, Claim("hermes", "here", 60_000)).epoch
        if outcome is not SPAWN:
            start(tx, NO_PAUSE, id, epoch, Start(pid=1))
        if outcome is AttemptOutcome.SUCCEEDED:
            finish(tx, id, epoch, "at last", Used())
        else:
            record_task_failure(tx, NO_PAUSE, id, f"it {outcome}", outcome, extra=Extra(epoch))


async def test_four_tasks_of_which_three_need_attention(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(web={"enabled": True})) as daemon:
        await daemon.start()
        assert await daemon.stop() == 0
        database = await Database.open(daemon.home.database, clock=SystemClock(), bus=Bus())
        for title, outcomes in HISTORIES:
            await database.write(lived, title, outcomes)
        await database.close()
        await daemon.start()
        _, shown = await daemon.command("tasks")
        assert shown.splitlines()[:5] == [
            "!! 3 tasks need attention",
            "   1  Agent timeout x3: slow (hermes tasks log 1)",
            "   2  Agent crash x4: dies (hermes tasks log 2)",
            "   3  Agent timeout x4: mixed (hermes tasks log 3)",
            "",
        ]
        assert "got there" not in shown
        _, shown = await daemon.command("status")
        assert "Tasks: !! 3 tasks need attention." in shown
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_second_dispatcher_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    program = {"command": ["/bin/sh", "-c", "echo run >>runs; while [ ! -e enough ]; do sleep 0.05; done"]}
    settings = quiet_settings(web={"enabled": True}, board={"programs": {"once": program}})
    async with Daemon(tmp_path / "home", settings) as first:
        await first.start()
        await first.command("tasks", "create", "run once", "--lane", "process", "--assignee", "once")
        work = first.home.workspace
        async with asyncio.timeout(30):
            while not (work / "runs").exists():  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(0.05)
        code, told = await first.command("gateway")
        assert (code, "in use by a gateway" in told) == (LOCKED, True), told
        (work / "enough").touch()
        async with asyncio.timeout(30):
            while not first.rows("SELECT 1 FROM task WHERE state = 'done'"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        assert (work / "runs").read_text() == "run\n"
        assert len(first.rows("SELECT 1 FROM attempt")) == 1
        assert await first.stop() == 0
        assert first.findings() == []

"""Jobs of the real daemon: said in a chat, run on time, delivered there; nothing lost and nothing twice over kills."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

PATIENCE = 30.0
POINTS = (
    "cron.after_due",
    "cron.after_rows",
    "cron.after_claim",
    "cron.after_start",
    "cron.before_end",
    "cron.after_end",
    "cron.after_deliver",
)


async def eventually(look: Callable[[], Any], *, within: float = PATIENCE) -> Any:
    """Wait until another process's store shows something."""
    async with asyncio.timeout(within):
        while not (found := await asyncio.to_thread(look)):  # noqa: ASYNC110 - another process has no event for us
            await asyncio.sleep(0.1)
    return found


def fires(daemon: Daemon, name: str = "") -> list[tuple[str, str]]:
    """Return the states and results of the runs, in order."""
    rows = daemon.rows(
        "SELECT fire.state, result, error FROM fire JOIN schedule ON schedule.id = schedule_id"
        " WHERE ? IN ('', name) ORDER BY fire.id",
        name,
    )
    return [(row["state"], row["result"] or row["error"]) for row in rows]


async def test_a_reminder_comes_once_at_its_time(tmp_path: Path, telegram: TelegramServer) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "/remind in 2 seconds stretch your legs")
        await telegram.wait_for_text(OWNER, "I will remind you", within=PATIENCE)
        await telegram.wait_for_text(OWNER, "⏰ stretch your legs", within=PATIENCE)
        telegram.user_says(OWNER, "remind me in 1 second of nothing at all")
        await telegram.wait_for_text(OWNER, "⏰ of nothing at all", within=PATIENCE)
        await daemon.quiet()
        assert await daemon.stop() == 0
        said = [message.text for message in telegram.messages(OWNER)]
        assert sum("⏰ stretch" in text for text in said) == 1
        assert daemon.findings() == []


async def test_prompts_scripts_and_tasks_run_and_say_what_came_of_them(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        for line in (
            "/cron in 1 second | say good morning",
            "/cron script in 1 second | echo from a script",
            "/cron script in 1 second | true",
            "/cron script in 1 second | ls /nowhere/at/all",
            "/cron task in 1 second | say a task",
            "/cron after 'x' | y",
        ):
            telegram.user_says(OWNER, line)
        for text in (
            "good morning",
            "from a script",
            "failed: The script ended with 2",
            "is on the board",
            "no job",
        ):
            await telegram.wait_for_text(OWNER, text, within=PATIENCE)
        await eventually(
            lambda: len([state for state, _ in fires(daemon) if state in ("done", "failed")]) == 5
        )
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert sorted(state for state, _ in fires(daemon)) == ["done"] * 4 + ["failed"]
        said = [message.text for message in telegram.messages(OWNER)]
        assert not any("🗓" in text and "true" in text for text in said if "runs" not in text)
        assert daemon.findings() == []


# A reminder is done without being started.
@pytest.mark.parametrize(
    ("point", "kind"),
    [
        (point, kind)
        for point in POINTS
        for kind in ("reminder", "prompt", "script")
        if (point, kind) != ("cron.after_start", "reminder")
    ],
)
async def test_a_kill_at_any_point_loses_nothing_and_repeats_nothing(
    tmp_path: Path, telegram: TelegramServer, point: str, kind: str
) -> None:
    line = {
        "reminder": "/remind in 1 second wake up",
        "prompt": "/cron in 1 second | say wake up",
        "script": "/cron script in 1 second | echo wake up",
    }[kind]
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start(point)
        telegram.user_says(OWNER, line)
        await daemon.died()
        await daemon.start()
        lost = kind == "script" and point in ("cron.after_start", "cron.before_end")
        await telegram.wait_for_text(OWNER, "is unknown" if lost else "wake up", within=PATIENCE)
        over = ("done", "lost")
        await eventually(lambda: [one for one in fires(daemon) if one[0] in over])
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert [state for state, _ in fires(daemon)] == ["lost" if lost else "done"]
        said = [message.text for message in telegram.messages(OWNER)]
        told = [
            text for text in said if "wake up" in text and "Number" not in text and "remind you" not in text
        ]
        # What was on its way to the platform when the daemon died is sent again, marked.
        assert told
        assert len([text for text in told if "↻" not in text]) <= 1
        assert daemon.findings() == []


async def test_what_was_missed_is_made_up_once_and_told(tmp_path: Path, telegram: TelegramServer) -> None:
    settings = quiet_settings(telegram, cron={"late_seconds": 1})
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "/sethome")
        telegram.user_says(OWNER, "/remind in 3 seconds take the pill")
        await telegram.wait_for_text(OWNER, "I will remind you", within=PATIENCE)
        telegram.user_says(OWNER, "/cron script every 5s | echo tick")
        await telegram.wait_for_text(OWNER, "every 5 seconds", within=PATIENCE)
        await daemon.kill()
        await asyncio.sleep(13)
        await daemon.start()
        await telegram.wait_for_text(OWNER, "⏰ take the pill (due", within=PATIENCE)
        await telegram.wait_for_text(OWNER, "Times of jobs passed while I was away", within=PATIENCE)
        telegram.user_says(OWNER, "/cron pause 2")
        await telegram.wait_for_text(OWNER, "is paused", within=PATIENCE)
        await daemon.quiet()
        assert await daemon.stop() == 0
        instants = daemon.rows("SELECT schedule_id, instant, count(*) AS n FROM fire GROUP BY 1, 2")
        assert {row["n"] for row in instants} == {1}
        assert daemon.rows("SELECT 1 FROM fire WHERE state = 'missed' AND missed >= 1")
        assert daemon.findings() == []


async def test_a_risky_script_waits_for_its_owner_also_over_a_restart(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        victim = daemon.home.root / "workspace" / "victim.txt"
        victim.parent.mkdir(parents=True, exist_ok=True)
        victim.write_text("here")
        telegram.user_says(OWNER, "/cron script in 1 second | rm victim.txt && echo gone")
        card = await telegram.wait_for_text(OWNER, "rm victim.txt && echo gone\n", within=PATIENCE)
        await eventually(lambda: [state for state, _ in fires(daemon)] == ["waiting"])
        await daemon.kill()
        await daemon.start()
        telegram.tap(card, next(label for label in card.labels if "Approve" in label), user=OWNER)
        await telegram.wait_for_text(OWNER, "gone", within=PATIENCE)
        await eventually(lambda: [state for state, _ in fires(daemon)] == ["done"])
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert not victim.exists()
        assert daemon.findings() == []

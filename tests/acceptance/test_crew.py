"""An essay from words to a review by four agents, without a language model; and the same with the daemon killed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, quiet_settings

SETTINGS = quiet_settings(web={"enabled": True}, board={"first_wait": 0.1, "agent_at_once": 1})
OVER = "SELECT state FROM task WHERE id = 1 AND state IN ('done', 'failed', 'cancelled', 'blocked', 'needs_human')"
HANDOFFS = "SELECT seq FROM agent_handoff WHERE task_id = 1 ORDER BY seq"
CHAIN = [("researcher", "essayist"), ("essayist", "editor")]


async def create(daemon: Daemon) -> None:
    """Ask for an essay; the daemon may die of it."""
    await daemon.command(
        "tasks", "create", "On tides", "--template", "essay", "--description", "Why there are two a day"
    )


async def seen(daemon: Daemon, sql: str) -> Any:
    """Wait until a query finds a row in a copy of the store, and return it."""
    async with asyncio.timeout(50):
        while not (found := await asyncio.to_thread(daemon.rows, sql)):  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.1)
    return found[0]


async def over(daemon: Daemon) -> str:
    """Wait until the first task is over and return its state."""
    return (await seen(daemon, OVER))["state"]


async def replayed(daemon: Daemon, at: int) -> Any:
    """Return the essay as it was at an event (0: the last)."""
    return json.loads((await daemon.command("tasks", "replay", "1", "--at", str(at), "--json"))[1])


def check(daemon: Daemon) -> None:
    """The essay passed all hands once, was judged by another, and each agent earned for it once."""
    passed = daemon.rows("SELECT sender, receiver FROM agent_handoff WHERE task_id = 1 ORDER BY seq")
    assert [(one["sender"], one["receiver"]) for one in passed] == CHAIN
    (version,) = daemon.rows("SELECT * FROM submission WHERE task_id = 1")
    assert (version["author"], version["verdict"], version["decided_by"]) == (
        "editor",
        "approved",
        "reviewer",
    )
    awards = daemon.rows("SELECT agent, xp FROM award WHERE task_id = 1 ORDER BY agent")
    assert [one["agent"] for one in awards] == ["editor", "essayist", "researcher"]
    files = daemon.rows("SELECT DISTINCT name FROM artifact WHERE task_id = 1 ORDER BY name")
    assert [one["name"] for one in files] == ["draft-1.md", "final-1.md", "research-1.md"]
    assert daemon.findings() == []


async def test_an_essay_goes_through_four_hands_without_a_model(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", SETTINGS) as daemon:
        await daemon.start()
        await create(daemon)
        assert await over(daemon) == "done", daemon.text
        scenes = [await replayed(daemon, one["seq"]) for one in daemon.rows(HANDOFFS)]
        scenes.append(await replayed(daemon, 0))
        assert [one["snapshot"]["stage"] for one in scenes] == [1, 2, 2]
        assert [len(one["files"]) for one in scenes] == [1, 2, 3]
        spoken = [len(one["conversation"]) for one in scenes]
        assert spoken == sorted(set(spoken))
        assert "research-1.md" in scenes[0]["conversation"][0]
        assert "file draft-1.md version 1" in (await daemon.command("tasks", "handoff", "h1-2"))[1]
        assert await daemon.stop() == 0
        states = [
            one["kind"] for one in daemon.rows("SELECT kind FROM event WHERE subject = '1' ORDER BY seq")
        ]
        passed = [
            kind for kind in states if kind in ("task.research", "task.draft", "task.edit", "task.submit")
        ]
        assert passed == ["task.research", "task.draft", "task.edit", "task.submit"]
        check(daemon)


@pytest.mark.parametrize(
    ("point", "count"), [("task.after_end", 1), ("task.before_end", 3), ("task.after_claim", 4)]
)
async def test_a_pipeline_that_is_killed_goes_on_and_ends_once(
    point: str, count: int, tmp_path: Path
) -> None:
    async with Daemon(tmp_path / "home", SETTINGS) as daemon:
        await daemon.start(f"{point}:{count}")
        await create(daemon)
        await daemon.died()
        await daemon.start()
        assert await over(daemon) == "done", daemon.text
        assert await daemon.stop() == 0
        check(daemon)


async def test_what_an_agent_suggests_for_a_task_in_triage_is_confirmed_and_done(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", SETTINGS) as daemon:
        await daemon.start()
        await daemon.command("tasks", "create", "An essay on tides", "--triage")
        await seen(daemon, "SELECT 1 FROM event WHERE kind = 'task.suggest'")
        assert "hermes suggests: template essay" in (await daemon.command("tasks", "triage", "1"))[1]
        assert (await daemon.command("tasks", "triage", "1", "--accept"))[0] == 0
        assert await over(daemon) == "done", daemon.text
        assert await daemon.stop() == 0
        check(daemon)


async def test_a_task_in_words_that_are_not_understood_has_failed_and_waits_for_a_person(
    tmp_path: Path,
) -> None:
    async with Daemon(tmp_path / "home", SETTINGS) as daemon:
        await daemon.start()
        text = "say first\nwrite notes.txt"
        await daemon.command("tasks", "create", "Notes", "--description", text)
        assert await over(daemon) == "blocked", daemon.text
        assert "Write it as `write FILE: TEXT`" in (await daemon.command("tasks", "explain", "1"))[1]
        assert await daemon.stop() == 0
        (attempt,) = daemon.rows("SELECT state, error FROM attempt WHERE task_id = 1")
        assert attempt["state"] == "failed"
        assert "Line 2 of this task" in attempt["error"]

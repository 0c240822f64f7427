"""The real daemon is killed once at every step of a task; after a restart it ends, once, with all leases sound."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kernel.crashpoints import CRASHPOINTS
from tests.support.daemon import Daemon, quiet_settings

# Adds a line for each time it runs; fails where it is told to, once.
COUNTS = 'echo run >>"$0"; '
OVER = "SELECT state FROM task WHERE state IN ('done', 'failed', 'cancelled', 'blocked')"


@dataclass(frozen=True, slots=True)
class Story:
    """A task to be killed in the middle of: for a program (its script) or for an agent (its words).

    ``runs`` is how often the program may have run when all is over.
    """

    script: str = ""
    words: str = ""
    runs: tuple[int, ...] = (1,)
    answer: str = ""


QUICK = Story(script="exit 0")
AGENT = Story(words="milestone half way\nsay nearly\nsubmit all done")
STORIES: dict[str, list[Story]] = {
    "task.after_create": [QUICK, AGENT],
    # It had not begun: it is given back, counts for nobody, and runs once.
    "task.after_claim": [QUICK, AGENT],
    # A process that nobody knows is ended, and another one begins.
    "task.after_spawn": [Story(script="sleep 1", runs=(1, 2))],
    # The process outlives the daemon and is taken up; the agent's turn goes on from its journal.
    "task.after_start": [Story(script="sleep 1"), AGENT],
    "task.after_question": [Story(words="ask Shall I? | yes | no\nsubmit they said {answer}", answer="yes")],
    "task.before_end": [QUICK, AGENT],
    "task.after_end": [QUICK, AGENT],
    "task.after_failure": [Story(script='[ "$(wc -l <"$0")" -gt 1 ]', runs=(2,))],
}


def test_every_crash_point_of_the_board_has_its_story() -> None:
    assert set(STORIES) == {point for point in CRASHPOINTS if point.startswith("task.")}


def settings_for(story: Story, runs: Path) -> dict[str, Any]:
    """Return settings with the story's program."""
    command = ["/bin/sh", "-c", COUNTS + story.script, str(runs)]
    board = {"first_wait": 0.1, "programs": {"worker": {"command": command}}}
    return quiet_settings(web={"enabled": True}, board=board)


async def create(daemon: Daemon, story: Story) -> None:
    """Put the story's task on the board; the daemon may die of it."""
    options = (
        ["--lane", "process", "--assignee", "worker"] if story.script else ["--description", story.words]
    )
    await daemon.command("tasks", "create", "A job", *options)


async def over(daemon: Daemon) -> str:
    """Wait until the task is over and return its state."""
    async with asyncio.timeout(40):
        # Another process has no event for us.
        while not (found := await asyncio.to_thread(daemon.rows, OVER)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found[0]["state"]


CASES = [(point, number) for point, stories in STORIES.items() for number in range(len(stories))]


@pytest.mark.parametrize(("point", "number"), CASES)
async def test_after_a_kill_at_any_step_a_task_ends_once(point: str, number: int, tmp_path: Path) -> None:
    story, runs = STORIES[point][number], tmp_path / "runs"
    async with Daemon(tmp_path / "home", settings_for(story, runs)) as daemon:
        await daemon.start(point)
        await create(daemon, story)
        await daemon.died()
        await daemon.start()
        if story.answer:
            await answer(daemon, story.answer)
        assert await over(daemon) == "done", daemon.text
        assert await daemon.stop() == 0
        if story.script:
            assert len(runs.read_text().splitlines()) in story.runs
        (task,) = daemon.rows("SELECT * FROM task JOIN task_brief ON task_id = id")
        assert "done" in task["result"] or story.script or task["result"] == "they said yes"
        assert [one for one in daemon.findings() if one.invariant == "I6"] == []
        assert daemon.findings() == []


async def answer(daemon: Daemon, words: str) -> None:
    """Answer the open question as the page would."""
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(daemon.rows, "SELECT 1 FROM question WHERE state = 'open'"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    code, said = await daemon.command("tasks", "say", "1", words)
    assert code == 0, said

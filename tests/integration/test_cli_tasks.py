"""``hermes tasks …``: what each command shows, on one gateway whose offline operator carries the tasks out."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hermes.cli.main import main
from tests.support.daemon import Daemon, quiet_settings

Run = Callable[..., Awaitable[str]]
PROGRAMS = {
    "late": {"command": ["/bin/sh", "-c", "sleep 60"]},
    "dies": {"command": ["/bin/sh", "-c", "kill -9 $$"]},
}


@pytest.fixture
async def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Run]:
    """Return a function that runs a command line of `hermes tasks` and returns what it printed."""
    settings = quiet_settings(
        web={"enabled": True}, board={"first_wait": 0.0, "programs": PROGRAMS, "failure_limit": 4}
    )
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()

        async def run(*words: str, code: int = 0) -> str:
            ended = await asyncio.to_thread(main, ["--home", str(daemon.home.root), "tasks", *words])
            shown = capsys.readouterr()
            assert ended == code, shown
            return shown.out + shown.err

        yield run
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []
        assert daemon.rows("SELECT 1 FROM event WHERE kind = 'home.set'") == [], "a task's chat is no home"


async def shows(run: Run, words: str, *command: str) -> str:
    """Run a command until it shows the words."""
    async with asyncio.timeout(30):
        while words not in (out := await run(*command)):  # noqa: ASYNC110 - another process has no event for us
            await asyncio.sleep(0.05)
    return out


async def test_a_task_by_hand_is_made_changed_taken_moved_and_explained(run: Run) -> None:
    assert (
        await run() == "No task is unfinished. `hermes tasks list --state all` shows those that are over.\n"
    )
    made = await run(
        "create", "Tidy the importer", "--description", "split it", "--acceptance", "two files", "--lane", "manual",
        "--priority", "high", "--label", "shop", "--due", "2030-05-01 09:30", "--minutes", "90", "--tokens", "5000",
        "--dollars", "2.5", "--attempts", "3",
    )  # fmt: skip
    assert made == "Task 1 is open: Its dependencies are met; anyone able may take it.\n"
    assert (
        json.loads(await run("create", "Announce it", "--lane", "manual", "--needs", "1", "--json"))["state"]
        == "blocked"
    )
    assert "Say what to change." in await run("edit", "1", code=2)
    assert await run("edit", "1", "--title", "Split the importer", "--tokens", "6000") == made
    shown = await run("show", "1")
    for line in (
        "1  Split the importer",
        "description: split it",
        "done when: two files",
        "who: anybody in lane manual, priority high",
        "template: simple (in_progress)",
        "labels: shop",
        "due: 2030-05-01 09:30",
        "may use: 3 attempts, 1 h 30 min, 6,000 tokens, $2.50",
        "needed by: 2 Announce it (blocked)",
    ):
        assert f"\n{line}\n" in f"\n{shown}", line
    listed = (await run("list")).splitlines()
    assert listed[0].split() == ["id", "state", "priority", "who", "what"]
    assert [row.split()[:4] for row in listed[1:]] == [
        ["2", "blocked", "normal", "–"],
        ["1", "open", "high", "–"],
    ]
    assert (
        await run("list", "--words", "nowhere")
        == "No task is unfinished. `hermes tasks list --state all` shows those that are over.\n"
    )

    assert "Task 1 is assigned" in await run("assign", "1", "ada")
    assert await run("claim", "1") == "Task 1 is yours (attempt 1).\n"
    assert "cannot be taken" in await run("claim", "1", code=1)
    assert await run("comment", "1", "the key is in the vault") == "The comment is stored.\n"
    assert (await run("move", "1", "researching")).startswith("Task 1 is researching:")
    assert "\nIt waits for 1 task: 1 (researching).\n" in await run("explain", "2")
    assert (
        await run("link", "2", "1", "--remove")
        == "Task 2 is open: Its dependencies are met; anyone able may take it.\n"
    )
    assert (await run("link", "2", "1")).startswith("Task 2 is blocked:")
    assert "it waits for nothing any more" in await run("link", "1", "2", code=1)


async def test_a_task_that_waits_is_explained_given_back_withdrawn_and_counted(run: Run) -> None:
    await run("create", "Split the importer", "--lane", "manual")
    await run("create", "Announce it", "--lane", "manual", "--needs", "1")
    await run("claim", "1")
    await run("comment", "1", "the key is in the vault")
    assert (await run("move", "1", "done")).startswith("Task 1 is done:")
    shown = await run("show", "1")
    assert "the key is in the vault" in shown
    assert "\nattempts\n  1  " in shown
    assert (await run("move", "2", "blocked", "--reason", "needs a key", "--owner", "ada")).startswith(
        "Task 2 is blocked"
    )
    assert "waits for: ada: needs a key" in await run("show", "2")
    assert (await run("reclaim", "2")).startswith("Task 2 is open:")
    assert (await run("cancel", "2", "--reason", "not needed")).startswith("Task 2 is cancelled:")
    log = await run("log", "2")
    assert "task.create by cli" in log
    assert "task.cancel by cli" in log
    stats = await run("stats")
    assert stats.splitlines()[0].split() == ["state", "tasks"]
    assert ["done", "1"] in [line.split() for line in stats.splitlines()]
    assert "at work: 0; attempts that ended in the last day: " in stats
    board = await run("board")
    assert board.splitlines()[0].split("  ")[0] == "waiting (0)"
    assert "over (2)" in board
    assert "1 Split the i" in board
    assert "There is no task 9." in await run("show", "9", code=1)


async def test_a_running_task_is_tailed_talked_to_and_its_log_read(run: Run) -> None:
    await run("create", "walk", "--description", "milestone half way\nsleep 1\nsubmit all the way")
    tailed = await run("tail", "1")
    assert "task.milestone by hermes  half way\n" in tailed
    assert tailed.splitlines()[-1].partition("  ")[2].startswith("task.complete by ")
    log = await run("log", "1")
    assert "attempt.succeeded" in log
    assert "\nattempt 1\n" in log
    assert "task_submit" in log
    assert json.loads(await run("log", "1", "--json"))["epoch"] == 1
    shown = await run("show", "1")
    assert "\nmilestones\n" in shown
    assert "result: all the way" in shown
    assert "time: " in shown
    await run("create", "talk", "--description", "milestone begun\nsleep 30\nsubmit never said")
    await shows(run, "talk  (begun)", "list")
    assert await run("say", "2", "submit as you say") == "It is seen at the next step.\n"
    assert (await run("cancel", "2")).startswith("Task 2 is cancelled")


async def test_what_wants_attention_stands_above_the_list_with_the_way_on(run: Run) -> None:
    for name in ("dies", "gone"):
        await run("create", f"{name} again and again", "--lane", "process", "--assignee", name)
    shown = await shows(run, "Agent crash x4", "list")
    assert shown.splitlines()[0] == "!! 1 task needs attention"
    assert "   1  Agent crash x4: dies again and again (hermes tasks log 1)" in shown
    shown = await run("show", "1")
    assert "!! Agent crash x4: " in shown
    assert "waits for: operator: Given up after 4 failures in a row." in shown
    assert "!! Agent crash x4" in await run("explain", "1")
    assert "!! 1 task needs attention" in await run("board")
    assert json.loads(await run("list", "--json"))["findings"][0]["action"] == "log"
    assert "Nobody here works in lane process as gone." in await run("explain", "2")

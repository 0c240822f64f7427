"""A coding agent works on tasks of the board: in a worktree of its own, asked about, and judged by how it ends."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.test_coding_agents import profile
from tests.support.daemon import Daemon, quiet_settings

LANE = "acp:fake"


def repository(root: Path) -> Path:
    """Return a git repository with one commit."""
    root.mkdir()
    for words in (
        ("init", "-q", "-b", "main"),
        ("-c", "user.name=T", "-c", "user.email=t@x", "commit", "-q", "--allow-empty", "-m", "first"),
    ):
        subprocess.run(("git", *words), cwd=root, check=True)
    return root


def subjects(folder: Path, branch: str) -> list[str]:
    """Return the subjects of a branch's commits, the newest first."""
    words = ("git", "log", "--format=%s", branch)
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def read(path: str) -> str:
    """Return the text of a file."""
    return Path(path).read_text()


@asynccontextmanager
async def workshop(tmp_path: Path, **more: Any) -> AsyncGenerator[Daemon]:
    """Run a daemon whose board has the fake agent; people are asked on the page."""
    project = repository(tmp_path / "project")
    agents = profile(tmp_path, **more)
    agents["acp"]["gone"] = {"command": str(tmp_path / "nowhere"), "install": "npm install -g gone"}
    settings = quiet_settings(
        web={"enabled": True},
        agent=agents,
        board={"first_wait": 0.0, "failure_limit": 1},
        workspace={"projects": [str(project)]},
    )
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        yield daemon


async def create(daemon: Daemon, title: str, description: str, *options: str) -> None:
    """Put a task on the board; what the agent does are lines of their own, whatever frames the description."""
    description = f"Do this:\n{description}\nThat is all."
    code, told = await daemon.command(
        "tasks", "create", title, "--lane", LANE, "--description", description, *options
    )
    assert code == 0, told


async def seen(daemon: Daemon, sql: str, enough: Callable[[list[Any]], bool] = bool) -> list[Any]:
    """Read the daemon's store until the rows are enough."""
    async with asyncio.timeout(40):
        while not enough(found := list(daemon.rows(sql))):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
    return found


async def test_a_task_is_done_in_a_worktree_with_a_card_milestones_and_a_file(tmp_path: Path) -> None:
    async with workshop(tmp_path) as daemon:
        place = tmp_path / "place"
        place.mkdir()
        work = (
            "plan look!,build",
            "ran echo new > report.txt",
            "ran git add . && git -c user.name=F -c user.email=f@x commit -q -m reported",
            f"ask chmod 777 {place}",
            "say Wrote the report.",
            "say ::artifact report.txt",
            "say ::artifact ../../secret",
            "say ::milestone The report stands",
        )
        given = ("--project", str(tmp_path / "project"), "--workspace", "worktree")
        await create(daemon, "Report", "\n".join(work), *given)
        [asked] = await seen(daemon, "SELECT short, requester FROM approval WHERE state = 'pending'")
        await seen(daemon, "SELECT 1 FROM task WHERE state = 'needs_human'")
        await daemon.command("approvals", "approve", asked["short"])
        await seen(daemon, "SELECT 1 FROM task WHERE state = 'done'")
        _, shown = await daemon.command("tasks", "show", "1")
        result = shown.partition("result:")[2]
        assert "Wrote the report." in result
        assert "::artifact" not in result
        assert "../../secret was not handed over" in result
        assert place.stat().st_mode & 0o777 == 0o777
        milestones = [row["text"] for row in daemon.rows("SELECT text FROM milestone ORDER BY id")]
        assert "Plan: 1 of 2 done, next: build" in milestones
        assert "The report stands" in milestones
        assert any("reported" in text for text in milestones), milestones
        [kept] = daemon.rows("SELECT name, path FROM artifact")
        assert (kept["name"], read(kept["path"])) == ("report.txt", "new\n")
        assert not (tmp_path / "project" / "report.txt").exists()
        assert subjects(tmp_path / "project", "hermes/task-1-1") == ["reported", "first"]
        await daemon.quiet()
        assert daemon.findings() == []


async def test_each_way_in_which_it_ends_is_an_outcome(tmp_path: Path) -> None:
    async with workshop(tmp_path, silence=2.0) as daemon:
        await create(daemon, "dies", "say half\ndie")
        await create(daemon, "hangs", "hang")
        await create(daemon, "is not there", "say x", "--lane", "acp:gone")
        code, told = await daemon.command("tasks", "create", "x", "--lane", "acp:nobody")
        assert (code != 0, "There is no coding agent nobody" in told) == (True, True)
        blocked = "SELECT 1 FROM task WHERE state = 'blocked'"
        await seen(daemon, blocked, lambda rows: len(rows) == 3)
        found = {row["task_id"]: row for row in daemon.rows("SELECT task_id, state, error FROM attempt")}
        assert [found[task]["state"] for task in (1, 2, 3)] == ["crashed", "timed_out", "failed"]
        assert "out of cheese" in found[1]["error"]
        assert "no sign of life for 2 seconds" in found[2]["error"]
        assert "npm install -g gone" in found[3]["error"]
        assert daemon.findings() == []


async def test_an_attempt_goes_on_after_a_kill_of_the_daemon(tmp_path: Path) -> None:
    async with workshop(tmp_path) as daemon:
        await create(daemon, "long", "say begun\nwait")
        await seen(daemon, "SELECT 1 FROM mark WHERE name LIKE '%acp.session'")
        await daemon.kill()
        (tmp_path / "agent-state.json.then").write_text("say All done now.")
        await daemon.start()
        await seen(daemon, "SELECT 1 FROM task WHERE state = 'done'")
        _, shown = await daemon.command("tasks", "show", "1")
        assert "All done now." in shown, shown
        assert len(daemon.rows("SELECT 1 FROM attempt")) == 1
        await daemon.quiet()
        assert daemon.findings() == []

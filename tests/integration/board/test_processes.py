"""Attempts as real processes: their ends, their groups, their deaths, and daemons that come and go meanwhile."""

import asyncio
import os
import signal
from pathlib import Path

from board import deciding
from board.workers.marks import mark_of
from kernel.states import TaskState
from kernel.tasks import Workspace
from store import remarks
from tests.support.boardhouse import boardhouse, program

# A program with children and grandchildren, one of which leaves the group and ignores requests to end.
BROOD = """
(trap '' TERM; setsid sh -c 'trap "" TERM; echo $$ >deep; while :; do sleep 1; done') &
sh -c 'echo $$ >shallow; while :; do sleep 1; done' &
echo $$ >top
wait
"""


def alive(file: Path) -> bool:
    """Tell whether the process lives whose number a file holds."""
    return bool(mark_of(int(file.read_text())))


def text_of(path: str) -> str:
    """Return what is in a file."""
    return Path(path).read_text()


async def test_a_program_reads_its_task_and_its_result_is_kept(tmp_path: Path) -> None:
    script = 'cat >seen.json; echo working; printf "all tidy" >"$HERMES_TASK_RESULT"'
    async with boardhouse(tmp_path, programs={"tidy": program(script)}) as house:
        task = await house.add("tidy", description="tidy up", acceptance="no dust")
        await house.hears("task.complete", task)
        seen = (tmp_path / "workspace/seen.json").read_text()
        assert '"description": "tidy up"' in seen
        (attempt,) = await house.attempts(task.id)
        assert (attempt.state, text_of(attempt.log)) == ("succeeded", "working\n")
        row = await house.database.read(lambda q: q.one("SELECT result FROM task_brief"))
        assert row is not None
        assert row["result"] == "all tidy"


async def test_failures_are_counted_until_the_breaker_trips(tmp_path: Path) -> None:
    async with boardhouse(
        tmp_path, programs={"bad": program("echo broken; exit 3")}, failure_limit=3
    ) as house:
        task = await house.add("bad")
        await house.hears("task.gave_up", task)
        found = await house.task(task.id)
        assert (found.state, found.consecutive_failures) == (TaskState.BLOCKED, 3)
        assert found.last_failure_error == "Exit code 3: broken"


async def test_a_killed_program_is_a_crash(tmp_path: Path) -> None:
    async with boardhouse(tmp_path, programs={"dies": program("kill -9 $$")}, failure_limit=1) as house:
        task = await house.add("dies")
        await house.hears("attempt.crashed", task)
        assert "signal 9" in (await house.task(task.id)).last_failure_error


async def test_what_does_not_exist_is_a_spawn_failure_and_not_tried_again(tmp_path: Path) -> None:
    async with boardhouse(tmp_path, programs={"gone": {"command": ["no-such-program"]}}) as house:
        task = await house.add("gone")
        await house.hears("attempt.spawn_failed", task)
        await house.hears("task.block", task)
        found = await house.task(task.id)
        assert (found.last_failure_outcome, found.attempts) == ("spawn_failed", 1)


async def test_what_takes_too_long_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    async with boardhouse(tmp_path, programs={"brood": program(BROOD)}, failure_limit=1) as house:
        work = tmp_path / "workspace"
        task = await house.add("brood", max_run_ms=1_500)
        await house.hears("task.gave_up", task)
        assert (await house.attempts(task.id))[0].state == "timed_out"
        files = [work / name for name in ("top", "shallow", "deep")]
        await house.until(lambda: all(file.exists() and not alive(file) for file in files))


async def test_a_cancel_ends_a_process_group_and_leaves_no_orphans(tmp_path: Path) -> None:
    async with boardhouse(tmp_path, programs={"brood": program(BROOD)}) as house:
        files = [tmp_path / "workspace" / name for name in ("top", "shallow", "deep")]
        task = await house.add("brood")
        await house.until(lambda: all(file.exists() and file.read_text() for file in files))
        await house.board.cancel(task.id, actor="cli")
        await house.until(lambda: not any(alive(file) for file in files))
        assert (await house.attempts(task.id))[0].state == "cancelled"


async def test_a_stop_ends_processes_and_counts_as_nobodys_failure(tmp_path: Path) -> None:
    async with boardhouse(tmp_path, programs={"brood": program(BROOD)}) as house:
        files = [tmp_path / "workspace" / name for name in ("top", "shallow", "deep")]
        task = await house.add("brood")
        await house.until(lambda: all(file.exists() and file.read_text() for file in files))
        house.board.rest()
        await house.board.drain()
        # Who adopts what was killed takes a moment to bury it.
        await house.until(lambda: not any(alive(file) for file in files))
        found = await house.task(task.id)
        assert (found.state, found.consecutive_failures) == (TaskState.ASSIGNED, 0)


async def test_a_process_outlives_a_daemon_that_was_killed_and_the_next_one_takes_it_up(
    tmp_path: Path,
) -> None:
    programs = {"slow": program("echo $$ >pid; while [ ! -e go ]; do sleep 0.05; done; echo came through")}
    work = tmp_path / "workspace"
    async with boardhouse(tmp_path, drain=False, programs=programs) as house:
        task = await house.add("slow")
        await house.hears("attempt.start", task)
        await house.until((work / "pid").exists)
        for one in asyncio.all_tasks():
            # A killed daemon hears of nothing any more.
            if "_live" in repr(one):
                one.cancel()
    async with boardhouse(tmp_path, programs=programs) as house:
        assert house.board.found.going_on == 1
        (work / "go").touch()
        await house.hears("task.complete", task)
        assert len(await house.attempts(task.id)) == 1


async def test_a_process_that_died_with_the_daemon_is_lost_and_counted(tmp_path: Path) -> None:
    programs = {"slow": program("echo $$ >pid; while [ ! -e go ]; do sleep 0.05; done")}
    async with boardhouse(tmp_path, drain=False, programs=programs) as house:
        task = await house.add("slow")
        await house.hears("attempt.start", task)
        for one in asyncio.all_tasks():
            if "_live" in repr(one):
                one.cancel()
        (attempt,) = await house.attempts(task.id)
    os.killpg(attempt.pid, signal.SIGKILL)
    async with boardhouse(tmp_path, programs=programs) as house:
        assert house.board.found.repaired == 1
        (tmp_path / "workspace/go").touch()
        await house.hears("task.complete", task)
        first = (await house.attempts(task.id))[-1]
        assert first.state == "lost"


async def test_an_attempt_gets_a_worktree_of_its_own(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git = (
        "git init -q && git config user.email a@b.c && git config user.name A"
        " && git commit -q --allow-empty -m first"
    )
    made = await asyncio.create_subprocess_shell(git, cwd=project)
    assert await made.wait() == 0
    script = "git rev-parse --abbrev-ref HEAD; echo new >file"
    async with boardhouse(tmp_path, programs={"works": program(script)}) as house:
        task = await house.add("works", project=str(project), workspace=Workspace.WORKTREE)
        await house.hears("task.complete", task)
        (attempt,) = await house.attempts(task.id)
        assert text_of(attempt.log).strip() == f"hermes/task-{task.id}-1"
        # What is in no commit is never thrown away.
        assert text_of(f"{attempt.workspace}/file") == "new\n"
        assert not (project / "file").exists()


async def test_places_are_bounded_and_what_waits_is_begun_when_one_is_free(tmp_path: Path) -> None:
    script = 'while [ ! -e "go-$HERMES_TASK_ID" ]; do sleep 0.02; done'
    async with boardhouse(tmp_path, programs={"one": program(script, at_once=1)}) as house:
        first, second = await house.add("one"), await house.add("one")
        await house.hears("attempt.start", first)
        assert (await house.task(second.id)).state is TaskState.ASSIGNED
        (tmp_path / f"workspace/go-{first.id}").touch()
        await house.hears("attempt.start", second)
        (tmp_path / f"workspace/go-{second.id}").touch()
        await house.hears("task.complete", second)


async def test_what_is_unblocked_begins_by_itself(tmp_path: Path) -> None:
    async with boardhouse(tmp_path, programs={"quick": program("true", at_once=4)}) as house:
        first = await house.add("quick")
        second = await house.add("quick", needs=(first.id,))
        await house.hears("task.complete", second)


async def test_a_reclaim_takes_a_running_task_away_from_its_process(tmp_path: Path) -> None:
    script = 'echo $$ >"pid-$HERMES_TASK_EPOCH"; [ "$HERMES_TASK_EPOCH" = 2 ] || sleep 60'
    async with boardhouse(tmp_path, programs={"slow": program(script, at_once=2)}) as house:
        first = tmp_path / "workspace/pid-1"
        task = await house.add("slow")
        await house.until(lambda: first.exists() and bool(first.read_text()))
        await house.database.write(lambda tx: deciding.reclaim(tx, task.id, actor="cli"))
        await house.hears("task.complete", task)
        await house.until(lambda: not alive(first))
        assert [one.state for one in await house.attempts(task.id)] == ["succeeded", "released"]


async def test_lines_of_its_output_name_milestones_once_also_across_daemons(tmp_path: Path) -> None:
    script = """
    echo '::milestone read'; echo 'not ::milestone this'; echo '::milestone '
    while [ ! -e go ]; do sleep 0.1; done
    printf '::milestone written\\n::milestone cut off'"""
    programs = {"worker": program(script)}
    async with boardhouse(tmp_path, drain=False, programs=programs) as house:
        task = await house.add("worker")
        await house.hears("task.milestone", task)
    async with boardhouse(tmp_path, programs=programs) as house:
        (tmp_path / "workspace/go").touch()
        await house.hears("task.complete", task)
        told = await house.database.read(remarks.milestones, task.id)
        assert [(one.text, one.kind) for one in told] == [("read", "named"), ("written", "named")]

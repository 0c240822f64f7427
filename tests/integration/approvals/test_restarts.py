"""A restart between any two steps: one request, at most one execution, nothing unknown run again."""

import asyncio
import sys
from pathlib import Path

import pytest

from kernel.approvals import How, Outcome
from kernel.states import ApprovalState, ToolCallState
from store import approvals, invariants
from store.units import Query
from tests.support.gate import MINUTE, OWNER, house
from tests.support.kills import STORY, executions

PUSH = "git push --force"


async def test_a_request_survives_a_restart_and_its_old_button_works(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        asked = await home.hold(PUSH)
        await home.deliver()
    async with home.open():
        assert (await home.hold(PUSH, attempt=2)).id == asked.id
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.APPLIED
        assert (await home.service.wait(asked.id, 10, over=True)).state is ApprovalState.DONE
        assert len(home.caller.calls) == 1


async def test_what_ran_when_the_daemon_stopped_is_asked_about_and_never_run_again(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.caller.gate = asyncio.Event()
    async with home.open():
        asked = await home.hold(PUSH)
        await home.service.decide(asked.id, OWNER, How.ONCE)
        await home.caller.begun.wait()
        for task in asyncio.all_tasks():
            if task.get_name() == f"approval {asked.short}":
                task.cancel()
    home.caller.gate = None
    async with home.open():
        assert (await home.get(asked.id)).state is ApprovalState.UNKNOWN
        questions = [row.message.text for row in await home.owed() if "lost" in row.key]
        assert questions == [f"Did {asked.short} happen?"]

        def call(q: Query) -> str:
            return q.all("SELECT state FROM tool_call")[0]["state"]

        assert await home.database.read(call) == ToolCallState.UNKNOWN
        assert len(home.caller.calls) == 1
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.ALREADY
        verdict = await home.service.settle(asked.short, OWNER, happened=False, note="nothing arrived")
        assert verdict.outcome is Outcome.APPLIED
        (told,) = await home.told()
        assert "did not happen" in told
        assert "nothing arrived" in told
        again = await home.service.settle(asked.short, OWNER, happened=True)
        assert again.outcome is Outcome.ALREADY
        assert len(home.caller.calls) == 1


async def test_what_was_approved_and_not_begun_runs_after_the_restart(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        asked = await home.hold(PUSH)
        await home.database.write(
            lambda tx: approvals.move(
                tx, asked.id, "approve", decided_by=OWNER.id, decided_how="once", decided_at=tx.now
            )
        )
    async with home.open():
        assert (await home.service.wait(asked.id, 10, over=True)).state is ApprovalState.DONE
        assert len(home.caller.calls) == 1


async def test_what_was_approved_is_checked_again_before_it_runs_after_a_restart(tmp_path: Path) -> None:
    home = house(tmp_path)
    script = home.workspace / "deploy.sh"
    script.write_text("echo one\n")
    async with home.open():
        asked = await home.hold("bash deploy.sh")
        await home.database.write(
            lambda tx: approvals.move(
                tx, asked.id, "approve", decided_by=OWNER.id, decided_how="once", decided_at=tx.now
            )
        )
    script.write_text("echo two\n")
    async with home.open():
        await home.settled()
        assert (await home.get(asked.id)).state is ApprovalState.VOID
        assert home.caller.calls == []


async def test_an_approval_older_than_its_request_may_be_is_not_used(tmp_path: Path) -> None:
    home = house(tmp_path, expiry_hours=1)
    async with home.open():
        asked = await home.hold(PUSH)
        await home.database.write(
            lambda tx: approvals.move(
                tx, asked.id, "approve", decided_by=OWNER.id, decided_how="once", decided_at=tx.now
            )
        )
    home.clock.advance(61 * MINUTE)
    async with home.open():
        over = await home.service.wait(asked.id, 10, over=True)
        assert over.state is ApprovalState.EXPIRED
        assert home.caller.calls == []


async def run_story(root: Path, point: str) -> int:
    """Run the story in a process of its own and return its exit code; it continues where an earlier one ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.kills", str(root), point, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode in (0, -9), errors.decode()
    return process.returncode


@pytest.mark.parametrize("point", STORY)
async def test_a_kill_at_any_step_leaves_one_request_and_at_most_one_execution(
    tmp_path: Path, point: str
) -> None:
    house(tmp_path)
    assert await run_story(tmp_path, point) == -9
    for _ in range(2):
        assert await run_story(tmp_path, "") == 0
    ran, found = executions(tmp_path), await _requests(tmp_path)
    assert len(found) == 1
    unknown = point in ("approval.after_start", "approval.after_run")
    assert found[0] == (ApprovalState.UNKNOWN if unknown else ApprovalState.DONE)
    assert ran == (0 if point == "approval.after_start" else 1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert [str(item) for item in invariants.inspect(tmp_path / "hermes.db", scratch, before=0)] == []


async def _requests(root: Path) -> list[str]:
    home = house(root)
    home.session_id = home.turn_id = "known"
    async with home.open():

        def states(q: Query) -> list[str]:
            return [row["state"] for row in q.all("SELECT state FROM approval")]

        return await home.database.read(states)

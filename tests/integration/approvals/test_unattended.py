"""What runs without a turn, such as a scheduled job, and what programs may do with their requests: the same gate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from approvals.requests import Asker
from kernel.approvals import Action, Approval, How, Outcome, Runs
from kernel.errors import AccessDenied, NotFound, Stale
from kernel.risk import Tier
from kernel.states import ApprovalState
from store import approvals, grants
from store.units import Unit
from tests.support.gate import CHAT, DAY, MINUTE, OPERATOR, OWNER, PROGRAM, House, ManualClock, house

PUSH, DELETE = "git push --force", "rm notes.txt"
NIGHTLY = Asker("cron:nightly", OWNER.id, CHAT, call_key="nightly:1")


def nothing(_tx: Unit, _asked: Approval) -> None:
    """Store nothing beside a request."""


async def attend(
    home: House, command: str, *, refuse: bool = False, asker: Asker = NIGHTLY
) -> Action | Approval:
    """Let a job be about to run a command."""
    return await home.service.attend(asker, home.action(command), refuse=refuse, also=nothing)


async def asked(home: House, command: str = DELETE) -> Approval:
    """Let a job run a command that is asked about; return the request."""
    found = await attend(home, command)
    assert isinstance(found, Approval)
    return found


async def test_a_job_that_only_reads_runs_unasked(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        assert isinstance(await attend(home, "git status"), Action)
        assert await home.owed() == []


async def test_a_risky_job_waits_for_a_person_and_runs_once_here(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        waiting = await asked(home, PUSH)
        assert (waiting.tier, waiting.requester, waiting.runs) == (Tier.HIGH, "cron:nightly", Runs.HERE)
        assert len(await home.owed()) == 1
        assert (await home.service.decide(waiting.short, OWNER, How.ONCE)).outcome is Outcome.APPLIED
        assert (await home.service.wait(waiting.id, 10, over=True)).state is ApprovalState.DONE
        assert [call.action.text for call in home.caller.calls] == [PUSH]


async def test_what_belongs_to_a_jobs_request_is_stored_with_it(tmp_path: Path) -> None:
    def broken(_tx: Unit, _asked: Approval) -> None:
        raise Stale("The job is gone.")

    async with house(tmp_path).open() as home:
        with pytest.raises(Stale):
            await home.service.attend(NIGHTLY, home.action(PUSH), refuse=False, also=broken)
        assert await home.database.read(approvals.waiting, 10) == []


async def test_what_would_wreck_the_machine_is_refused_at_night_too(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        with pytest.raises(AccessDenied, match="never runs"):
            await attend(home, "rm -rf /")


async def test_a_job_that_may_not_ask_is_refused_and_told_why(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        with pytest.raises(AccessDenied, match="Nobody is here"):
            await attend(home, DELETE, refuse=True)
    async with house(tmp_path / "other", unattended="refuse").open() as home:
        with pytest.raises(AccessDenied, match="Nobody is here"):
            await attend(home, DELETE)
        assert await home.owed() == []


async def test_in_the_mode_deny_no_job_asks(tmp_path: Path) -> None:
    async with house(tmp_path, mode="deny").open() as home:
        with pytest.raises(AccessDenied, match="at present"):
            await attend(home, DELETE)


async def test_a_trusted_job_is_recorded_and_high_is_asked_all_the_same(tmp_path: Path) -> None:
    until = datetime.fromtimestamp(ManualClock().now() / 1000, UTC) + timedelta(hours=1)
    async with house(tmp_path, mode="trust", trust_until=until).open() as home:
        assert isinstance(await attend(home, DELETE), Action)
        (trusted,) = [event for event in home.events if event.kind == "gate.trust"]
        assert (trusted.actor, trusted.body["tier"]) == ("cron:nightly", "medium")
        await asked(home, PUSH)


async def test_a_permission_for_good_lets_a_job_pass_and_counts_its_use(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        first = await home.hold(DELETE)
        await home.service.decide(first.id, OWNER, How.ALWAYS)
        await home.service.wait(first.id, 10, over=True)
        assert isinstance(await attend(home, DELETE), Action)
        (grant,) = await home.database.read(grants.listed, home.clock.now())
        assert grant.uses == 1
        used = next(event for event in home.events if event.kind == "grant.use")
        assert used.actor == "cron:nightly"
        await home.service.revoke(grant.id, OWNER)
        await asked(home, DELETE)


async def test_a_permission_for_one_session_lets_no_job_pass(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        first = await home.hold(DELETE)
        await home.service.decide(first.id, OPERATOR, How.SESSION)
        await home.service.wait(first.id, 10, over=True)
        await asked(home, DELETE)


async def test_a_job_nobody_answers_expires_as_a_refusal(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        waiting = await asked(home, PUSH)
        home.clock.advance(8 * DAY)
        await home.settled()
        assert (await home.get(waiting.id)).state is ApprovalState.EXPIRED
        assert home.caller.calls == []


async def test_in_the_mode_deny_no_program_asks(tmp_path: Path) -> None:
    async with house(tmp_path, mode="deny").open() as home:
        with pytest.raises(AccessDenied, match="at present"):
            await home.service.ask(PROGRAM, home.action(PUSH))


async def test_an_approval_that_was_not_used_in_time_is_no_more(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        waiting = await home.service.ask(PROGRAM, home.action(PUSH), timeout_ms=MINUTE)
        await home.service.decide(waiting.id, OWNER, How.ONCE)
        home.clock.advance(MINUTE)
        with pytest.raises(Stale, match="time is over"):
            await home.service.consume(waiting.id, PROGRAM)
        assert (await home.get(waiting.id)).state is not ApprovalState.RUNNING


async def test_a_script_that_changed_is_not_handed_to_its_program_and_is_asked_anew(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.workspace.mkdir(parents=True, exist_ok=True)
    script = home.workspace / "backup.sh"
    script.write_text("echo one\n")
    async with home.open():
        waiting = await home.service.ask(PROGRAM, home.action("bash backup.sh"))
        await home.service.decide(waiting.id, OWNER, How.ONCE)
        script.write_text("echo two\n")
        with pytest.raises(Stale, match="Not run"):
            await home.service.consume(waiting.id, PROGRAM)
        assert (await home.get(waiting.id)).state is ApprovalState.VOID
        (again,) = await home.database.read(approvals.waiting, 10)
        assert again.supersedes == waiting.id


async def test_a_program_takes_its_own_request_back_and_nobody_elses(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        waiting = await home.service.ask(PROGRAM, home.action(PUSH))
        agents = await home.hold(DELETE)
        with pytest.raises(AccessDenied, match="Only the program that asked"):
            await home.service.withdraw(agents.id, PROGRAM, "not mine")
        gone = await home.service.withdraw(waiting.id, PROGRAM, "no longer needed")
        assert gone.state is ApprovalState.CANCELLED
        assert (await home.service.decide(waiting.id, OWNER, How.ONCE)).outcome is not Outcome.APPLIED
        with pytest.raises(AccessDenied):
            await home.service.report(agents.id, PROGRAM, "done", 0)


async def test_who_opened_a_request_is_recorded_and_an_unknown_one_is_said_to_be(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        waiting = await home.hold(PUSH)
        await home.service.viewed(waiting.short, "token:phone")
        assert [event.actor for event in home.events if event.kind == "approval.view"] == ["token:phone"]
        with pytest.raises(NotFound, match="There is no request zzzzz"):
            await home.service.viewed("zzzzz", "token:phone")


async def test_a_permission_revoked_in_the_same_moment_lets_nothing_pass(tmp_path: Path) -> None:
    """The permission is found, then revoked, and only then used: the use fails and a person is asked."""
    async with house(tmp_path).open() as home:
        first = await home.hold(DELETE)
        await home.service.decide(first.id, OWNER, How.ALWAYS)
        await home.service.wait(first.id, 10, over=True)
        (grant,) = await home.database.read(grants.listed, home.clock.now())
        await home.database.write(grants.revoke, grant.id, actor=OWNER.id)
        with pytest.raises(Stale):
            await home.database.write(
                grants.use, grant, actor=OWNER.id, digest="", turn_id=home.turn_id, call_key="call-2"
            )
        await home.hold(DELETE, "call-3")

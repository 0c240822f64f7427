"""Decisions: who may take them, which one counts, and what the one who tapped is told."""

import asyncio
from pathlib import Path

import pytest

from kernel.approvals import Approval, How, Outcome, Reach, Verdict
from kernel.errors import AccessDenied, Stale
from kernel.messages import OutboundKind
from kernel.people import Principal, Role
from kernel.risk import Tier
from kernel.states import ApprovalState, QuestionState, ToolCallState, TurnState
from store import approvals, grants, questions, sessions, turns
from store.questions import Question
from store.turns import Ending
from store.units import Query, Unit
from tests.support.gate import CHAT, DECIDER, OPERATOR, OWNER, PROGRAM, USER, House, house

PUSH = "git push --force"


async def finished(home: House, asked: Approval) -> Approval:
    """Return a request when nothing is left to happen."""
    return await home.service.wait(asked.id, 10, over=True)


async def approve(home: House, asked: Approval, how: How = How.ONCE) -> Approval:
    """Let the owner approve, and wait for the result."""
    verdict = await home.service.decide(asked.short, OWNER, how)
    assert verdict.outcome is Outcome.APPLIED, verdict.sentence
    return await finished(home, asked)


async def suspend(home: House, asked: Approval) -> None:
    """Let the turn that asked end."""
    ending = Ending(home.turn_id, "suspend", "finish", day="2027-01-15", held=(asked.id,))
    await home.database.write(turns.end, ending)


async def test_an_approved_action_runs_once_with_exactly_what_was_shown(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        await suspend(home, asked)
        done = await approve(home, asked)
        assert (done.state, done.result, done.exit_code) == (ApprovalState.DONE, "all well", 0)
        assert (done.decided_by, done.decided_name, done.decided_how) == (OWNER.id, "Ada", "once")
        assert [call.action for call in home.caller.calls] == [asked.action]
        assert home.caller.calls[0].arguments == {"command": PUSH}
        assert home.caller.calls[0].behalf == OWNER.id


async def test_the_result_starts_the_turn_that_continues_and_settles_the_one_that_waited(
    tmp_path: Path,
) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        await suspend(home, asked)
        await approve(home, asked)
        (told,) = await home.told()
        assert "all well" in told
        assert "Approved by Ada" in told
        assert "Exit code 0" in told
        turn = await home.database.read(turns.get, home.turn_id)
        assert turn is not None
        assert turn.state is TurnState.DONE

        def call(q: Query) -> str:
            return q.all("SELECT state FROM tool_call")[0]["state"]

        assert await home.database.read(call) == ToolCallState.DONE


@pytest.mark.parametrize("question_first", [True, False], ids=["question first", "approval first"])
async def test_a_turn_that_waits_for_an_answer_and_a_decision_settles_with_the_last(
    tmp_path: Path, *, question_first: bool
) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        words = ("q_1", "q1", home.session_id, home.turn_id, "Which branch?")
        question = Question(*words, (), QuestionState.OPEN, "", "")
        await home.database.write(questions.ask, question, "call-2")
        ending = Ending(home.turn_id, "suspend", "finish", day="2027-01-15", held=(asked.id, question.id))
        await home.database.write(turns.end, ending)

        async def answered() -> None:
            await home.database.write(_answer, question.id, home.turn_id)

        async def approved() -> None:
            await approve(home, asked)

        first, last = (answered, approved) if question_first else (approved, answered)
        await first()
        assert await _state(home) is TurnState.SUSPENDED
        await last()
        assert await _state(home) is TurnState.DONE


def _answer(tx: Unit, question: str, turn_id: str) -> None:
    questions.answer(tx, question, "main", actor=OWNER.id)
    turns.settle(tx, turn_id)


async def _state(home: House) -> TurnState:
    turn = await home.database.read(turns.get, home.turn_id)
    assert turn is not None
    return turn.state


async def test_a_decision_while_the_agent_still_talks_leaves_no_turn_waiting(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        await approve(home, asked)
        await suspend(home, asked)
        turn = await home.database.read(turns.get, home.turn_id)
        assert turn is not None
        assert turn.state is TurnState.DONE


async def test_two_who_decide_at_once_one_counts_and_the_other_is_told_who_it_was(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        one, two = await asyncio.gather(
            home.service.decide(asked.id, OWNER, How.ONCE),
            home.service.decide(asked.id, OPERATOR, How.REFUSE),
        )
        assert {one.outcome, two.outcome} == {Outcome.APPLIED, Outcome.ALREADY}
        late = one if one.outcome is Outcome.ALREADY else two
        winner = "Ben" if late is one else "Ada"
        assert winner in late.sentence
        assert "2027-01-15" in late.sentence
        over = await finished(home, asked)
        assert len(home.caller.calls) == (over.state is ApprovalState.DONE)


async def test_ten_taps_on_one_button_run_it_once(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        verdicts = await asyncio.gather(*(home.service.decide(asked.id, OWNER, How.ONCE) for _ in range(10)))
        await finished(home, asked)
        outcomes = [verdict.outcome for verdict in verdicts]
        assert outcomes.count(Outcome.APPLIED) == 1
        assert outcomes.count(Outcome.ALREADY) == 9
        assert len(home.caller.calls) == 1
        assert home.kinds("approval.start") == ["approval.start"]
        assert home.kinds("approval.tap") == ["approval.tap"] * 9


async def test_a_refusal_reaches_the_agent_with_its_reason(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        await home.deliver()
        verdict = await home.service.decide(asked.short, OPERATOR, How.REFUSE, reason="use a branch")
        assert (verdict.outcome, verdict.sentence) == (Outcome.APPLIED, "Refused.")
        (told,) = await home.told()
        assert "use a branch" in told
        assert "did not run" in told
        assert home.caller.calls == []
        edits = [row for row in await home.owed() if row.message.kind is OutboundKind.EDIT]
        assert [edit.message.text for edit in edits] == ["refused"]


@pytest.mark.parametrize(
    ("principal", "words"),
    [
        (USER, "operators and owners"),
        (Principal("telegram:9", Role.NONE), "operators and owners"),
        (PROGRAM, "approvals:decide"),
        (Principal("token:old", Role.OWNER), "approvals:decide"),
    ],
)
async def test_who_may_not_decide_is_told_so_and_it_is_recorded(
    tmp_path: Path, principal: Principal, words: str
) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        verdict = await home.service.decide(asked.id, principal, How.ONCE)
        assert verdict.outcome is Outcome.NOT_YOURS
        assert words in verdict.sentence
        tap = next(event for event in home.events if event.kind == "approval.tap")
        assert (tap.actor, tap.body["outcome"]) == (principal.id, "not_yours")
        assert (await home.get(asked.id)).open


async def test_a_token_with_the_scope_decides(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        assert (await home.service.decide(asked.id, DECIDER, How.ONCE)).outcome is Outcome.APPLIED
        await finished(home, asked)


async def test_only_named_approvers_decide_where_there_are_some(tmp_path: Path) -> None:
    async with house(tmp_path, approvers=("telegram:2",)).open() as home:
        asked = await home.hold(PUSH)
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.NOT_YOURS
        assert (await home.service.decide(asked.id, OPERATOR, How.ONCE)).outcome is Outcome.APPLIED
        await finished(home, asked)


async def test_whoever_asks_never_decides(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.service.ask(DECIDER, home.action(PUSH))
        verdict = await home.service.decide(asked.id, DECIDER, How.ONCE)
        assert verdict.outcome is Outcome.NOT_YOURS
        assert "yourself" in verdict.sentence
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.APPLIED


async def test_an_unknown_name_reaches_nothing(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        assert (await home.service.decide("zzzzz", OWNER, How.ONCE)).outcome is Outcome.UNKNOWN


async def test_high_risk_is_never_permitted_by_pattern(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        for how in (How.SESSION, How.ALWAYS):
            assert (await home.service.decide(asked.id, OWNER, how)).outcome is Outcome.NOT_POSSIBLE
        assert (await home.get(asked.id)).open


async def test_a_permission_lets_the_very_same_pass_and_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold("rm notes.txt")
        await approve(home, asked, How.ALWAYS)
        assert await home.run("rm notes.txt", "call-2") is not None
        await home.hold("rm notes.txt other.txt", "call-3")
        home.environment = (("LC_ALL", "C"),)
        await home.hold("rm notes.txt", "call-4")
        home.environment = ()
        (grant,) = await home.database.read(grants.listed, home.clock.now())
        assert (grant.uses, grant.tier, grant.reach, grant.session_id) == (1, Tier.MEDIUM, Reach.EXACT, "")
        assert "rm notes.txt" in grant.pattern
        used = next(event for event in home.events if event.kind == "grant.use")
        assert used.body["call"] == "call-2"


async def test_a_revoked_or_expired_permission_lets_nothing_pass(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        await approve(home, await home.hold("rm notes.txt"), How.ALWAYS)
        (grant,) = await home.database.read(grants.listed, home.clock.now())
        with pytest.raises(AccessDenied):
            await home.service.revoke(grant.id, OPERATOR)
        await home.service.revoke(grant.id, OWNER)
        with pytest.raises(Stale):
            await home.service.revoke(grant.id, OWNER)
        await approve(home, await home.hold("rm notes.txt", "call-2"), How.ALWAYS)
        home.clock.advance(31 * 86_400_000)
        await home.hold("rm notes.txt", "call-3")


async def test_a_session_permission_ends_with_the_session(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        verdict = await home.service.decide((await home.hold("rm notes.txt")).id, OPERATOR, How.SESSION)
        assert verdict.outcome is Outcome.APPLIED
        assert verdict.approval is not None
        await finished(home, verdict.approval)
        assert await home.run("rm notes.txt", "call-2") is not None
        (grant,) = await home.database.read(grants.listed, home.clock.now(), session_id=home.session_id)
        assert await home.database.write(grants.revoke_of_session, home.session_id, actor="x") == 1
        assert grant.session_id == home.session_id
        await home.hold("rm notes.txt", "call-3")


async def test_an_operator_cannot_allow_for_good(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold("rm notes.txt")
        assert (await home.service.decide(asked.id, OPERATOR, How.ALWAYS)).outcome is Outcome.NOT_POSSIBLE
        wide = await home.service.decide(asked.id, OWNER, How.ALWAYS, reach=Reach.TARGET)
        assert wide.outcome is Outcome.NOT_POSSIBLE


async def test_a_changed_script_makes_the_approval_void_and_asks_anew(tmp_path: Path) -> None:
    home = house(tmp_path)
    script = home.workspace / "deploy.sh"
    script.write_text("echo one\n")
    async with home.open():
        asked = await home.hold("bash deploy.sh")
        assert dict(asked.action.inputs).keys() >= {str(script), "/usr/bin/bash"}
        script.write_text("echo two\n")
        verdict = await home.service.decide(asked.id, OWNER, How.ONCE)
        assert verdict.outcome is Outcome.DRIFTED
        assert "deploy.sh has changed" in verdict.sentence
        assert verdict.replacement is not None
        assert verdict.replacement.supersedes == asked.id
        assert (await home.get(asked.id)).state is ApprovalState.VOID
        late = await home.service.decide(asked.id, OWNER, How.ONCE)
        assert late.outcome is Outcome.SUPERSEDED
        assert late.replacement is not None
        assert late.replacement.id == verdict.replacement.id
        assert home.caller.calls == []
        done = await approve(home, verdict.replacement)
        assert done.state is ApprovalState.DONE
        latest = await home.database.read(approvals.of_call, home.turn_id, "call-1")
        assert latest is not None
        assert latest.id == verdict.replacement.id


async def test_what_a_pipe_brings_to_a_risky_command_is_bound_as_well(tmp_path: Path) -> None:
    home = house(tmp_path)
    shown = home.workspace / "deploy.yaml"
    shown.write_text("kind: Pod\n")
    notes = home.workspace / "notes.md"
    notes.write_text("one\n")
    async with home.open():
        asked = await home.hold(f"cat {shown.name} | xargs rm")
        shown.write_text("kind: Secret\n")
        verdict = await home.service.decide(asked.id, OWNER, How.ONCE)
        assert verdict.outcome is Outcome.DRIFTED
        assert "deploy.yaml has changed" in verdict.sentence
        apart = await home.hold(f"cat {notes.name}; {PUSH}", "call-2")
        notes.write_text("two\n")
        assert (await home.service.decide(apart.id, OWNER, How.ONCE)).outcome is Outcome.APPLIED
        await finished(home, apart)


async def test_a_replaced_program_and_a_folder_that_is_gone_are_drift(tmp_path: Path) -> None:
    home = house(tmp_path)
    program = tmp_path / "bin/frobnicate"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    async with home.open():
        asked = await home.hold("frobnicate")
        assert asked.action.binary == str(program)
        program.write_text("#!/bin/sh\nrm -rf ~\n")
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.DRIFTED
        other = await home.hold("rm notes.txt", "call-2")
        home.workspace.rmdir()
        verdict = await home.service.decide(other.id, OWNER, How.ONCE)
        assert verdict.outcome is Outcome.DRIFTED
        assert "gone" in verdict.sentence


async def edit(home: House, asked: Approval, text: str) -> Verdict:
    """Let the owner approve another text."""
    return await home.service.decide(asked.id, OWNER, How.ONCE, edited=text)


async def test_an_edited_action_is_judged_afresh(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold("rm notes.txt")
        denied = await edit(home, asked, "rm -rf /")
        assert denied.outcome is Outcome.NOT_POSSIBLE
        graver = await edit(home, asked, PUSH)
        assert graver.outcome is Outcome.SUPERSEDED
        assert graver.replacement is not None
        assert graver.replacement.tier is Tier.HIGH
        assert graver.replacement.open
        assert home.caller.calls == []
        milder = await edit(home, graver.replacement, "rm other.txt")
        assert milder.outcome is Outcome.APPLIED
        assert milder.approval is not None
        await finished(home, milder.approval)
        (call,) = home.caller.calls
        assert (call.action.text, call.arguments) == ("rm other.txt", {"command": "rm other.txt"})
        assert call.action.argv == ("rm", "other.txt")


async def test_what_is_on_hold_waits_and_can_be_released_or_decided(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        held = await home.service.decide(asked.id, OWNER, How.HOLD)
        assert held.outcome is Outcome.APPLIED
        again = await home.service.decide(asked.id, OWNER, How.HOLD)
        assert again.outcome is Outcome.ALREADY
        assert (await home.service.decide(asked.id, OWNER, How.RELEASE)).outcome is Outcome.APPLIED
        await home.service.decide(asked.id, OWNER, How.HOLD)
        assert (await approve(home, asked)).state is ApprovalState.DONE


async def test_high_risk_can_need_two_people(tmp_path: Path) -> None:
    async with house(tmp_path, step_up="second_approver").open() as home:
        asked = await home.hold(PUSH)
        assert asked.needed == 2
        for _ in range(2):
            verdict = await home.service.decide(asked.id, OWNER, How.ONCE)
            assert verdict.outcome is Outcome.COUNTED
        assert await home.database.read(approvals.votes, asked.id) == [(OWNER.id, "Ada")]
        assert (await home.service.decide(asked.id, OPERATOR, How.ONCE)).outcome is Outcome.APPLIED
        await finished(home, asked)
        assert len(home.caller.calls) == 1
        assert (await home.hold("rm notes.txt", "call-2")).needed == 1


async def test_high_risk_can_need_a_code_from_a_second_channel(tmp_path: Path) -> None:
    async with house(tmp_path, step_up="code").open() as home:
        asked = await home.hold(PUSH)
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.NOT_POSSIBLE
        home.cards.second = CHAT._replace(chat="2")
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.CODE_NEEDED
        (code,) = home.cards.codes
        wrong = await home.service.decide(
            asked.id, OWNER, How.ONCE, code="000000" if code != "000000" else "1"
        )
        assert wrong.outcome is Outcome.CODE_NEEDED
        right = await home.service.decide(asked.id, OWNER, How.ONCE, code=code)
        assert right.outcome is Outcome.APPLIED
        await finished(home, asked)


async def test_a_code_cannot_be_guessed_for_ever(tmp_path: Path) -> None:
    async with house(tmp_path, step_up="code").open() as home:
        home.cards.second = CHAT
        asked = await home.hold(PUSH)
        await home.service.decide(asked.id, OWNER, How.ONCE)
        for _ in range(5):
            await home.service.decide(asked.id, OWNER, How.ONCE, code="nonsense")
        verdict = await home.service.decide(asked.id, OWNER, How.ONCE, code=home.cards.codes[0])
        assert verdict.outcome is Outcome.CODE_NEEDED


async def test_stopping_a_session_cancels_what_waits_and_wakes_nobody(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        assert await home.service.cancel(home.session_id, OWNER.id) == 1
        assert (await home.service.decide(asked.id, OWNER, How.ONCE)).outcome is Outcome.ALREADY
        assert await home.told() == []


async def test_a_broken_tool_is_a_result_and_its_approval_is_used_up(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        home.caller.failure = RuntimeError("no")
        done = await approve(home, await home.hold(PUSH))
        assert (done.state, done.exit_code) == (ApprovalState.DONE, None)
        assert "broke (RuntimeError)" in done.result


async def test_a_program_asks_runs_by_itself_once_and_reports(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.service.ask(PROGRAM, home.action(PUSH), timeout_ms=600_000)
        assert asked.expires_at == home.clock.now() + 600_000
        waiting = asyncio.ensure_future(home.service.wait(asked.id, 10))
        await home.service.decide(asked.id, OWNER, How.ONCE)
        assert (await waiting).state is ApprovalState.APPROVED
        with pytest.raises(AccessDenied):
            await home.service.consume(asked.id, DECIDER)
        await home.service.consume(asked.id, PROGRAM)
        with pytest.raises(Stale):
            await home.service.consume(asked.id, PROGRAM)
        done = await home.service.report(asked.id, PROGRAM, "pushed", 0)
        assert (done.state, done.result) == (ApprovalState.DONE, "pushed")
        assert home.caller.calls == []


async def test_what_a_program_asks_is_never_below_what_it_says_and_never_denied_stuff(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        assert (await home.service.ask(PROGRAM, home.action("ls"))).tier is Tier.MEDIUM
        assert (await home.service.ask(PROGRAM, home.action("ls"), risk=Tier.HIGH)).tier is Tier.HIGH
        with pytest.raises(AccessDenied):
            await home.service.ask(PROGRAM, home.action("rm -rf /"))


async def test_waiting_ends_when_its_time_is_up(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        asked = await home.hold(PUSH)
        assert (await home.service.wait(asked.id, 0.01)).open


async def test_a_forgotten_session_keeps_the_trail_and_not_the_words(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        done = await approve(home, await home.hold(PUSH))
        waiting = await home.hold("rm notes.txt", "call-2")
        await suspend(home, waiting)
        await home.database.write(sessions.forget, home.session_id, actor=OWNER.id)
        kept = await home.get(done.id)
        assert (kept.action.text, kept.action.arguments, kept.result) == ("", "{}", "")
        assert (kept.digest, kept.decided_by, kept.state) == (done.digest, OWNER.id, ApprovalState.DONE)
        assert (await home.get(waiting.id)).action == waiting.action

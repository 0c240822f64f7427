"""Turns: one at a time per session, what arrives meanwhile, and what each end leaves behind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import AgentError, Stale, StoreFull
from kernel.turns import StagedConversation, TurnIO, TurnOutcome, TurnRequest
from tests.fakes.adapter import BEN, ScriptedAdapter
from tests.fakes.turn_runner import Held, ScriptedRunner, fails
from tests.support.gateway import findings, running


async def test_a_message_is_answered_and_every_row_is_done(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("hello")
        await rig.adapter.until_sent(containing="echo: hello")
        await rig.settled()
        assert await rig.states("inbox") == ["done"]
        assert await rig.states("turn") == ["done"]
        assert await rig.states("outbox") == ["sent"]
    assert findings(tmp_path) == []


async def test_a_message_handed_over_twice_is_answered_once(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        message = await rig.adapter.say("hello")
        for _ in range(10):
            await rig.adapter.hand_over(message)
        await rig.settled()
        assert rig.adapter.texts() == ["echo: hello"]
        assert rig.gateway.intake.duplicates == 10


async def test_a_message_steers_the_running_turn(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held)) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        await rig.adapter.say("and this")
        await rig.until_event("inbox.admit", 2)
        await asyncio.sleep(1)
        held.released.set()
        await rig.settled()
        assert rig.adapter.texts() == ["released + and this"]
        assert await rig.states("inbox") == ["done", "done"]
        assert len(rig.runner.requests) == 1
    assert findings(tmp_path) == []


async def test_a_message_that_the_model_did_not_see_in_time_is_the_next_turn(tmp_path: Path) -> None:
    held = Held()
    held.takes_steering = False
    async with running(tmp_path, runner=ScriptedRunner(held)) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        await rig.adapter.say("second")
        held.released.set()
        await rig.settled()
        assert rig.adapter.texts() == ["released", "echo: second"]


async def test_queued_messages_are_turns_of_their_own(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held), sessions={"on_message": "queue"}) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        await rig.adapter.say("second")
        await rig.adapter.say("third")
        held.released.set()
        await rig.settled()
        assert rig.runner.asked == [["first"], ["second"], ["third"]]


async def test_a_message_interrupts_the_running_turn(tmp_path: Path) -> None:
    held = Held()
    held.takes_steering = False
    async with running(tmp_path, runner=ScriptedRunner(held), sessions={"on_message": "interrupt"}) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        await rig.adapter.say("rather this")
        await rig.settled()
        assert rig.adapter.texts() == ["⏹ Stopped by a new message.", "echo: rather this"]
        assert await rig.states("turn") == ["cancelled", "done"]
    assert findings(tmp_path) == []


async def test_other_chats_do_not_wait_for_a_turn_that_takes_long(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held)) as rig:
        await rig.adapter.say("slow")
        await held.begun.wait()
        await rig.adapter.say("quick", sender=BEN)
        await rig.adapter.until_sent(containing="echo: quick")
        held.released.set()


async def test_an_error_of_the_agent_is_explained_and_the_session_goes_on(tmp_path: Path) -> None:
    runner = ScriptedRunner(
        fails(AgentError("The model is silent.", remedy="Wait.")), fails(ZeroDivisionError())
    )
    async with running(tmp_path, runner=runner, sessions={"on_message": "queue"}) as rig:
        for text in ("one", "two", "three"):
            await rig.adapter.say(text)
        await rig.settled()
        assert rig.adapter.texts()[0] == "⚠️ The model is silent.\n\nWait."
        assert "ZeroDivisionError" in rig.adapter.texts()[1]
        assert rig.adapter.texts()[2] == "echo: three"
        assert await rig.states("turn") == ["failed", "failed", "done"]
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    "error", [StoreFull("The disk is full."), Stale("It has moved on."), KeyError("a bug")]
)
async def test_an_answer_that_could_not_be_stored_at_once_does_not_block_its_session(
    tmp_path: Path, error: Exception
) -> None:
    async with running(tmp_path, sessions={"on_message": "queue"}) as rig:
        rig.database.refusals["store.turns.end"] = [error]
        await rig.adapter.say("hello")
        await rig.adapter.until_sent()
        await rig.adapter.say("again")
        await rig.adapter.until_sent(containing="echo: again")
        await rig.settled()
        assert await rig.states("inbox") == ["done", "done"]
        assert rig.adapter.texts()[0] == "echo: hello"
    assert findings(tmp_path) == []


async def test_a_steered_message_that_was_deleted_meanwhile_does_not_block_the_turn(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held)) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        second = await rig.adapter.say("second")
        await asyncio.sleep(1)
        await rig.adapter.delete(second)
        await rig.gateway.control.lanes.idle(5)
        held.released.set()
        await rig.settled()
        assert await rig.states("turn") == ["done"]
        assert (await rig.states("inbox"))[:2] == ["done", "cancelled"]
    assert findings(tmp_path) == []


async def test_a_conversation_forgotten_while_its_turn_runs_stays_forgotten(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def remembers(request: TurnRequest, io: TurnIO) -> TurnOutcome:
        begun.set()
        await io.stop.wait()
        await asyncio.sleep(5)
        staged = StagedConversation(request.session_id, "{}", "r1", None, (), None)
        return TurnOutcome("a secret", staged, stopped=True)

    adapter = ScriptedAdapter(buttons=True)
    async with running(tmp_path, adapter, runner=ScriptedRunner(remembers)) as rig:
        await adapter.say("a secret")
        await begun.wait()
        await adapter.say("/forget")
        await adapter.tap((await adapter.until_sent(containing="Erase"))[0], "Yes, /forget")
        await adapter.until_sent(containing="is erased")
        await rig.settled()
        assert await rig.rows("SELECT * FROM conversation") == []
        assert await rig.rows("SELECT * FROM inbox WHERE text LIKE '%secret%'") == []
        assert await rig.states("turn") == ["cancelled"]
        await adapter.say("hello")
        await adapter.until_sent(containing="echo: hello")
    assert findings(tmp_path) == []


async def test_no_more_turns_run_at_once_than_the_settings_say(tmp_path: Path) -> None:
    scripts = [Held() for _ in range(5)]
    runner = ScriptedRunner(*scripts)
    async with running(
        tmp_path, runner=runner, turns={"at_once": 2}, access={"open_to_everyone": ["fake"], "owners": []}
    ) as rig:
        for chat in range(5):
            await rig.adapter.say("hello", sender=type(BEN)(str(100 + chat), ""))
        await asyncio.gather(*(script.begun.wait() for script in scripts[:2]))
        await asyncio.sleep(5)
        assert [script.begun.is_set() for script in scripts] == [True, True, False, False, False]
        for script in scripts:
            script.released.set()
        await rig.settled()
        assert len(rig.adapter.texts()) == 5


async def test_messages_of_a_turn_that_crashes_each_time_are_set_aside_and_the_sender_is_told(
    tmp_path: Path,
) -> None:
    for _ in range(3):
        held = Held()
        async with running(tmp_path, runner=ScriptedRunner(held), crash=True) as rig:
            if not await rig.rows("SELECT 1 FROM inbox"):
                await rig.adapter.say("poison")
            await held.begun.wait()
    async with running(tmp_path) as rig:
        await rig.adapter.until_sent(containing="3 attempts ended in a crash")
        await rig.settled()
        assert rig.runner.requests == []
        assert await rig.states("inbox") == ["dead"]
        await rig.adapter.say("what else")
        await rig.adapter.until_sent(containing="echo: what else")
        await rig.adapter.say("/retry")
        await rig.adapter.until_sent(containing="echo: poison")
    assert findings(tmp_path) == []


async def test_an_interrupted_turn_continues_with_the_next_start_and_answers_once(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held), crash=True) as rig:
        await rig.adapter.say("hello")
        await held.begun.wait()
        await rig.adapter.say("another")
    async with running(tmp_path) as rig:
        await rig.settled()
        assert rig.adapter.texts() == ["echo: hello", "echo: another"]
        assert rig.runner.requests[0].attempt == 2
    assert findings(tmp_path) == []


async def test_what_waited_before_a_crash_is_not_overtaken_by_what_comes_after_it(tmp_path: Path) -> None:
    first, second, adapter = Held(), Held(), ScriptedAdapter()
    first.takes_steering = False
    async with running(tmp_path, adapter, runner=ScriptedRunner(first), crash=True) as rig:
        await adapter.say("one")
        await first.begun.wait()
        await adapter.say("two")
        await rig.until_event("inbox.admit", 2)
    async with running(tmp_path, adapter, runner=ScriptedRunner(second)) as rig:
        await second.begun.wait()
        await adapter.say("three")
        await asyncio.sleep(1)
        second.released.set()
        await rig.settled()
        assert adapter.texts() == ["released + two + three"]
    assert findings(tmp_path) == []


async def test_turns_that_ran_beside_the_one_that_crashes_are_not_blamed_for_it(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    crowd = [type(BEN)(str(number), "") for number in range(100, 104)]
    everybody: dict[str, Any] = {"access": {"open_to_everyone": ["fake"]}}
    runs: list[int] = []
    for start in range(6):
        scripts = [Held() for _ in crowd]
        async with running(
            tmp_path, adapter, runner=ScriptedRunner(*scripts), crash=True, **everybody
        ) as rig:
            if start == 0:
                await adapter.hand_over(*(adapter.message("hi", sender=sender) for sender in crowd))
            await scripts[0].begun.wait()
            await asyncio.sleep(30)
            runs.append(len(rig.runner.requests))
    # Twice all of them, then one alone until it is convicted, and then the next.
    assert runs == [4, 4, 1, 1, 1, 1]
    async with running(tmp_path, adapter, **everybody) as rig:
        await adapter.until_sent(4)
        assert sum("set aside" in text for text in adapter.texts()) == 1
        assert adapter.texts().count("echo: hi") == 3
    assert findings(tmp_path) == []


async def test_a_stop_in_good_order_blames_no_turn(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    for start in range(5):
        held = Held()
        async with running(tmp_path, adapter, runner=ScriptedRunner(held)):
            if start == 0:
                await adapter.say("long work")
            await held.begun.wait()
    async with running(tmp_path, adapter):
        await adapter.until_sent(containing="echo: long work")


async def test_nobody_steers_a_turn_that_acts_with_more_rights_than_theirs(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held), access={"group_sessions": "shared"}) as rig:
        await rig.adapter.say("the owner's", chat="-5", private=False)
        await held.begun.wait()
        await rig.adapter.say("a user's", sender=BEN, chat="-5", private=False)
        await rig.until_event("inbox.admit", 2)
        held.released.set()
        await rig.settled()
        assert [request.principal.id for request in rig.runner.requests] == ["fake:7", "fake:8"]

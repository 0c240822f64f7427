"""Handoffs that go wrong or take too long: who has the conversation then, and what is said."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import DeliveryDeferred, DeliveryRejected, PlatformUnavailable
from tests.fakes.turn_runner import Held, ScriptedRunner, fails
from tests.support.gateway import findings, running
from tests.support.handing import DESK, PHONE, agents, handed, homes, owner, pair, phone, summarises


@pytest.fixture(autouse=True)
async def sound(tmp_path: Path) -> Any:
    """After every story, every session has one owner and all else that is promised holds."""
    yield
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (None, "This chat can have no threads"),
        (DeliveryRejected("Not enough rights to open a thread."), "Not enough rights"),
    ],
)
async def test_without_a_thread_it_goes_to_the_chat_itself_and_says_so(
    trouble: Exception | None, why: str, tmp_path: Path
) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        phone(rig).thread_troubles.append(trouble)
        await handed(rig)
        (said,) = [text for text in phone(rig).texts() if why in text]
        assert "What was here before is kept" in said
        assert await owner(rig) == [(PHONE, "")]
        await rig.adapter.until_sent(containing=why)
        await phone(rig).say("/sessions")
        (listed,) = await phone(rig).until_sent(containing="/resume NUMBER")
        assert listed.text.count("**hello**") == 2
        await rig.settled()


@pytest.mark.parametrize("trouble", [PlatformUnavailable("gone for lunch"), RuntimeError("a bug")])
async def test_a_failure_leaves_the_session_with_its_former_owner(trouble: Exception, tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        phone(rig).thread_troubles.append(trouble)
        await rig.adapter.say("/handoff other")
        (told,) = await rig.adapter.until_sent(containing="failed")
        assert ("gone for lunch" in told.text) or ("RuntimeError" in told.text)
        assert await owner(rig) == [(DESK, "")]
        await rig.adapter.say("still here")
        await rig.adapter.until_sent(containing="heard still here")
        await handed(rig)
        assert await owner(rig) == [(PHONE, "t1")]


async def test_a_platform_that_asks_to_wait_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        phone(rig).thread_troubles.append(DeliveryDeferred("slow down", retry_after=5))
        await handed(rig)
        assert await owner(rig) == [(PHONE, "t1")]


async def test_a_turn_that_fails_in_the_new_place_brings_the_session_back(tmp_path: Path) -> None:
    runner = ScriptedRunner(summarises, summarises, fails(RuntimeError("no model")), *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner) as rig:
        await homes(rig)
        await rig.adapter.say("/handoff other")
        await rig.adapter.until_sent(containing="failed: This turn failed: RuntimeError")
        assert await owner(rig) == [(DESK, "")]
        await rig.adapter.say("still here")
        await rig.adapter.until_sent(containing="heard still here")
        await rig.settled()


async def test_an_archived_thread_that_takes_no_messages_brings_the_session_back(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        phone(rig).refuse(DeliveryRejected("The thread is archived."))
        await rig.adapter.say("/handoff other:7:t9")
        await rig.adapter.until_sent(containing="The thread is archived.")
        assert await owner(rig) == [(DESK, "")]
        await rig.settled()


async def test_what_was_said_in_a_place_that_fails_is_answered_there(tmp_path: Path) -> None:
    held = Held()
    runner = ScriptedRunner(summarises, summarises, held, *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner) as rig:
        await homes(rig)
        await rig.adapter.say("/handoff other")
        await held.begun.wait()
        await phone(rig).say("already here", thread="t1")
        await asyncio.sleep(400)
        await rig.adapter.until_sent(containing="It took too long.")
        (answer,) = await phone(rig).until_sent(containing="heard already here")
        assert answer.message.address.thread == "t1"
        assert await owner(rig) == [(DESK, "")]
        await rig.settled()


async def test_a_request_that_nobody_takes_up_is_withdrawn_in_time(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        rig.gateway.handoff.close()
        await rig.adapter.say("/handoff other")
        await rig.until_event("handoff.request")
        await rig.adapter.say("what I said meanwhile")
        await asyncio.sleep(90)
        await rig.adapter.until_sent(containing="was withdrawn")
        await rig.adapter.until_sent(containing="heard what I said meanwhile")
        assert await owner(rig) == [(DESK, "")]
        await rig.settled()


async def test_a_daemon_that_dies_before_the_move_leaves_the_former_owner(tmp_path: Path) -> None:
    platforms = pair()
    async with running(tmp_path, *platforms, runner=agents(), crash=True) as rig:
        await homes(rig)
        phone(rig).thread_troubles.append(DeliveryDeferred("later", retry_after=15))
        await rig.adapter.say("/handoff other")
        await rig.until_event("handoff.claim")
    async with running(tmp_path, *platforms, runner=agents()) as rig:
        await rig.until_event("handoff.fail")
        await rig.adapter.until_sent(containing="Hermes stopped in the middle of it")
        assert await owner(rig) == [(DESK, "")]
        await rig.settled()


@pytest.mark.parametrize(
    ("away", "lease", "arrives"), [(0, 20, True), (60, 20, False), (60, 120, True), (15, 5, False)]
)
async def test_a_daemon_that_dies_after_the_move_arrives_within_its_lease_or_gives_back(
    away: float, lease: float, arrives: bool, tmp_path: Path
) -> None:
    handoff = {"lease_seconds": lease}
    held, platforms = Held(), pair()
    runner = ScriptedRunner(summarises, summarises, held)
    async with running(tmp_path, *platforms, runner=runner, crash=True, handoff=handoff) as rig:
        await homes(rig)
        await rig.adapter.say("/handoff other")
        await held.begun.wait()
    later = ScriptedRunner(summarises) if arrives else ScriptedRunner(Held(), *[summarises] * 9)
    async with running(tmp_path, *platforms, runner=later, away=away, handoff=handoff) as rig:
        await rig.until_event("handoff.complete" if arrives else "handoff.fail")
        await rig.settled()
        assert await owner(rig) == [(PHONE, "t1") if arrives else (DESK, "")]
        if not arrives:
            await rig.adapter.until_sent(containing="away for too long")


async def test_how_long_somebody_has_to_take_it_up_is_a_setting(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents(), handoff={"take_up_seconds": 10}) as rig:
        await homes(rig)
        rig.gateway.handoff.close()
        await rig.adapter.say("/handoff other")
        await rig.until_event("handoff.request")
        await asyncio.sleep(13)
        assert "handoff.cancel" in [event.kind for event in rig.events]
        await rig.settled()


async def test_how_long_it_waits_for_the_agent_is_a_setting(tmp_path: Path) -> None:
    held = Held("done at last")
    runner = ScriptedRunner(summarises, summarises, held, *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner, handoff={"when_idle_minutes": 2}) as rig:
        await homes(rig)
        await rig.adapter.say("long work")
        await held.begun.wait()
        await rig.adapter.say("/handoff other --when-idle")
        await rig.until_event("handoff.request")
        await asyncio.sleep(115)
        assert "handoff.cancel" not in [event.kind for event in rig.events]
        await asyncio.sleep(10)
        await rig.adapter.until_sent(containing="was withdrawn")
        held.released.set()
        await rig.adapter.until_sent(containing="done at last")
        assert await owner(rig) == [(DESK, "")]
        await rig.settled()


async def test_how_long_the_whole_of_it_may_take_is_a_setting(tmp_path: Path) -> None:
    runner = ScriptedRunner(summarises, summarises, Held(), *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner, handoff={"deadline_seconds": 30}) as rig:
        await homes(rig)
        await rig.adapter.say("/handoff other")
        await asyncio.sleep(35)
        await rig.adapter.until_sent(containing="It took too long.")
        assert await owner(rig) == [(DESK, "")]
        await rig.settled()


async def test_the_store_is_looked_at_every_two_seconds_whatever_is_heard(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        before = rig.database.looked["store.handoffs.live"]
        await asyncio.sleep(60)
        assert rig.database.looked["store.handoffs.live"] - before in range(29, 32)

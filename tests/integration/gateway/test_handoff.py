"""Handoff between scripted platforms: where a conversation goes, what travels along, and how it comes back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import DeliveryDeferred
from kernel.messages import Address, Attachment, AttachmentKind, OutboundKind
from kernel.turns import TurnIO, TurnOutcome, TurnRequest
from store import sessions
from store.units import Unit
from tests.fakes.adapter import ANN, BEN
from tests.fakes.turn_runner import Held, ScriptedRunner
from tests.support.gateway import findings, running
from tests.support.handing import DESK, PHONE, agents, handed, homes, owner, pair, phone, summarises


@pytest.fixture(autouse=True)
async def sound(tmp_path: Path) -> Any:
    """After every story, every session has one owner and all else that is promised holds."""
    yield
    assert findings(tmp_path) == []


async def test_a_conversation_goes_on_in_a_thread_of_its_own_with_all_that_was_said(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        first = await handed(rig)
        assert first.text == "Here we are."
        assert first.message.address.thread == "t1"
        assert phone(rig).threads == {"t1": "hello"}
        session = rig.runner.requests[-1].session_id
        assert session == rig.runner.requests[1].session_id
        assert "You said last: “hello”" in rig.runner.requests[-1].inputs[0].text
        assert any("continues on **other**" in text for text in rig.adapter.texts())
        await phone(rig).say("and now?", thread="t1")
        await phone(rig).until_sent(containing="heard and now?")
        assert rig.runner.requests[-1].session_id == session
        assert rig.runner.requests[-1].principal.id == "other:7"


async def test_the_former_place_can_only_be_read_until_the_conversation_is_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        await handed(rig)
        await rig.adapter.say("anybody there?")
        (told,) = await rig.adapter.until_sent(containing="here it can only be read")
        await rig.adapter.say("/undo")
        await rig.adapter.until_sent(2, "here it can only be read")
        await rig.adapter.say("/status")
        await rig.adapter.until_sent(containing="**Queues**")
        await rig.adapter.tap(told, "↩️ Take it back")
        await rig.adapter.until_sent(containing="Continuing **hello**")
        await rig.adapter.say("here again")
        await rig.adapter.until_sent(containing="heard here again")
        assert len({request.session_id for request in rig.runner.requests}) == 2
        await phone(rig).say("and here?", thread="t1")
        await phone(rig).until_sent(containing="here it can only be read")
        await rig.settled()


@pytest.mark.parametrize("said", ["anybody there?", "/home/ann/notes.txt reads well", "/title mine"])
async def test_what_is_said_while_the_conversation_leaves_opens_no_second_one(
    said: str, tmp_path: Path
) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        ours, there = rig.runner.requests[-1].session_id, phone(rig).address("8")
        leaving = asyncio.create_task(
            rig.database.write(sessions.rebind, ours, "other:bot:8:main", there, private=True, actor="fake:7")
        )
        await asyncio.sleep(0)
        await rig.adapter.say(said)
        await leaving
        await rig.adapter.until_sent(containing="here it can only be read")
        await rig.settled()
        assert [row["n"] for row in await rig.rows("SELECT count(*) AS n FROM session")] == [2]


def unheard(tx: Unit, id: str, key: str, there: Address) -> None:
    """Move a session as ``rebind`` does, of which the news has not gone round yet."""
    tx.run(sessions.DEPART, (sessions.key_of(tx, id), id, *sessions.get(tx, id).address, tx.now))
    tx.run(sessions.UNBIND, (key, id))
    tx.run(sessions.REOPEN, (*there, True, tx.now, id))
    tx.run(sessions.BIND, (key, id, tx.now))


@pytest.mark.parametrize("said", ["anybody there?", "/home/ann/notes.txt reads well", "/title mine"])
async def test_a_place_whose_departure_is_news_takes_nothing_for_it_either(said: str, tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        ours, there = rig.runner.requests[-1].session_id, phone(rig).address("8")
        await rig.database.write(unheard, ours, "other:bot:8:main", there)
        await rig.adapter.say(said)
        await rig.adapter.until_sent(containing="here it can only be read")
        await rig.adapter.say("/status")
        await rig.adapter.until_sent(containing="**Queues**")
        await rig.settled()
        assert [row["n"] for row in await rig.rows("SELECT count(*) AS n FROM session")] == [2]
        await rig.adapter.say("/new")
        await rig.adapter.until_sent(containing="A fresh conversation")
        await rig.adapter.say("another matter")
        await rig.adapter.until_sent(containing="heard another matter")
        await rig.settled()


GROUP: dict[str, Any] = {"chat": "-100", "private": False, "addressed": True}


@pytest.mark.parametrize(("sessions", "others"), [("per_user", True), ("shared", False)])
async def test_from_a_group_only_what_left_it_can_not_go_on_there(
    sessions: str, others: bool, tmp_path: Path
) -> None:
    access = {"group_sessions": sessions}
    async with running(tmp_path, *pair(), runner=agents(), access=access) as rig:
        await homes(rig)
        for sender in (BEN, ANN):
            await rig.adapter.say(f"I am {sender.name}", sender=sender, **GROUP)
            await rig.adapter.until_sent(containing=f"heard I am {sender.name}")
        await rig.settled()
        await rig.adapter.say("/handoff other", **GROUP)
        await rig.until_event("handoff.complete")
        await rig.settled()
        for sender in (BEN, ANN):
            await rig.adapter.say(f"{sender.name} again", sender=sender, **GROUP)
            await rig.settled()
        heard = [text for text in rig.adapter.texts("-100") if "again" in text or "only be read" in text]
        assert len(heard) == 2
        assert ("heard Ben again" in heard[0]) is others
        assert "only be read" in heard[1]


async def test_a_place_that_was_left_stays_so_when_conversations_start_afresh(tmp_path: Path) -> None:
    reset = {"reset": "idle", "idle_hours": 0.25}
    async with running(tmp_path, *pair(), runner=agents(), sessions=reset) as rig:
        await homes(rig)
        await handed(rig)
        await asyncio.sleep(1000)
        await rig.adapter.say("anybody there?")
        await rig.adapter.until_sent(containing="here it can only be read")
        await phone(rig).say("good morning", thread="t1")
        await phone(rig).until_sent(containing="heard good morning")
        await rig.adapter.tap(rig.adapter.sent[-1], "↩️ Take it back")
        await rig.adapter.until_sent(containing="Continuing **hello**")
        await rig.settled()


async def test_take_pulls_back_and_new_begins_afresh(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        await handed(rig)
        await rig.adapter.say("/new")
        await rig.adapter.until_sent(containing="A fresh conversation")
        await rig.adapter.say("another matter")
        await rig.adapter.until_sent(containing="heard another matter")
        await rig.adapter.say("/take")
        await rig.adapter.until_sent(containing="Continuing **hello**")
        await phone(rig).until_sent(containing="continues on **fake**")
        await rig.adapter.say("/sessions")
        (listed,) = await rig.adapter.until_sent(containing="another matter** ·")
        assert listed.text.count("· here") == 1
        await rig.settled()


async def test_a_finished_handoff_may_be_followed_by_another_and_back(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        await handed(rig)
        await phone(rig).say("/handoff fake", thread="t1")
        await rig.until_event("handoff.complete", 2)
        await rig.settled()
        assert rig.adapter.threads == {"t1": "hello"}
        assert await owner(rig) == [(DESK, "t1")]


async def test_a_message_in_the_new_thread_waits_for_the_arrival_and_is_answered_after_it(
    tmp_path: Path,
) -> None:
    held = Held("Arrived at last.")
    runner = ScriptedRunner(summarises, summarises, held, *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner) as rig:
        await homes(rig)
        await rig.adapter.say("/handoff other")
        await held.begun.wait()
        await phone(rig).say("already here", thread="t1")
        await rig.adapter.say("still at the desk")
        await rig.adapter.until_sent(containing="is being handed over")
        held.released.set()
        await phone(rig).until_sent(containing="heard already here")
        await rig.settled()
        assert held.steered == []
        inside = [sent.text for sent in phone(rig).sent if sent.message.address.thread == "t1"]
        assert inside == ["Arrived at last.", "heard already here"]
        kinds = [event.kind for event in rig.events]
        assert kinds.index("handoff.complete") < len(kinds) - kinds[::-1].index("turn.start") - 1


async def test_a_message_in_the_thread_before_the_session_is_there_belongs_to_it(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        there = phone(rig)
        opened = there.create_thread

        async def slowly(parent: Any, name: str) -> Any:
            address = await opened(parent, name)
            assert address is not None
            await there.say("quicker than you", thread=address.thread)
            return address

        there.create_thread = slowly
        await handed(rig)
        await there.until_sent(containing="heard quicker than you")
        inside = [sent.text for sent in there.sent if sent.message.address.thread == "t1"]
        assert inside == ["Here we are.", "heard quicker than you"]
        await rig.settled()


async def test_it_is_refused_while_the_agent_works_unless_it_may_wait(tmp_path: Path) -> None:
    held = Held("done at last")
    runner = ScriptedRunner(summarises, summarises, held, *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner) as rig:
        await homes(rig)
        await rig.adapter.say("long work")
        await held.begun.wait()
        await rig.adapter.say("/handoff other")
        await rig.adapter.until_sent(containing="--when-idle")
        await rig.adapter.say("/handoff other take care of it --when-idle")
        await rig.adapter.until_sent(containing="as soon as the agent is done")
        held.released.set()
        await rig.until_event("handoff.complete")
        await rig.settled()
        assert "Your note: take care of it" in rig.runner.requests[-1].inputs[0].text
        assert await owner(rig) == [(PHONE, "t1")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/handoff", "Where to?"),
        ("/handoff nowhere", "There is no platform"),
        ("/handoff other:999", "I do not know the chat"),
        ("/handoff fake:7", "there already"),
        ("/handoff cancel", "came too late"),
        ("/take", "There is no other conversation"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_way_out(line: str, why: str, tmp_path: Path) -> None:
    async with running(tmp_path, *pair(abilities=frozenset(), threads=False), runner=agents()) as rig:
        await rig.adapter.say("hello")
        await rig.adapter.until_sent(containing="heard hello")
        await rig.settled()
        await rig.adapter.say(line)
        await rig.adapter.until_sent(containing=why)
        await rig.settled()


async def test_a_missing_home_channel_is_named_with_the_remedy(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await rig.adapter.say("hello")
        await rig.adapter.say("/handoff other")
        await rig.adapter.until_sent(containing="/sethome")
        await rig.settled()


async def test_nobody_hands_over_to_where_they_have_not_written(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        await rig.adapter.say("hello", sender=BEN)
        await rig.adapter.until_sent(2, "heard hello")
        await rig.settled()
        for line in ("/handoff other", "/handoff fake:7"):
            await rig.adapter.say(line, sender=BEN)
        await rig.adapter.until_sent(2, "You have not written in")
        await rig.adapter.say("/take", sender=BEN)
        await rig.adapter.until_sent(containing="There is no other conversation")
        await rig.settled()


async def test_open_questions_travel_and_are_answered_in_the_new_place(tmp_path: Path) -> None:
    async def asks(request: TurnRequest, io: TurnIO) -> TurnOutcome:
        id = await rig.gateway.desk.ask(request, "Tea or coffee?", ["tea", "coffee"], "call")
        return TurnOutcome("", held=(id,))

    runner = ScriptedRunner(summarises, summarises, asks, *[summarises] * 9)
    async with running(tmp_path, *pair(), runner=runner) as rig:
        await homes(rig)
        await rig.adapter.say("serve me")
        (asked,) = await rig.adapter.until_sent(containing="Tea or coffee?")
        await rig.settled()
        await handed(rig)
        (again,) = await phone(rig).until_sent(containing="Tea or coffee?")
        assert again.message.address.thread == "t1"
        closed = [sent for sent in rig.adapter.sent if sent.message.replaces == asked.id]
        assert "Asked again on other" in closed[-1].text
        await phone(rig).tap(again, "tea")
        await rig.settled()
        edits = [sent.text for sent in phone(rig).sent if sent.message.kind is OutboundKind.EDIT]
        assert any("**tea** (Ann)" in text for text in edits)


async def test_a_file_that_comes_while_the_conversation_moves_is_fetched_where_it_was_sent(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        phone(rig).thread_troubles.append(DeliveryDeferred("slow down", retry_after=5))
        await rig.adapter.say("/handoff other")
        await rig.until_event("handoff.claim")
        rig.adapter.files["f1"] = b"the plan"
        await rig.adapter.say("look", attachments=(Attachment(AttachmentKind.DOCUMENT, "f1", "plan.txt"),))
        (answer,) = await phone(rig).until_sent(containing="heard look")
        assert answer.message.address.thread == "t1"
        (file,) = rig.runner.requests[-1].inputs[0].attachments
        assert await asyncio.to_thread(Path(file.path).read_bytes) == b"the plan"
        assert rig.runner.requests[-1].session_id in file.path
        await rig.settled()


async def test_the_model_of_the_conversation_and_its_owner_stay(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        await rig.adapter.say("/model openai:gpt-5.2")
        await rig.adapter.until_sent(containing="now uses")
        await handed(rig)
        assert rig.runner.requests[-1].model == "openai:gpt-5.2"
        rows = await rig.rows("SELECT owner FROM session WHERE handoff_number > 0")
        assert rows == [{"owner": f"fake:{ANN.id}"}]


async def test_me_is_where_the_owner_looks_on_another_platform(tmp_path: Path) -> None:
    async with running(tmp_path, *pair(), runner=agents()) as rig:
        await homes(rig)
        await handed(rig, "me")
        assert await owner(rig) == [(PHONE, "t1")]

"""What Hermes says by itself: starts, stops, what it found, what it missed - and what it shows while it works."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.adapter import Mark
from gateway.stage import FIRST_SIGN_SECONDS
from kernel.errors import DeliveryDeferred, DeliveryUncertain
from kernel.turns import TurnIO, TurnOutcome, TurnRequest
from tests.fakes.adapter import DRAFTING, SHOWY, ScriptedAdapter
from tests.fakes.turn_runner import Held, ScriptedRunner
from tests.support.gateway import running

TRACING: dict[str, Any] = {**SHOWY, "reconciles": True}

LOUD = {"start": True, "stop": True, "backlog_minutes": 1}


async def test_a_start_after_a_crash_says_what_was_open(tmp_path: Path) -> None:
    held, adapter = Held(), ScriptedAdapter()
    async with running(tmp_path, adapter, runner=ScriptedRunner(held), crash=True, notices=LOUD) as rig:
        await adapter.say("work")
        await held.begun.wait()
        await adapter.say("and more")
        await rig.until_event("inbox.admit", 2)
    async with running(tmp_path, adapter, notices=LOUD) as rig:
        receipt = (await adapter.until_sent(containing="Hermes is running again"))[0]
        assert "after an unclean stop" in receipt.text
        assert "- 1 interrupted turn: continuing" in receipt.text
        assert "waiting message" in receipt.text
        assert receipt.message.silent


async def test_an_orderly_stop_and_start_are_said_in_one_line_each(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, notices=LOUD) as rig:
        await adapter.say("hello")
        await rig.settled()
    assert adapter.texts()[-1] == "👋 Stopping."
    async with running(tmp_path, adapter, notices=LOUD) as rig:
        await adapter.until_sent(containing="✅")
        assert adapter.texts()[-1] == "✅ Hermes is running."


async def test_messages_that_came_during_an_absence_are_summed_up(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, notices=LOUD) as rig:
        await adapter.say("hello")
        await rig.settled()
        stopped = rig.clock.now()
    waiting = [adapter.message(f"m{n}", sent_at=stopped + 60_000 * n) for n in range(1, 8)]
    adapter.backlog = waiting
    async with running(tmp_path, adapter, notices=LOUD, away=29 * 60) as rig:
        await adapter.until_sent(containing="I was away")
        await rig.settled()
        told = [text for text in adapter.texts() if "I was away from" in text]
        assert len(told) == 1
        assert "7 messages, answering now" in told[0]
        assert sum("m7" in text for text in adapter.texts()) == 1


async def test_a_turn_shows_that_it_was_seen_that_it_works_and_that_it_is_done(tmp_path: Path) -> None:
    held, adapter = Held(), ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, runner=ScriptedRunner(held)) as rig:
        message = await adapter.say("work")
        await asyncio.sleep(3)
        assert adapter.seen.typing
        held.released.set()
        await rig.settled()
        assert adapter.seen.marks == [(message.message_id, Mark.SEEN), (message.message_id, Mark.DONE)]


class Works:
    """A script that shows steps and a text, one a second, then answers."""

    def __init__(self, seconds: float = 8) -> None:
        self.seconds = seconds

    async def __call__(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        io.activity("reading notes.md")
        await asyncio.sleep(self.seconds / 2)
        io.activity("writing a.txt")
        io.text("so far")
        await asyncio.sleep(self.seconds / 2)
        return TurnOutcome("all of it")


async def test_one_bubble_shows_progress_and_becomes_the_answer(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works())) as rig:
        await adapter.say("work")
        await rig.settled()
        assert len(adapter.seen.bubbles) == 1
        bubble, texts = next(iter(adapter.seen.bubbles.items()))
        assert texts[0] == "⚙️ reading notes.md"
        assert "⚙️ writing a.txt\n\nso far" in texts
        assert [(sent.text, sent.message.replaces) for sent in adapter.sent] == [("all of it", bubble)]


async def test_after_a_crash_the_answer_replaces_the_bubble_that_was_left(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(600)), crash=True) as rig:
        await adapter.say("work")
        await asyncio.sleep(5)
    bubble = next(iter(adapter.seen.bubbles))
    async with running(tmp_path, adapter) as rig:
        await rig.settled()
        assert adapter.sent[-1].message.replaces == bubble


async def test_a_bubble_whose_receipt_was_lost_is_found_and_becomes_the_answer(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**TRACING)
    adapter.lose(DeliveryUncertain("no receipt"), times=2)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(3))) as rig:
        await adapter.say("work")
        await rig.settled()
        (bubble,) = adapter.seen.bubbles
        assert [(sent.text, sent.message.replaces) for sent in adapter.sent] == [("all of it", bubble)]


async def test_a_turn_that_ends_while_its_bubble_is_on_its_way_waits_for_it(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**TRACING)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(3))) as rig:
        adapter.hold()
        await adapter.say("work")
        await asyncio.sleep(8)
        adapter.release()
        await rig.settled()
        (bubble,) = adapter.seen.bubbles
        assert [(sent.text, sent.message.replaces) for sent in adapter.sent] == [("all of it", bubble)]


async def test_a_bubble_whose_receipt_was_lost_in_a_crash_is_found_by_the_next_start(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**TRACING)
    adapter.lose(DeliveryUncertain("no receipt"), times=100)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(600)), crash=True) as rig:
        await adapter.say("work")
        await asyncio.sleep(5)
    adapter.failures.clear()
    async with running(tmp_path, adapter) as rig:
        await rig.settled()
        (bubble,) = adapter.seen.bubbles
        assert [sent.message.replaces for sent in adapter.sent] == [bubble]


async def test_where_a_lost_bubble_cannot_be_found_it_says_no_word_of_the_answer(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)

    async def writes(request: TurnRequest, io: TurnIO) -> TurnOutcome:
        io.text("all of")
        await asyncio.sleep(8)
        return TurnOutcome("all of it")

    async with running(tmp_path, adapter, runner=ScriptedRunner(writes)) as rig:
        await adapter.say("work")
        await rig.settled()
        (texts,) = adapter.seen.bubbles.values()
        assert texts == ["⚙️ thinking", "all of"]


async def test_a_status_line_that_could_not_be_removed_is_removed_a_little_later(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    adapter.burst_troubles.extend([DeliveryDeferred("busy"), DeliveryDeferred("busy")])
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(120))) as rig:
        await adapter.say("work")
        await rig.settled()
        await asyncio.sleep(5)
        assert adapter.seen.burst == list(adapter.seen.bubbles)


async def test_an_answer_after_a_long_time_rings_as_a_new_message(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(120))) as rig:
        await adapter.say("work")
        await rig.settled()
        assert adapter.sent[-1].message.replaces == ""
        assert adapter.seen.burst == list(adapter.seen.bubbles)


async def test_where_a_platform_has_drafts_the_answer_is_shown_as_one(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**DRAFTING)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works())) as rig:
        await adapter.say("work")
        await rig.settled()
        assert adapter.seen.drafts[-1].endswith("so far")
        assert adapter.seen.bubbles == {}
        assert adapter.texts() == ["all of it"]


async def test_what_is_said_right_after_a_look_is_shown_with_the_next_one(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**DRAFTING)
    early: list[str] = []

    async def speaks(_request: TurnRequest, io: TurnIO) -> TurnOutcome:
        await asyncio.sleep(FIRST_SIGN_SECONDS + 0.2)
        io.text("begun")
        await asyncio.sleep(2 * adapter.capabilities.edit_interval)
        early.extend(adapter.seen.drafts)
        return TurnOutcome("begun and done")

    async with running(tmp_path, adapter, runner=ScriptedRunner(speaks)) as rig:
        await adapter.say("work")
        await rig.settled()
    assert early == ["begun"]


async def test_quiet_shows_no_progress_and_verbose_every_step(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, runner=ScriptedRunner(Works(), Works())) as rig:
        await adapter.say("/quiet 2h")
        await rig.settled()
        await adapter.say("work")
        await rig.settled()
        assert adapter.seen.bubbles == {}
        assert adapter.sent[-1].message.silent
        await adapter.say("/quiet off")
        await adapter.say("/verbose on")
        await rig.settled()
        await adapter.say("work")
        await rig.settled()
        shown = next(iter(adapter.seen.bubbles.values()))
        assert "⚙️ reading notes.md\n⚙️ writing a.txt\n\nso far" in shown


async def test_a_turn_that_is_silent_for_long_says_what_it_does(tmp_path: Path) -> None:
    held, adapter = Held(), ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, runner=ScriptedRunner(held)) as rig:
        await adapter.say("work")
        await asyncio.sleep(60)
        assert adapter.seen.bubbles == {}
        await asyncio.sleep(180)
        assert "Still at it: thinking" in next(iter(adapter.seen.bubbles.values()))[-1]
        held.released.set()
        await rig.settled()

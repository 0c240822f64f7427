"""Delivery: order, rate limits, the breaker, dead letters, marked second sendings, splitting, shutdown."""

import asyncio
from pathlib import Path
from typing import Any

from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain
from kernel.messages import Outbound, OutboundKind, Priority
from store import outbox
from store.outbox import Owed
from tests.fakes.adapter import BEN, ScriptedAdapter
from tests.fakes.turn_runner import Held, ScriptedRunner, says
from tests.support.gateway import Rig, findings, running

PUBLISHED: dict[str, Any] = {"per_second": 30.0, "per_chat": 1.0, "per_group_minute": 20.0}


def owed(key: str, rig: Rig, chat: str = "7", priority: Priority = Priority.REPLY) -> Owed:
    """Return an owed message whose text is its key."""
    return Owed(key, Outbound(rig.adapter.address(chat), key), priority)


async def owe(rig: Rig, *items: Owed) -> None:
    """Commit owed messages in one unit."""
    await rig.database.write(outbox.add_all, items)


async def test_a_deferred_message_is_sent_later_and_keeps_its_place(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryDeferred("Wait.", retry_after=30), times=2)
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig), owed("two", rig))
        begun = rig.clock.monotonic()
        await adapter.until_sent(2, within=200)
        assert adapter.texts() == ["one", "two"]
        assert 60 <= adapter.sent[0].at - begun <= 62
    assert findings(tmp_path) == []


async def test_a_deferred_chat_holds_up_no_other(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryDeferred("Wait.", retry_after=600))
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig))
        await rig.until_event("outbox.defer")
        begun = rig.clock.monotonic()
        await owe(rig, owed("two", rig, "8"))
        await adapter.until_sent(containing="two")
        assert rig.clock.monotonic() - begun < 2


async def test_a_rejected_message_is_a_visible_dead_letter_and_the_next_one_goes_out(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryRejected("The person blocked the bot."))
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig), owed("two", rig))
        await adapter.until_sent(containing="two")
        await rig.settled()
        assert await rig.states("outbox") == ["dead", "sent"]
        status = await rig.gateway.reporter.status()
        assert any("could not be delivered" in warning for warning in status.warnings)
        dead = (await rig.rows("SELECT id, error FROM outbox WHERE state = 'dead'"))[0]
        assert dead["error"] == "The person blocked the bot."
        await rig.database.write(outbox.revive, dead["id"])
        rig.gateway.delivery.notify(adapter.address())
        await adapter.until_sent(containing="one")
    assert findings(tmp_path) == []


async def test_a_bug_of_the_adapter_is_a_dead_letter_and_no_blocked_chat(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(ZeroDivisionError("a bug"))
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig), owed("two", rig))
        await adapter.until_sent(containing="two")
        assert (await rig.states("outbox"))[0] == "dead"


async def test_a_message_that_is_deferred_for_ever_becomes_a_dead_letter(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryDeferred("Not now.", retry_after=1), times=100)
    async with running(tmp_path, adapter, delivery={"attempts": 4}) as rig:
        await owe(rig, owed("one", rig))
        await rig.until_event("outbox.reject", within=600)
        row = (await rig.rows("SELECT state, attempts, error FROM outbox"))[0]
        assert row == {"state": "dead", "attempts": 4, "error": "Given up after 4 attempts: Not now."}


async def test_an_uncertain_message_is_sent_once_more_and_marked(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.lose(DeliveryUncertain("No receipt."))
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig))
        await rig.settled()
        assert [(sent.text, sent.message.resend) for sent in adapter.sent] == [("one", False), ("one", True)]
        assert adapter.sent[0].message.nonce == adapter.sent[1].message.nonce
    assert findings(tmp_path) == []


async def test_a_message_that_is_sent_again_knows_what_was_received_before_it(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(reconciles=True)
    async with running(tmp_path, adapter) as rig:
        await adapter.say("one")
        await rig.settled()
        adapter.lose(DeliveryUncertain("no receipt"))
        await adapter.say("two")
        await rig.settled()
        first, lost, again = adapter.sent
        assert (lost.message.resend, lost.message.after) == (False, "")
        assert (again.message.resend, again.message.after) == (True, first.id)


async def test_a_message_that_is_twice_uncertain_is_given_up_visibly(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.lose(DeliveryUncertain("No receipt."), times=2)
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig), owed("two", rig))
        await rig.settled()
        assert [sent.text for sent in adapter.sent] == ["one", "one", "two"]
        assert await rig.states("outbox") == ["dead", "sent"]
    assert findings(tmp_path) == []


async def test_a_platform_that_reconciles_tries_an_uncertain_message_until_it_knows(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(reconciles=True)
    adapter.refuse(DeliveryUncertain("No receipt."), times=4)
    async with running(tmp_path, adapter) as rig:
        await owe(rig, owed("one", rig))
        await rig.settled()
        assert adapter.texts() == ["one"]
        assert await rig.states("outbox") == ["sent"]


async def test_the_published_rate_of_a_chat_is_kept(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**PUBLISHED)
    async with running(tmp_path, adapter) as rig:
        await owe(rig, *(owed(f"{n}", rig) for n in range(13)))
        await adapter.until_sent(13, within=120)
        spread = adapter.sent[-1].at - adapter.sent[0].at
        assert adapter.texts() == [f"{n}" for n in range(13)]
        assert 9.5 <= spread <= 11.5


async def test_the_published_rate_of_a_bot_is_kept_over_all_chats(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**PUBLISHED)
    async with running(tmp_path, adapter) as rig:
        await owe(rig, *(owed(f"{n}", rig, str(100 + n)) for n in range(150)))
        await adapter.until_sent(150, within=120)
        busiest = max(sum(0 <= b.at - a.at < 1 for b in adapter.sent) for a in adapter.sent)
        assert adapter.sent[-1].at - adapter.sent[0].at <= 5
        # A full bucket and what flows in while it empties; Telegram measures over longer spans.
        assert busiest <= 60


async def test_a_group_gets_no_more_than_its_platform_lets_through(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**PUBLISHED)
    async with running(tmp_path, adapter) as rig:
        await adapter.say("hi", chat="-1", private=False, addressed=True)
        await adapter.until_sent(containing="echo: hi")
        await owe(rig, *(owed(f"{n}", rig, "-1") for n in range(40)))
        await adapter.until_sent(41, within=600)
        first = adapter.sent[0].at
        assert sum(sent.at - first < 60 for sent in adapter.sent) <= 41
        assert adapter.sent[-1].at - first >= 55


async def test_progress_never_makes_an_answer_wait(tmp_path: Path) -> None:
    gate_free = ScriptedAdapter(**PUBLISHED)
    async with running(tmp_path, gate_free) as rig:
        gate = rig.gateway.gates["fake", "bot"]
        place = gate_free.address()
        shown = sum(gate.try_acquire(place) for _ in range(10))
        begun = rig.clock.monotonic()
        await gate.acquire(place, Priority.REPLY)
        assert shown >= 1
        assert rig.clock.monotonic() - begun < 0.01


async def test_questions_overtake_notices_of_other_chats_when_the_bot_is_busy(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(per_second=10.0, per_chat=100.0, per_group_minute=6000.0)
    async with running(tmp_path, adapter) as rig:
        notices = [owed(f"notice {n}", rig, str(100 + n), Priority.NOTICE) for n in range(40)]
        await owe(rig, *notices, owed("question", rig, "7", Priority.QUESTION))
        await adapter.until_sent(41, within=120)
        place = [sent.text for sent in adapter.sent].index("question")
        assert place <= 15


async def test_after_repeated_failures_the_platform_is_given_a_pause(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryDeferred("It fails.", retry_after=0.2), times=9)
    async with running(tmp_path, adapter, delivery={"breaker_failures": 3, "breaker_seconds": 60}) as rig:
        begun = rig.clock.monotonic()
        await owe(rig, owed("one", rig))
        await adapter.until_sent(within=600)
        assert adapter.sent[0].at - begun >= 1 + 2 + 4 + 8 + 16 + 32
        await owe(rig, owed("two", rig))
        await adapter.until_sent(containing="two")
        assert adapter.sent[1].at - adapter.sent[0].at < 1


async def test_a_long_answer_arrives_in_pieces_in_order_and_only_the_first_rings(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {n} " + "x" * 60 for n in range(20))
    adapter = ScriptedAdapter(text_limit=300)
    async with running(tmp_path, adapter, runner=ScriptedRunner(says(text))) as rig:
        await adapter.say("tell me")
        await rig.settled()
        assert len(adapter.sent) > 3
        assert all(len(sent.text) <= 300 for sent in adapter.sent)
        assert "\n\n".join(adapter.texts()).split() == text.split()
        assert [sent.message.silent for sent in adapter.sent[:2]] == [False, True]


async def test_nothing_is_sent_while_the_platform_refuses_the_token_and_all_of_it_afterwards(
    tmp_path: Path,
) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        rig.gateway.connections["fake", "bot"].pause()
        await owe(rig, owed("one", rig))
        await asyncio.sleep(60)
        assert adapter.sent == []
        rig.gateway.connections["fake", "bot"].resume()
        await adapter.until_sent(containing="one")


async def test_an_answer_that_is_ready_during_the_drain_is_still_sent(tmp_path: Path) -> None:
    held = Held()
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, runner=ScriptedRunner(held), notices={"stop": True}) as rig:
        await adapter.say("hello")
        await held.begun.wait()
        asyncio.get_running_loop().call_later(5, held.released.set)
    assert adapter.texts() == ["released", "👋 Stopping."]
    assert rig.events[-1].kind


async def test_what_does_not_end_within_the_drain_continues_with_the_next_start(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held), notices={"stop": True}) as rig:
        await rig.adapter.say("hello")
        await held.begun.wait()
        begun = rig.clock.monotonic()
    assert 20 <= rig.clock.monotonic() - begun <= 24
    assert "1 running turn will continue afterwards" in rig.adapter.texts()[0]
    async with running(tmp_path) as rig:
        await rig.adapter.until_sent(containing="echo: hello")


async def test_no_new_turn_begins_during_the_drain(tmp_path: Path) -> None:
    held = Held()
    held.takes_steering = False
    runner = ScriptedRunner(held)
    async with running(tmp_path, runner=runner, sessions={"on_message": "queue"}) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        await rig.adapter.say("second")
        asyncio.get_running_loop().call_later(1, held.released.set)
    assert runner.asked == [["first"]]
    async with running(tmp_path) as rig:
        await rig.adapter.until_sent(containing="echo: second")
    assert findings(tmp_path) == []


async def test_a_crash_between_sending_and_receipt_sends_once_more_and_marked(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, crash=True) as rig:
        adapter.hold()
        await adapter.say("hello")
        await rig.until_event("outbox.claim")
    adapter.release()
    async with running(tmp_path, adapter) as rig:
        await adapter.until_sent(containing="echo: hello")
        assert [sent.message.resend for sent in adapter.sent] == [True]
    assert findings(tmp_path) == []


async def test_two_platforms_do_not_wait_for_one_another(tmp_path: Path) -> None:
    slow, quick = ScriptedAdapter("fake"), ScriptedAdapter("other")
    async with running(tmp_path, slow, quick) as rig:
        slow.hold()
        await slow.say("hello")
        await quick.say("hello")
        await quick.until_sent(containing="echo: hello")
        slow.release()
        await rig.settled()
        assert len(slow.sent) == len(quick.sent) == 1


async def test_answers_to_two_people_go_to_their_own_chats(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await asyncio.gather(rig.adapter.say("mine"), rig.adapter.say("other", sender=BEN))
        await rig.settled()
        assert rig.adapter.texts("7") == ["echo: mine"]
        assert rig.adapter.texts("8") == ["echo: other"]


async def test_in_place_of_a_file_that_no_platform_takes_its_words_and_the_reason_are_said(
    tmp_path: Path,
) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryRejected("This server takes no files."))
    async with running(tmp_path, adapter) as rig:
        where, path = adapter.address(), tmp_path / "plan.pdf"
        file = Outbound(where, "Here is **it**.", OutboundKind.FILE, file=path, file_name="plan.pdf")
        await owe(rig, Owed("file", file, Priority.REPLY))
        (told,) = await adapter.until_sent()
        assert told.text == "⚠️ plan.pdf could not be sent: This server takes no files.\n\nHere is **it**."
        await rig.settled()
        assert await rig.states("outbox") == ["dead", "sent"]

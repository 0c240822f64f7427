"""Approvals as people meet them in a chat: cards, taps, commands, batches, and what becomes of each."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kernel.approvals import How, Outcome
from kernel.errors import DeliveryRejected
from kernel.messages import OutboundKind, Sender
from kernel.people import Principal, Role
from kernel.states import ApprovalState
from tests.fakes.adapter import BEN, SHOWY, ScriptedAdapter
from tests.support.gatekeeping import SECRET, gated, labels
from tests.support.gateway import findings

LOW, MEDIUM, HIGH = "rm app.log.1", "rm notes.txt", "git push --force"
CLEO = Sender("9", "Cleo")
MALLORY = Sender("66", "Mallory")
OWNER = Principal("fake:7", Role.OWNER, "Ann")
MEDIUM_LABELS = ["✅ Approve", "❌ Refuse", "For this session", "Always …"]
WITH_OPERATOR: Mapping[str, Any] = {
    "access": {"owners": ["fake:7", "other:7"], "users": ["fake:8"], "operators": ["fake:9"]}
}
GROUP: dict[str, Any] = {"chat": "-100", "private": False, "addressed": True}


def showy(name: str = "fake", **changes: Any) -> ScriptedAdapter:
    return ScriptedAdapter(name, **(SHOWY | changes))


@pytest.fixture(autouse=True)
async def sound(tmp_path: Path) -> Any:
    """After every story, no invariant is broken."""
    yield
    # The invariants are looked at long afterwards, when whatever nobody decided would have expired.
    assert [found for found in findings(tmp_path) if found.name != "approval.overdue"] == []


async def test_a_card_shows_the_whole_action_and_where_and_for_whom_and_until_when(tmp_path: Path) -> None:
    async with gated(tmp_path, public_url="https://hermes.example") as here:
        asked = await here.ask(f"{MEDIUM} && echo done")
        card = here.card(asked)
        for shown in (
            "**Medium risk: may I?**",
            f"`{asked.short}`",
            f"```\n{MEDIUM} && echo done\n```",
            f"in `{tmp_path}/workspace`",
            "on `box`",
            "asked by",
            "no answer means no",
            f"https://hermes.example/approvals#{asked.id}",
        ):
            assert shown in card.text
        assert labels(card) == MEDIUM_LABELS
        assert await here.tap(card, "✅ Approve") == "Approved; it runs now."
        assert here.agents.ran == [f"{MEDIUM} && echo done"]
        edits = [sent for sent in here.adapter.sent if sent.message.replaces == card.id]
        assert "Approved by Ann" in edits[-1].text
        assert "Exit code 0." in edits[-1].text
        assert labels(edits[-1]) == []


async def test_high_risk_is_offered_once_only(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        card = here.card(await here.ask(HIGH))
        assert labels(card) == ["✅ Approve once", "❌ Refuse"]
        assert await here.tap(card, "❌ Refuse") == "Refused."
        assert here.agents.ran == []


async def test_a_long_action_comes_in_several_messages_with_buttons_under_the_last(tmp_path: Path) -> None:
    command = "rm " + " ".join(f"file-{number:04}.txt" for number in range(400))
    async with gated(tmp_path, showy(text_limit=1000)) as here:
        asked = await here.ask(command)
        rows = await here.rig.rows(
            "SELECT text, extra FROM outbox JOIN approval_card ON outbox_id = outbox.id ORDER BY id"
        )
        shown = "".join(row["text"].removeprefix("```\n").removesuffix("\n```") for row in rows[:-1])
        assert "".join(shown.split()) == "".join(command.split())
        assert ["buttons" in row["extra"] for row in rows] == [False] * (len(rows) - 1) + [True]
        assert all(len(row["text"]) <= 1000 for row in rows)
        assert await here.tap(here.card(asked), "✅ Approve once") == "Approved; it runs now."
        edits = [sent for sent in here.adapter.sent if sent.message.kind is OutboundKind.EDIT]
        assert len(edits[-1].text) <= 1000


async def test_a_decision_without_a_name_says_what_is_missing(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        await here.ask(MEDIUM)
        for command in ("/approve", "/deny", "/edit"):
            assert "Which request?" in await here.says(command)
        assert here.agents.ran == []


async def test_what_was_not_shown_completely_is_not_approved_by_its_button(tmp_path: Path) -> None:
    command = "rm " + " ".join(f"file-{number:04}.txt" for number in range(400))
    async with gated(tmp_path, showy(text_limit=1000)) as here:
        here.adapter.refuse(DeliveryRejected("No."))
        asked = await here.ask(command)
        told = await here.tap(here.card(asked), "✅ Approve once")
        assert "Not all of this request could be shown" in told
        assert here.agents.ran == []
        assert (await here.keeping.facts())["warnings"]
        await here.says(f"/approvals {asked.short}")
        assert "file-0000.txt" in "\n".join(here.adapter.texts())
        assert "Approved" in await here.says(f"/approve {asked.short}")
        assert here.agents.ran == [command]


async def test_odd_characters_are_escaped_and_no_text_leaves_its_block(tmp_path: Path) -> None:
    command = "rm 'a\u202eb' '```\n[Open the page](http://evil.example) ````'"
    async with gated(tmp_path) as here:
        card = here.card(await here.ask(command))
        assert "\u202e" not in card.text
        assert "\\u202e" in card.text
        fence = "`" * 5
        block = card.text.partition(f"{fence}\n")[2]
        code, _, rest = block.partition(f"\n{fence}")
        assert code == command.replace("\u202e", "\\u202e")
        assert "\\](http" in rest
        assert rest.count("](") == 1


async def test_secrets_are_on_no_card_list_pattern_or_result(tmp_path: Path) -> None:
    async with gated(tmp_path, approvals={"batch": 2}) as here:
        first = await here.ask(f"rm {SECRET}.txt")
        await here.ask(f"rm {SECRET}.log")
        await here.says("/approvals")
        await here.says(f"/approvals {first.short}")
        await here.tap(here.card(first), "Always …")
        digest = next(sent for sent in here.adapter.sent if "requests wait here" in sent.text)
        await here.tap(digest, "All 2 medium …")
        here.agents.result = type(here.agents.result)(f"it said {SECRET}", 0)
        await here.tap(here.adapter.sent[-1], "✅ Approve all 2")
        await here.says("/grants")
        assert len(here.agents.ran) == 2
        everything = [sent.text for sent in here.adapter.sent] + list(here.adapter.seen.told.values())
        assert [text for text in everything if SECRET in text] == []
        assert any("[redacted]" in text for text in everything)


async def test_in_a_group_only_the_taps_of_approvers_count(tmp_path: Path) -> None:
    async with gated(tmp_path, **WITH_OPERATOR) as here:
        asked = await here.ask(MEDIUM, sender=CLEO, **GROUP)
        card = here.card(asked)
        assert card.message.address.chat == "-100"
        assert await here.tap(card, "✅ Approve", sender=BEN) == "Only operators and owners decide."
        assert "do not know you" in await here.tap(card, "✅ Approve", sender=MALLORY)
        assert here.agents.ran == []
        assert await here.tap(card, "✅ Approve", sender=CLEO) == "Approved; it runs now."
        assert here.agents.ran == [MEDIUM]


async def test_a_strangers_tap_gets_a_sentence_and_no_pairing_code(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        card = here.card(await here.ask(MEDIUM))
        count = len(here.adapter.texts())
        assert "do not know you" in await here.tap(card, "✅ Approve", sender=MALLORY)
        assert len(here.adapter.texts()) == count


async def test_what_a_user_asks_for_goes_home_and_the_user_is_told(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        asked = await here.ask(MEDIUM, sender=BEN)
        card = here.card(asked)
        assert card.message.address.chat == "7"
        note = here.adapter.texts("8")[0]
        assert "an operator" in note
        assert asked.short in note
        assert await here.tap(card, "✅ Approve") == "Approved; it runs now."
        assert here.agents.ran == [MEDIUM]


async def test_the_veto_clock_does_not_start_with_the_note_to_the_user(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        here.adapter.refuse(DeliveryRejected("No."))
        asked = await here.ask(LOW, sender=BEN)
        assert "an operator" in here.adapter.texts("8")[0]
        await asyncio.sleep(600)
        await here.settled()
        assert (await here.get(asked.id)).state is ApprovalState.PENDING


async def test_only_named_approvers_are_asked_and_heard_where_some_are_named(tmp_path: Path) -> None:
    async with gated(tmp_path, approvals={"approvers": ["fake:7"]}, **WITH_OPERATOR) as here:
        asked = await here.ask(MEDIUM, sender=CLEO)
        card = here.card(asked)
        assert card.message.address.chat == "7"
        assert "not among the approvers" in await here.says(f"/approve {asked.short}", sender=CLEO)
        assert await here.tap(card, "✅ Approve") == "Approved; it runs now."


async def test_quiet_hours_make_medium_silent_and_high_heard(tmp_path: Path) -> None:
    quiet = {"quiet": {"start": "00:00", "end": "23:59"}}
    async with gated(tmp_path, approvals=quiet) as here:
        assert here.card(await here.ask(MEDIUM)).message.silent
        assert not here.card(await here.ask(HIGH)).message.silent


async def test_without_an_answer_the_next_place_is_told(tmp_path: Path) -> None:
    other = showy("other")
    chosen = {"escalation": {"minutes": 10, "places": ["other:7"]}}
    async with gated(tmp_path, showy(), other, approvals=chosen) as here:
        asked = await here.ask(HIGH)
        assert here.cards(asked, other) == []
        await asyncio.sleep(601)
        await here.settled()
        second = here.card(asked, other)
        assert labels(second) == ["✅ Approve once", "❌ Refuse"]
        assert await here.tap(second, "✅ Approve once", adapter=other) == "Approved; it runs now."
        closed = [sent for sent in here.adapter.sent if "Approved by" in sent.text]
        assert closed
        assert await here.tap(here.card(asked), "✅ Approve once") != "Approved; it runs now."
        assert here.agents.ran == [HIGH]


async def test_an_expired_card_offers_to_ask_again(tmp_path: Path) -> None:
    async with gated(tmp_path, approvals={"expiry_hours": 1}) as here:
        asked = await here.ask(HIGH)
        card = here.card(asked)
        await asyncio.sleep(3601)
        await here.settled()
        assert (await here.get(asked.id)).state is ApprovalState.EXPIRED
        late = await here.tap(card, "✅ Approve once")
        assert late.startswith("Expired")
        expired = here.card(asked)
        assert labels(expired) == ["🔁 Ask again"]
        assert await here.tap(expired, "🔁 Ask again") == "Asked again."
        assert "asked anew already" in await here.tap(expired, "🔁 Ask again")
        rows = await here.rig.rows("SELECT id FROM approval WHERE supersedes = ?", asked.id)
        assert len(rows) == 1
        again = await here.get(rows[0]["id"])
        assert await here.tap(here.card(again), "✅ Approve once") == "Approved; it runs now."
        assert here.agents.ran == [HIGH]


async def test_low_risk_shows_its_deadline_and_runs_five_minutes_after_the_notice(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        here.adapter.hold()
        await here.adapter.say(f"run {LOW}")
        await here.rig.until_event("approval.ask")
        await asyncio.sleep(400)
        assert here.agents.ran == []
        here.adapter.release()
        await here.settled()
        (row,) = await here.rig.rows("SELECT id FROM approval")
        asked = await here.get(row["id"])
        card = here.card(asked)
        assert labels(card) == ["✅ Run now", "❌ Stop", "✋ Hold"]
        assert "It runs by itself at" in card.text
        await asyncio.sleep(290)
        assert here.agents.ran == []
        await asyncio.sleep(20)
        await here.settled()
        assert here.agents.ran == [LOW]
        assert (await here.get(asked.id)).decided_how == "auto"
        assert any("Nobody objected, so it ran by itself" in sent.text for sent in here.adapter.sent)
        assert "Nobody objected" in await here.says(f"/approve {asked.short}")


async def test_a_held_request_stands_until_it_is_released(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        asked = await here.ask(LOW)
        await here.tap(here.card(asked), "✋ Hold")
        held = here.card(asked)
        assert "On hold" in held.text
        assert labels(held) == ["✅ Run now", "❌ Stop", "▶️ Release"]
        await asyncio.sleep(1000)
        assert here.agents.ran == []
        await here.tap(held, "▶️ Release")
        assert labels(here.card(asked)) == ["✅ Run now", "❌ Stop", "✋ Hold"]
        await asyncio.sleep(310)
        await here.settled()
        assert here.agents.ran == [LOW]


async def test_stop_and_run_now_decide_at_once(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        first = await here.ask(LOW)
        assert await here.tap(here.card(first), "❌ Stop") == "Refused."
        second = await here.ask(LOW)
        assert await here.tap(here.card(second), "✅ Run now") == "Approved; it runs now."
        await asyncio.sleep(1000)
        assert here.agents.ran == [LOW]


async def test_several_requests_are_decided_together_after_a_preview_of_all(tmp_path: Path) -> None:
    async with gated(tmp_path, showy(text_limit=300), approvals={"batch": 3}) as here:
        commands = [f"rm notes-{number}-{'x' * 80}.txt" for number in range(3)]
        for command in commands:
            await here.ask(command)
        await here.ask(HIGH)
        digest = next(sent for sent in here.adapter.sent if "All 3 medium …" in labels(sent))
        before = len(here.adapter.sent)
        assert await here.tap(digest, "All 3 medium …") == "3 requests"
        preview = here.adapter.sent[-1]
        shown = "".join(sent.text for sent in here.adapter.sent[before:])
        assert len(here.adapter.sent) > before + 1
        assert all(command in shown for command in commands)
        assert labels(preview) == ["✅ Approve all 3", "❌ Refuse all 3"]
        assert await here.tap(preview, "✅ Approve all 3") == "3 approved."
        assert sorted(here.agents.ran) == commands
        closed = [sent for sent in here.adapter.sent if sent.message.replaces == preview.id]
        assert [sent.text for sent in closed] == ["3 approved."]


async def test_a_preview_that_is_no_longer_true_decides_nothing(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        for number in range(2):
            await here.ask(f"rm notes-{number}.txt")
        await here.says("/approvals")
        await here.tap(here.adapter.sent[-1], "All 2 medium …")
        preview = here.adapter.sent[-1]
        await here.ask("rm one-more.txt")
        assert "Something has changed" in await here.tap(preview, "✅ Approve all 2")
        assert here.agents.ran == []


async def test_only_approvers_see_and_decide_batches(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        for number in range(2):
            await here.ask(f"rm notes-{number}.txt")
        await here.says("/approvals")
        listed = here.adapter.sent[-1]
        assert await here.tap(listed, "All 2 medium …", sender=BEN) == "Only operators and owners decide."
        await here.tap(listed, "All 2 medium …")
        preview = here.adapter.sent[-1]
        assert await here.tap(preview, "✅ Approve all 2", sender=BEN) == "Only operators and owners decide."
        assert here.agents.ran == []


async def test_always_shows_its_pattern_first_and_is_listed_and_revoked(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        asked = await here.ask(MEDIUM)
        assert await here.tap(here.card(asked), "Always …") == "Look at what would be allowed."
        assert (await here.get(asked.id)).open
        offer = here.adapter.sent[-1]
        assert f"exactly '{MEDIUM}'" in offer.text
        await here.tap(offer, "✅ Approve and always allow")
        assert here.agents.ran == [MEDIUM]
        assert await here.says(f"run {MEDIUM}") == "It passed."
        listed = await here.says("/grants")
        assert MEDIUM in listed
        assert "used 1 time" in listed
        (row,) = await here.rig.rows('SELECT id FROM "grant" WHERE revoked_at IS NULL')
        assert "Revoked" in await here.says(f"/grants revoke {row['id']}")
        assert await here.says("/grants") == "There are no standing permissions."
        await here.ask(MEDIUM)


async def test_nobody_is_shown_a_permission_that_they_could_not_give(tmp_path: Path) -> None:
    async with gated(tmp_path, **WITH_OPERATOR) as here:
        asked = await here.ask(MEDIUM, sender=CLEO)
        card = here.card(asked)
        assert "Only an owner" in await here.tap(card, "Always …", sender=CLEO)
        assert "Only operators" in await here.tap(card, "Always …", sender=BEN)
        await here.tap(card, "✅ Approve", sender=CLEO)
        assert "Approved by Cleo" in await here.tap(card, "Always …")


async def test_for_this_session_lets_the_same_pass_there_only(tmp_path: Path) -> None:
    async with gated(tmp_path, **WITH_OPERATOR) as here:
        await here.tap(here.card(await here.ask(MEDIUM)), "For this session")
        assert await here.says(f"run {MEDIUM}") == "It passed."
        await here.ask("rm others.txt")
        await here.ask(MEDIUM, sender=CLEO)


async def test_an_edited_action_is_judged_afresh(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        first = await here.ask(MEDIUM)
        assert "Approved" in await here.says(f"/edit {first.short} rm other.txt")
        assert here.agents.ran == ["rm other.txt"]
        second = await here.ask(MEDIUM)
        assert "high risk" in await here.says(f"/edit {second.short} git push --force origin main")
        assert "Refused" in await here.says(f"/edit {(await here.ask(MEDIUM)).short} rm -rf /etc")
        assert here.agents.ran == ["rm other.txt"]
        assert (await here.get(second.id)).state is ApprovalState.VOID


async def test_a_second_approver_has_to_agree_where_that_is_set(tmp_path: Path) -> None:
    async with gated(tmp_path, approvals={"step_up": "second_approver"}, **WITH_OPERATOR) as here:
        asked = await here.ask(HIGH, **GROUP)
        card = here.card(asked)
        assert "2 people must agree" in card.text
        assert "Counted" in await here.tap(card, "✅ Approve once")
        assert "Counted" in await here.tap(card, "✅ Approve once")
        assert here.agents.ran == []
        assert await here.tap(card, "✅ Approve once", sender=CLEO) == "Approved; it runs now."
        assert here.agents.ran == [HIGH]


async def test_a_code_comes_by_another_channel_where_that_is_set(tmp_path: Path) -> None:
    other = showy("other")
    async with gated(tmp_path, showy(), other, approvals={"step_up": "code"}) as here:
        await other.say("hello")
        await here.settled()
        asked = await here.ask(HIGH)
        assert "A code went to your other channel" in await here.tap(here.card(asked), "✅ Approve once")
        told = other.texts()[-1]
        assert HIGH in told
        code = told.partition("is **")[2].partition("**")[0]
        wrong = "000000" if code != "000000" else "111111"
        assert await here.says(f"/approve {asked.short} {wrong}") == "That is not the code."
        assert here.agents.ran == []
        assert "Approved" in await here.says(f"/approve {asked.short} {code}")
        assert here.agents.ran == [HIGH]
        assert not any(code in text for text in here.adapter.texts())


async def test_trust_is_visible_never_covers_high_and_ends(tmp_path: Path) -> None:
    chosen = {"mode": "trust", "trust_until": "2027-01-15T09:00:00Z"}
    async with gated(tmp_path, approvals=chosen) as here:
        assert "trust until 2027-01-15 09:00" in str((await here.keeping.facts())["warnings"])
        assert await here.says(f"run {MEDIUM}") == "It passed."
        await here.ask(HIGH)
        await asyncio.sleep(3700)
        await here.ask(MEDIUM)
        assert (await here.keeping.facts())["approvals_mode"] == "gate"


async def test_deny_mode_refuses_whatever_would_be_asked(tmp_path: Path) -> None:
    async with gated(tmp_path, approvals={"mode": "deny"}) as here:
        assert (await here.says(f"run {MEDIUM}")).startswith("Refused")
        assert await here.says("run ls") == "It passed."


async def test_a_decision_taken_before_the_card_arrived_is_shown_on_it(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        here.adapter.hold()
        await here.adapter.say(f"run {HIGH}")
        await here.rig.until_event("approval.ask")
        (row,) = await here.rig.rows("SELECT id FROM approval")
        assert (await here.service.decide(row["id"], OWNER, How.REFUSE)).outcome is Outcome.APPLIED
        here.adapter.release()
        await here.settled()
        last = [sent for sent in here.adapter.sent if HIGH in sent.text][-1]
        assert last.message.kind is OutboundKind.EDIT
        assert "Refused by Ann" in last.text
        assert labels(last) == []


async def test_a_channel_that_cannot_show_a_request_is_told_of_on_another(tmp_path: Path) -> None:
    other = showy("other")
    async with gated(tmp_path, showy(), other) as here:
        await other.say("hello")
        await here.settled()
        here.adapter.refuse(DeliveryRejected("Blocked."))
        await here.adapter.say(f"run {HIGH}")
        (told,) = await other.until_sent(containing="could not be shown on fake")
        assert "/approvals" in told.text
        assert "could not be delivered" in str((await here.keeping.facts())["warnings"])


async def test_a_reason_reaches_the_agent_and_the_card(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        asked = await here.ask(MEDIUM)
        assert await here.says(f"/deny {asked.short} not on a *Friday*") == "Refused."
        assert "Reason: not on a *Friday*" in str(here.rig.runner.asked[-1])
        assert (
            "Reason: not on a \\*Friday\\*"
            in [sent.text for sent in here.adapter.sent if MEDIUM in sent.text][-1]
        )


async def test_a_name_that_nobody_has_and_a_decision_that_was_taken_are_said(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        assert "There is no request" in await here.says("/approve nope")
        asked = await here.ask(MEDIUM)
        await here.says(f"/approve {asked.short}")
        assert "Approved by Ann" in await here.says(f"/deny {asked.short}")
        assert "Approved by Ann" in await here.says(f"/approvals {asked.short}")
        assert await here.says("/approvals") == "Nothing waits for a decision."
        assert here.agents.ran == [MEDIUM]


async def test_stopping_a_conversation_withdraws_what_it_asked(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        asked = await here.ask(MEDIUM)
        card = here.card(asked)
        await here.says("/stop")
        assert (await here.get(asked.id)).state is ApprovalState.CANCELLED
        assert "Cancelled" in await here.tap(card, "✅ Approve")
        assert here.agents.ran == []

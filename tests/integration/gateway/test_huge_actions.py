"""Huge actions in a chat: wherever the whole of one is shown, a file holds it where the platform takes files."""

import asyncio
from pathlib import Path
from typing import Any

from kernel.approvals import Action, ActionKind, How, arguments_text
from kernel.errors import DeliveryRejected
from kernel.messages import OutboundKind
from kernel.people import Principal, Role, Scope
from kernel.states import ApprovalState
from tests.fakes.adapter import SHOWY, ScriptedAdapter
from tests.support.gatekeeping import gated, labels

OWNER = Principal("fake:7", Role.OWNER, "Ann")
PROGRAM = Principal("token:ci", Role.OWNER, "ci", frozenset({Scope.APPROVALS_ASK}))
HUGE = "rm " + " ".join(f"file-{number:04}.txt" for number in range(2000))


def showy(name: str = "fake") -> ScriptedAdapter:
    short: dict[str, Any] = {"text_limit": 1000, "files": True}
    return ScriptedAdapter(name, **(SHOWY | short))


def files(adapter: ScriptedAdapter) -> list[str]:
    """Return what the files hold that a platform was sent."""
    sent = [one.message.file for one in adapter.sent]
    return [file.read_text() for file in sent if file is not None]


async def test_a_huge_action_that_is_looked_at_again_comes_as_a_file(tmp_path: Path) -> None:
    async with gated(tmp_path, showy()) as here:
        asked = await here.ask(HUGE)
        before = len(here.adapter.sent)
        told = await here.says(f"/approvals {asked.short}")
        assert f"/approve {asked.short} or /deny {asked.short} decides." in told
        assert len(here.adapter.sent) - before <= 4
        assert files(here.adapter) == [HUGE, HUGE]


async def test_the_code_for_a_huge_action_comes_with_a_file_of_it(tmp_path: Path) -> None:
    other = showy("other")
    async with gated(tmp_path, showy(), other, approvals={"step_up": "code"}) as here:
        await other.say("hello")
        await here.settled()
        asked = await here.ask(HUGE)
        before = len(other.sent)
        await here.tap(here.card(asked), "✅ Approve once")
        assert files(other) == [HUGE]
        assert len(other.sent) - before <= 4
        code = other.texts()[-1].partition("is **")[2].partition("**")[0]
        assert "Approved" in await here.says(f"/approve {asked.short} {code}")
        assert here.agents.ran == [HUGE]


async def test_a_batch_of_huge_actions_is_previewed_as_one_file(tmp_path: Path) -> None:
    script = "rm notes.txt # " + "x" * 3000
    async with gated(tmp_path, showy()) as here:
        for number in range(3):
            await here.ask(f"{script}{number}")
        await here.says("/approvals")
        assert await here.tap(here.adapter.sent[-1], "All 3 medium …") == "3 requests"
        whole = files(here.adapter)[-1]
        assert all(f"{script}{number}" in whole for number in range(3))
        assert "3 approved." in await here.tap(here.adapter.sent[-1], "✅ Approve all 3")
        assert len(here.agents.ran) == 3


async def test_what_became_of_a_huge_action_is_asked_with_a_file_of_it(tmp_path: Path) -> None:
    told = {"report_hours": 2}
    async with gated(tmp_path, showy(), approvals=told) as here:
        await here.adapter.say("hello")
        await here.settled()
        arguments = arguments_text({"command": HUGE})
        action = Action(ActionKind.TERMINAL, "terminal", arguments, HUGE, cwd=str(tmp_path / "workspace"))
        asked = await here.service.ask(PROGRAM, action)
        await here.service.decide(asked, OWNER, How.ONCE)
        await here.service.consume(asked.id, PROGRAM)
        await here.settled()
        before = len(here.adapter.sent)
        await asyncio.sleep(2 * 3600 + 1)
        await here.settled()
        assert labels(here.card(asked)) == ["It happened", "It did not"]
        new = [one for one in here.adapter.sent[before:] if one.message.kind is not OutboundKind.EDIT]
        assert len(new) <= 4
        assert files(here.adapter) == [HUGE, HUGE]
        await here.tap(here.card(asked), "It did not")
        assert (await here.get(asked.id)).state is ApprovalState.DONE


async def test_the_pattern_of_a_huge_action_is_shown_as_a_file_before_it_is_granted(tmp_path: Path) -> None:
    script = "rm notes.txt # " + "x" * 9000
    async with gated(tmp_path, showy()) as here:
        asked = await here.ask(script)
        before = len(here.adapter.sent)
        assert await here.tap(here.card(asked), "Always …") == "Look at what would be allowed."
        assert len(here.adapter.sent) - before <= 4
        assert script in files(here.adapter)[-1]
        assert "Approved" in await here.tap(here.adapter.sent[-1], "✅ Approve and always allow")
        assert here.agents.ran == [script]


async def test_an_action_too_long_for_a_few_messages_comes_as_a_file(tmp_path: Path) -> None:
    async with gated(tmp_path, showy()) as here:
        asked = await here.ask(HUGE)
        rows = await here.rig.rows(
            "SELECT kind, text, extra FROM outbox JOIN approval_card ON outbox_id = outbox.id ORDER BY id"
        )
        assert len(rows) <= 4
        assert (rows[0]["kind"], f"{len(HUGE)} characters" in rows[0]["text"]) == ("file", True)
        [sent] = [one.message for one in here.adapter.sent if one.message.file is not None]
        assert sent.file
        assert sent.file.read_text() == HUGE
        assert "file-0000.txt" in rows[1]["text"]
        assert await here.tap(here.card(asked), "✅ Approve once") == "Approved; it runs now."
        assert here.agents.ran == [HUGE]


async def test_an_action_whose_file_did_not_arrive_is_not_approved_by_its_button(tmp_path: Path) -> None:
    async with gated(tmp_path, showy()) as here:
        here.adapter.refuse(DeliveryRejected("No."))
        asked = await here.ask(HUGE)
        assert "Not all of this request" in await here.tap(here.card(asked), "✅ Approve once")
        assert here.agents.ran == []

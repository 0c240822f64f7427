"""Questions: asked once, answered once, by a button or in words, whatever happens in between."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.adapter import Forms
from kernel.errors import StoreFull
from kernel.turns import TurnIO, TurnOutcome, TurnRequest
from tests.fakes.adapter import BEN, SHOWY, ScriptedAdapter, Sent
from tests.fakes.turn_runner import ScriptedRunner
from tests.support.gateway import Rig, findings, running


class Asks:
    """A script that asks a question and ends held, after ``wait`` is set."""

    def __init__(self, *options: str, text: str = "Shall I?") -> None:
        self.text, self.options = text, options
        self.rig: Rig | None = None
        self.asked = asyncio.Event()
        self.wait = asyncio.Event()
        self.wait.set()

    async def __call__(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        assert self.rig is not None
        id = await self.rig.gateway.desk.ask(request, self.text, self.options, "call-1")
        self.asked.set()
        await self.wait.wait()
        return TurnOutcome("", held=(id,))


def asking(script: Asks) -> dict[str, Any]:
    """Return what a gateway needs whose agent asks first."""
    return {"runner": ScriptedRunner(script)}


async def card_of(rig: Rig, script: Asks) -> Sent:
    """Have a person cause the question, and return its card."""
    script.rig = rig
    await rig.adapter.say("do it")
    return (await rig.adapter.until_sent(containing=script.text))[0]


async def test_a_button_answers_and_the_card_shows_who_did(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    async with running(tmp_path, ScriptedAdapter(**SHOWY), **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.settled()
        assert await rig.states("turn") == ["suspended"]
        await rig.adapter.tap(card, "yes")
        await rig.settled()
        assert rig.runner.asked[1] == ["[Answer from Ann to the question 'Shall I?']\nyes"]
        closed = next(sent for sent in rig.adapter.sent if sent.message.replaces == card.id)
        assert "**yes** (Ann)" in closed.text
        assert await rig.states("turn") == ["done", "done"]
        assert "Answered: yes" in rig.adapter.seen.told.values()
    assert findings(tmp_path) == []


async def test_ten_taps_are_one_answer(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    async with running(tmp_path, ScriptedAdapter(**SHOWY), **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.adapter.tap(card, "yes", times=9)
        await rig.adapter.tap(card, "no")
        await rig.settled()
        assert len(rig.runner.requests) == 2
        assert "This question was already answered." in rig.adapter.seen.told.values()
    assert findings(tmp_path) == []


async def test_an_answer_that_comes_before_the_asking_turn_has_ended_is_not_lost(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    script.wait.clear()
    async with running(tmp_path, ScriptedAdapter(**SHOWY), **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.adapter.tap(card, "yes")
        await rig.until_event("question.answer")
        script.wait.set()
        await rig.settled()
        assert [len(asked) for asked in rig.runner.asked] == [1, 1]
        assert await rig.states("turn") == ["done", "done"]
    assert findings(tmp_path) == []


async def test_words_answer_too_and_are_no_message_of_their_own(tmp_path: Path) -> None:
    script = Asks("Yes", "No")
    async with running(tmp_path, **asking(script)) as rig:
        await card_of(rig, script)
        await rig.settled()
        await rig.adapter.say("yes.")
        await rig.settled()
        assert len(rig.runner.requests) == 2
        assert "\nYes" in rig.runner.asked[1][0]
    assert findings(tmp_path) == []


async def test_the_next_message_answers_a_question_without_options(tmp_path: Path) -> None:
    script = Asks(text="What is your name?")
    async with running(tmp_path, **asking(script)) as rig:
        await card_of(rig, script)
        await rig.settled()
        await rig.adapter.say("Ann of Green Gables")
        await rig.settled()
        assert "Ann of Green Gables" in rig.runner.asked[1][0]


async def test_one_can_go_on_talking_while_a_question_is_open(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    async with running(tmp_path, ScriptedAdapter(**SHOWY), **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.settled()
        await rig.adapter.say("what do you mean?")
        await rig.adapter.until_sent(containing="echo: what do you mean?")
        await rig.adapter.tap(card, "no")
        await rig.settled()
        assert "\nno" in rig.runner.asked[2][0]


async def test_a_question_survives_a_crash_and_is_answered_afterwards(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, crash=True, **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.until_event("turn.suspend")
        await rig.settled()
    async with running(tmp_path, adapter) as rig:
        await adapter.tap(card, "yes")
        await rig.settled()
        assert len(rig.runner.requests) == 1
        assert [sent.text for sent in adapter.sent if sent.message.buttons] == ["❓ Shall I?"]
    assert findings(tmp_path) == []


async def test_stop_withdraws_an_open_question(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    async with running(tmp_path, ScriptedAdapter(**SHOWY), **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.settled()
        await rig.adapter.say("/stop")
        await rig.adapter.until_sent(containing="withdrawn")
        await rig.adapter.tap(card, "yes")
        await rig.settled()
        assert len(rig.runner.requests) == 1
        assert await rig.states("turn") == ["cancelled"]
    assert findings(tmp_path) == []


async def test_anybody_admitted_in_the_chat_answers_and_strangers_do_not(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, **asking(script)) as rig:
        script.rig = rig
        await adapter.say("do it", chat="-5", private=False)
        card = (await adapter.until_sent(containing="Shall I?"))[0]
        await adapter.tap(card, "no", sender=type(BEN)("666", "Mallory"))
        await rig.settled()
        assert len(rig.runner.requests) == 1
        await adapter.tap(card, "yes", sender=BEN)
        await rig.settled()
        assert "Answer from Ben" in rig.runner.asked[1][0]


async def test_an_answer_is_kept_when_the_disk_was_full_at_first(tmp_path: Path) -> None:
    script = Asks("yes", "no")
    async with running(tmp_path, ScriptedAdapter(**SHOWY), **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.settled()
        rig.database.refusals["gateway.questions.QuestionDesk.answer.commit"] = [
            StoreFull("The disk is full.")
        ]
        await rig.adapter.tap(card, "yes")
        await rig.adapter.until_sent(containing="The disk is full")
        await rig.adapter.tap(card, "yes")
        await rig.settled()
        assert len(rig.runner.requests) == 2


async def test_a_form_takes_the_answer_to_a_question_without_options(tmp_path: Path) -> None:
    script, abilities = Asks(text="Which branch?"), SHOWY["abilities"] | {Forms}
    adapter = ScriptedAdapter(**(SHOWY | {"abilities": abilities}))
    async with running(tmp_path, adapter, **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.settled()
        await adapter.tap(card, "✍️ Answer …")
        await rig.settled()
        tap, form = adapter.seen.forms[-1]
        assert form.label == "Which branch?"
        assert tap not in adapter.seen.told
        empty = await adapter.fill(form, "  ")
        elsewhere = await adapter.fill(form, "main", sender=BEN, chat="8")
        await rig.settled()
        assert adapter.seen.told[empty] == "There was no text."
        assert "Answered" not in adapter.seen.told[elsewhere]
        answered = await adapter.fill(form, "develop")
        await rig.settled()
        assert adapter.seen.told[answered] == "Answered: develop"
        assert rig.runner.asked[1] == ["[Answer from Ann to the question 'Which branch?']\ndevelop"]
        late = await adapter.fill(form, "main")
        await rig.settled()
        assert adapter.seen.told[late] == "This question was already answered."
    assert findings(tmp_path) == []


async def test_a_question_whose_form_cannot_be_shown_is_answered_in_words(tmp_path: Path) -> None:
    script, abilities = Asks(text="Which branch?"), SHOWY["abilities"] | {Forms}
    adapter = ScriptedAdapter(**(SHOWY | {"abilities": abilities}))
    adapter.forms_open = False
    async with running(tmp_path, adapter, **asking(script)) as rig:
        card = await card_of(rig, script)
        await rig.settled()
        await adapter.tap(card, "✍️ Answer …")
        await rig.settled()
        assert any("next message" in told for told in adapter.seen.told.values())
        await adapter.say("develop")
        await rig.settled()
        assert rig.runner.asked[1] == ["[Answer from Ann to the question 'Which branch?']\ndevelop"]

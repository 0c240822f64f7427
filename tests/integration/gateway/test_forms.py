"""Forms after a tap: refuse with a reason, approve another text, answer a question; elsewhere the way without them."""

from pathlib import Path
from typing import Any

from gateway.adapter import Form, Forms
from kernel.errors import DeliveryRejected
from kernel.messages import Sender
from kernel.states import ApprovalState
from tests.fakes.adapter import BEN, SHOWY, ScriptedAdapter
from tests.support.gatekeeping import SECRET, Gated, gated, labels

MEDIUM, HIGH = "rm notes.txt", "git push --force"
EDIT, REASON = "✏️ Edit …", "❌ Refuse, because …"
OWNERS: dict[str, Any] = {"access": {"owners": ["fake:7", "fake:9"], "users": ["fake:8"]}}
CLEO = Sender("9", "Cleo")


def formal(**changes: Any) -> ScriptedAdapter:
    """Return a platform with forms."""
    abilities = SHOWY["abilities"] | {Forms}
    return ScriptedAdapter(**(SHOWY | {"abilities": abilities} | changes))


async def opened(here: Gated, command: str, label: str) -> Form:
    """Have a request asked and one of its forms opened; return the form."""
    card = here.card(await here.ask(command))
    await here.adapter.tap(card, label)
    await here.settled()
    _, form = here.adapter.seen.forms[-1]
    return form


async def told(here: Gated, form: Form, text: str, **fields: Any) -> str:
    """Have a form filled in; return what the person was told."""
    id = await here.adapter.fill(form, text, **fields)
    await here.settled()
    return here.adapter.seen.told[id]


async def test_a_reason_written_into_a_form_refuses_and_reaches_the_card(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        asked = await here.ask(MEDIUM)
        card = here.card(asked)
        assert labels(card)[-2:] == [EDIT, REASON]
        await here.adapter.tap(card, REASON)
        await here.settled()
        tap, form = here.adapter.seen.forms[-1]
        assert not form.required
        assert tap not in here.adapter.seen.told
        assert await told(here, form, "not on a Friday") == "Refused."
        now = await here.get(asked.id)
        assert (now.state, now.reason) == (ApprovalState.REFUSED, "not on a Friday")
        assert "not on a Friday" in here.adapter.sent[-1].text or any(
            "not on a Friday" in sent.text for sent in here.adapter.sent
        )
        assert here.agents.ran == []


async def test_an_edited_action_runs_in_place_of_the_one_that_was_shown(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        form = await opened(here, MEDIUM, EDIT)
        assert (form.preset, form.required) == (MEDIUM, True)
        assert "runs now" in await told(here, form, "rm other.txt")
        assert here.agents.ran == ["rm other.txt"]
        assert "runs now" not in await told(here, form, "rm third.txt")
        assert here.agents.ran == ["rm other.txt"]


async def test_an_edit_to_something_graver_is_judged_afresh(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        form = await opened(here, MEDIUM, EDIT)
        await told(here, form, HIGH)
        assert here.agents.ran == []
        states = [row["state"] for row in await here.rig.rows("SELECT state FROM approval ORDER BY rowid")]
        assert states[-1] == "pending"


async def test_a_form_of_somebody_else_or_an_altered_one_decides_nothing(tmp_path: Path) -> None:
    async with gated(tmp_path, formal(), **OWNERS) as here:
        asked = await here.ask(MEDIUM)
        await here.adapter.tap(here.card(asked), EDIT)
        await here.settled()
        _, form = here.adapter.seen.forms[-1]
        altered = Form(form.title, form.label, form.value.replace(":text:", ":reason:"))
        assert "not one of mine" in await told(here, form, "rm other.txt", sender=CLEO)
        assert "not one of mine" in await told(here, altered, "no")
        assert "not one of mine" in await told(here, Form("", "", f"f:{asked.id}:text:0"), "rm x")
        assert (await here.get(asked.id)).state is ApprovalState.PENDING
        assert here.agents.ran == []


async def test_who_may_not_decide_is_shown_no_form(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        card = here.card(await here.ask(MEDIUM))
        said = await here.tap(card, EDIT, sender=BEN)
        assert here.adapter.seen.forms == []
        assert said


async def test_an_empty_edit_decides_nothing(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        form = await opened(here, MEDIUM, EDIT)
        assert "nothing was decided" in await told(here, form, "  ")
        assert here.agents.ran == []


async def test_a_form_that_cannot_be_shown_names_the_command(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        asked = await here.ask(MEDIUM)
        here.adapter.forms_open = False
        assert f"/deny {asked.short}" in await here.tap(here.card(asked), REASON)
        here.adapter.forms_fail = DeliveryRejected("This server has no forms.")
        assert f"/edit {asked.short}" in await here.tap(here.card(asked), EDIT)


async def test_a_secret_or_a_very_long_action_is_put_into_no_form(tmp_path: Path) -> None:
    async with gated(tmp_path, formal()) as here:
        for command in (f"rm {SECRET}.txt", "rm " + "x" * 4000):
            asked = await here.ask(command)
            assert f"/edit {asked.short}" in await here.tap(here.card(asked), EDIT)
        assert here.adapter.seen.forms == []


async def test_without_forms_a_card_has_its_plain_buttons(tmp_path: Path) -> None:
    async with gated(tmp_path) as here:
        assert REASON not in labels(here.card(await here.ask(MEDIUM)))

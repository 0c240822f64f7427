"""A platform where nobody can answer: it is told what is asked and how to answer elsewhere, and never decides."""

import asyncio
from pathlib import Path
from typing import Any

from kernel.errors import DeliveryRejected
from kernel.messages import Address
from kernel.states import ApprovalState
from store import channels
from tests.fakes.adapter import BEN, SHOWY, ScriptedAdapter
from tests.support.gatekeeping import Gated, gated, labels

LOW, MEDIUM = "rm app.log.1", "rm notes.txt"
HOOK = Address("hook", "bot", "C1")
# Ben may not decide himself, so that his requests go to the home channels.
BY_BEN: dict[str, Any] = {"chat": "8"}


def hook() -> ScriptedAdapter:
    return ScriptedAdapter("hook", receives=False)


async def home_at(here: Gated, address: Address) -> None:
    await here.rig.database.write(channels.set_home, address, actor="test")


async def test_a_request_is_told_there_with_its_short_name_and_how_to_answer_elsewhere(
    tmp_path: Path,
) -> None:
    silent, adapter = hook(), ScriptedAdapter(**SHOWY)
    async with gated(tmp_path, adapter, silent) as here:
        await adapter.say("hello")
        await here.settled()
        await home_at(here, HOOK)
        asked = await here.ask(MEDIUM, sender=BEN, **BY_BEN)
        notice = next(sent for sent in silent.sent if MEDIUM in sent.text)
        assert f"/approve {asked.short}" in notice.text
        assert "Nobody can answer here" in notice.text
        assert labels(notice) == []
        assert labels(here.card(asked))[:2] == ["✅ Approve", "❌ Refuse"]
        assert await here.tap(here.card(asked), "✅ Approve") == "Approved; it runs now."


async def test_with_no_other_home_it_is_asked_where_it_came_from_as_well(tmp_path: Path) -> None:
    silent, adapter = hook(), ScriptedAdapter(**SHOWY)
    async with gated(tmp_path, adapter, silent) as here:
        await home_at(here, HOOK)
        await here.rig.database.write(lambda tx: tx.run("DELETE FROM home_channel WHERE platform = 'fake'"))
        asked = await here.ask(MEDIUM, sender=BEN, **BY_BEN)
        assert any(asked.short in sent.text for sent in silent.sent)
        assert here.card(asked).message.address.chat == "8"


async def test_no_clock_runs_for_a_notice_that_nobody_can_object_to(tmp_path: Path) -> None:
    silent, adapter = hook(), ScriptedAdapter(**SHOWY)
    async with gated(tmp_path, adapter, silent) as here:
        await home_at(here, HOOK)
        # The card where it came from never arrives; the notice on the other platform does.
        adapter.failures.extend((DeliveryRejected("No."), False) for _ in range(20))
        asked = await here.ask(LOW, sender=BEN, **BY_BEN)
        assert any(asked.short in sent.text for sent in silent.sent)
        await asyncio.sleep(3600)
        await here.settled()
        assert (await here.get(asked.id)).state is ApprovalState.PENDING
        assert here.agents.ran == []


async def test_status_says_that_nobody_can_answer_there(tmp_path: Path) -> None:
    async with gated(tmp_path, ScriptedAdapter(**SHOWY), hook()) as here:
        status = await here.rig.gateway.reporter.status()
        assert "nobody can answer" in next(one.sentence for one in status.connections if one.name == "hook")

"""Roles of a platform: who has one may what it may, also where only the person's id is known."""

from pathlib import Path
from typing import Any

from kernel.messages import Sender
from kernel.people import Role
from tests.fakes.adapter import ScriptedAdapter
from tests.support.gateway import Rig, findings, running

ACCESS: dict[str, Any] = {"access": {"roles": {"fake:501": "operator", "fake:502": "user"}}}
WORKER = Sender("31", "Wen", ("500", "501"))
SAME_IN_PRIVATE = Sender("31", "Wen")
DISMISSED = Sender("31", "Wen", ("500",))


def role(rig: Rig) -> Role:
    """Return what the worker may, known by id alone."""
    return rig.gateway.access.principal_of("fake:31").role


async def test_a_person_is_admitted_by_a_role(tmp_path: Path) -> None:
    async with running(tmp_path, **ACCESS) as rig:
        await rig.adapter.say("hello", sender=WORKER)
        await rig.adapter.until_sent(containing="echo: hello")
        assert role(rig) is Role.OPERATOR
    assert findings(tmp_path) == []


async def test_a_role_counts_in_private_and_after_a_restart(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter, **ACCESS) as rig:
        await adapter.say("hello", sender=WORKER, chat="-1", private=False, addressed=True)
        await adapter.until_sent(containing="echo: hello")
    async with running(tmp_path, adapter, **ACCESS) as rig:
        assert role(rig) is Role.OPERATOR
        await adapter.say("in private", sender=SAME_IN_PRIVATE)
        await adapter.until_sent(containing="echo: in private")


async def test_a_role_that_was_taken_away_counts_no_longer(tmp_path: Path) -> None:
    async with running(tmp_path, **ACCESS) as rig:
        await rig.adapter.say("hello", sender=WORKER)
        await rig.adapter.until_sent(containing="echo: hello")
        await rig.adapter.say("still there?", sender=DISMISSED)
        await rig.settled()
        assert role(rig) is Role.NONE
        assert len(rig.runner.requests) == 1
    async with running(tmp_path, **ACCESS) as rig:
        assert role(rig) is Role.NONE

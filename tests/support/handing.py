"""Two scripted platforms that can open threads, and a person who hands a conversation over between them."""

from typing import Any

from kernel.turns import TurnIO, TurnOutcome, TurnRequest
from tests.fakes.adapter import THREADED, ScriptedAdapter, Sent
from tests.fakes.turn_runner import ScriptedRunner
from tests.support.gateway import Rig

DESK, PHONE = "fake", "other"


def pair(**changes: Any) -> tuple[ScriptedAdapter, ScriptedAdapter]:
    """Return two platforms that can open threads."""
    return ScriptedAdapter(DESK, **(THREADED | changes)), ScriptedAdapter(PHONE, **(THREADED | changes))


async def summarises(request: TurnRequest, io: TurnIO) -> TurnOutcome:
    """Answer like an agent that was told to sum up."""
    return TurnOutcome("Here we are." if request.internal else f"heard {request.inputs[-1].text}")


def agents(*before: Any) -> ScriptedRunner:
    return ScriptedRunner(*before, *[summarises] * 50)


async def homes(rig: Rig) -> None:
    """Let Ann write on every platform, so that each has a home channel, and once more where she begins."""
    for adapter in reversed(rig.adapters):
        await adapter.say("hello")
        await adapter.until_sent(containing="heard hello")
    await rig.until_event("home.set", len(rig.adapters))
    await rig.settled()


async def handed(rig: Rig, to: str = PHONE) -> Sent:
    """Hand Ann's conversation at the desk over, and return the first message that arrived in the new place."""
    before = len(phone(rig).sent)
    await rig.adapter.say(f"/handoff {to}")
    await rig.until_event("handoff.complete")
    await rig.settled()
    return phone(rig).sent[before]


def phone(rig: Rig) -> ScriptedAdapter:
    return rig.adapters[1]


async def owner(rig: Rig) -> list[tuple[str, str]]:
    """Return what answers where: platform and thread of every bound session that has said something."""
    rows = await rig.rows(
        "SELECT platform, coalesce(thread, '') AS thread FROM binding JOIN session ON id = session_id"
        " WHERE title = 'hello' AND turns > 1 OR handoff_number > 0"
    )
    return [(row["platform"], row["thread"]) for row in rows]

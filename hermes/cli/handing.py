"""Handing a conversation over from a shell: asked for, waited for, withdrawn where nobody takes it up."""

from typing import Any

from hermes.cli.remote import Remote
from kernel.clock import SystemClock
from kernel.errors import Stale

WAIT_SECONDS = 20.0
UNDER_WAY = ("pending", "running")


def hand_over(remote: Remote, session: str, to: str, note: str, *, when_idle: bool = False) -> dict[str, Any]:
    """Ask for a handoff and return how it ended.

    A request that nobody has taken up by its deadline is withdrawn; one that is under way is waited for until its own,
    when the gateway ends it.
    """
    clock = SystemClock()
    path = f"/sessions/{session}/handoff"
    found = remote.post(path, to=to, note=note, when_idle=when_idle, wait=WAIT_SECONDS)
    path = f"/sessions/{found['session']}/handoff"
    while found["state"] in UNDER_WAY:
        if found["state"] == "pending" and clock.now() > found["deadline"]:
            found = _withdrawn(remote, path)
        else:
            found = remote.get(path, wait=WAIT_SECONDS)
    return found


def _withdrawn(remote: Remote, path: str) -> dict[str, Any]:
    try:
        return remote.post(f"{path}/cancel")
    except Stale:
        # Somebody took it up at this moment.
        return remote.get(path, wait=WAIT_SECONDS)


def told(found: dict[str, Any]) -> str:
    """Return how a handoff ended, and the way back, as a person reads it."""
    name = found["title"] or found["session"]
    match found["state"]:
        case "completed":
            back = f"hermes sessions resume {found['session']}"
            return f"{name} continues at {found['place']}. It comes back with: {back}"
        case "cancelled":
            return f"Nobody took {name} up, so it stays at {found['origin']}. {found['error']}".strip()
        case _:
            return f"{name} stays at {found['origin']}: {found['error']}"

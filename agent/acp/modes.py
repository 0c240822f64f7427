"""The modes of a session with a coding agent: which there are, which holds, and which one a person has chosen."""

import json
from dataclasses import dataclass
from typing import Any

from kernel.ports import Shelf

# What the agent offered last in a session, and what a person wants there; both go with the session.
OFFERED = "acp.modes"
WISHED = "acp.mode"


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of one agent in one session; ``names`` is by id, ``now`` the id of the one that holds."""

    agent: str
    now: str = ""
    names: tuple[tuple[str, str], ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, as ``/agent NAME MODE`` takes them."""
        return tuple(id for id, _ in self.names)


def of(agent: str, state: Any) -> Modes:
    """Return the modes that a response of the protocol names; none where the agent has none."""
    if state is None:
        return Modes(agent)
    names = tuple((mode.id, mode.name) for mode in state.available_modes)
    return Modes(agent, state.current_mode_id, names)


async def offered(shelf: Shelf, session_id: str, agent: str) -> Modes:
    """Return the modes that an agent offered last in a session; none before its first turn there."""
    kept = await shelf.get(session_id, OFFERED)
    found: dict[str, Any] = json.loads(kept) if kept else {}
    if found.get("agent") != agent:
        return Modes(agent)
    return Modes(agent, found["now"], tuple((id, name) for id, name in found["names"]))


async def keep(shelf: Shelf, session_id: str, modes: Modes) -> None:
    """Remember what an agent offers."""
    said = json.dumps({"agent": modes.agent, "now": modes.now, "names": modes.names}) if modes.names else ""
    if said != await shelf.get(session_id, OFFERED):
        await shelf.put(session_id, OFFERED, said)


async def wished(shelf: Shelf, session_id: str, agent: str) -> str:
    """Return the mode a person chose for an agent in a session, or an empty string."""
    name, _, mode = (await shelf.get(session_id, WISHED)).partition(" ")
    return mode if name == agent else ""


async def wish(shelf: Shelf, session_id: str, agent: str, mode: str) -> None:
    """Remember what a person chose; an empty mode is the agent's own choice."""
    await shelf.put(session_id, WISHED, f"{agent} {mode}" if mode else "")

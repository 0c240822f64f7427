"""The command that gives a conversation another brain: a coding agent in place of Hermes' own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.acp.profiles import BRAIN
from kernel.errors import InvalidInput
from kernel.people import Role
from kernel.ports import Shelf
from kernel.specs import Command, CommandCall, CommandReply

OWN = ("hermes", "off", "default")


class Offered(Protocol):
    """The modes of an agent in a session: ``names`` by id, ``now`` the id of the one that holds; none while unknown."""

    @property
    def now(self) -> str:
        """The mode that holds."""
        ...

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Ids and names."""
        ...


@dataclass(frozen=True, slots=True)
class Brains:
    """What the command works with.

    ``names()`` are the coding agents; ``change(session_id, actor)`` ends the agent that a session had, with all that
    waits for a decision there. ``modes(session_id, agent)`` are the modes that an agent offered there last,
    ``switch(session_id, agent, mode)`` chooses one.
    """

    shelf: Shelf
    names: Callable[[], Sequence[str]]
    change: Callable[[str, str], Awaitable[None]]
    modes: Callable[[str, str], Awaitable[Offered]]
    switch: Callable[[str, str, str], Awaitable[None]]


class BrainCommands:
    """``/agent``."""

    def __init__(self, brains: Brains) -> None:
        self._brains = brains

    def commands(self) -> Sequence[Command]:
        """Return the command."""
        return (
            Command(
                "agent",
                "Show or choose who answers here: Hermes, or a coding agent in one of its modes.",
                self.agent,
                "[name [mode] | hermes]",
                role=Role.OPERATOR,
            ),
        )

    async def agent(self, call: CommandCall) -> CommandReply:
        """Show or set the brain of the session, and the mode of a coding agent."""
        now = await self._brains.shelf.get(call.session_id, BRAIN)
        wished, _, mode = call.args.strip().partition(" ")
        if not wished:
            return CommandReply(await self._shown(call.session_id, now))
        chosen = "" if wished.lower() in OWN else wished
        if chosen and chosen not in self._brains.names():
            raise InvalidInput(
                f"There is no coding agent {chosen}.", remedy=f"There are {', '.join(self._brains.names())}."
            )
        if chosen != now:
            await self._brains.change(call.session_id, call.principal.id)
            await self._brains.shelf.put(call.session_id, BRAIN, chosen)
        if not (chosen and mode.strip()):
            return CommandReply(f"**{chosen or 'Hermes'}** answers here from the next message on.")
        return CommandReply(await self._switched(call.session_id, chosen, mode.strip()))

    async def _shown(self, session_id: str, now: str) -> str:
        names = ", ".join(f"`{name}`" for name in self._brains.names())
        takes_back = "`/agent hermes` takes it back."
        first = (
            f"**{now or 'Hermes'}** answers here. `/agent NAME` gives the word to a coding agent: {names}."
        )
        shown = [f"{first} {takes_back}"]
        offered = await self._brains.modes(session_id, now) if now else None
        if offered is not None and offered.names:
            lines = [f"- `{id}` {name}{' (now)' if id == offered.now else ''}" for id, name in offered.names]
            shown += [f"Its modes; `/agent {now} MODE` changes it:", *lines]
        return "\n".join(shown)

    async def _switched(self, session_id: str, agent: str, mode: str) -> str:
        """Choose a mode; which ones there are is known once the agent has answered here."""
        offered = await self._brains.modes(session_id, agent)
        ids = [id for id, _ in offered.names]
        if ids and mode not in ids:
            raise InvalidInput(f"{agent} has no mode {mode}.", remedy=f"It has {', '.join(ids)}.")
        await self._brains.switch(session_id, agent, mode)
        return f"**{agent}** answers here, in its mode `{mode}`."

"""The command that gives a conversation another brain: a coding agent in place of Hermes' own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kernel.errors import InvalidInput
from kernel.people import Role
from kernel.ports import Shelf
from kernel.specs import Command, CommandCall, CommandReply

# Where a session's coding agent is kept; it goes with the session wherever that is handed over.
SHELF = "agent"
OWN = ("hermes", "off", "default")


@dataclass(frozen=True, slots=True)
class Brains:
    """What the command works with.

    ``names()`` are the coding agents; ``change(session_id, actor)`` ends the agent that a session had, with all that
    waits for a decision there.
    """

    shelf: Shelf
    names: Callable[[], Sequence[str]]
    change: Callable[[str, str], Awaitable[None]]


class BrainCommands:
    """``/agent``."""

    def __init__(self, brains: Brains) -> None:
        self._brains = brains

    def commands(self) -> Sequence[Command]:
        """Return the command."""
        return (
            Command(
                "agent",
                "Show or choose who answers here: Hermes, or a coding agent.",
                self.agent,
                "[name | hermes]",
                role=Role.OPERATOR,
            ),
        )

    async def agent(self, call: CommandCall) -> CommandReply:
        """Show or set the brain of the session."""
        now = await self._brains.shelf.get(call.session_id, SHELF)
        wished = call.args.strip()
        if not wished:
            names = ", ".join(f"`{name}`" for name in self._brains.names())
            return CommandReply(
                f"**{now or 'Hermes'}** answers here. `/agent NAME` gives the word to a coding agent: {names}."
                " `/agent hermes` takes it back."
            )
        chosen = "" if wished.lower() in OWN else wished
        if chosen and chosen not in self._brains.names():
            raise InvalidInput(
                f"There is no coding agent {chosen}.", remedy=f"There are {', '.join(self._brains.names())}."
            )
        if chosen != now:
            await self._brains.change(call.session_id, call.principal.id)
            await self._brains.shelf.put(call.session_id, SHELF, chosen)
        return CommandReply(f"**{chosen or 'Hermes'}** answers here from the next message on.")

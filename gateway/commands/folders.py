"""The command that says where a conversation works."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.people import Principal, Role
from kernel.specs import Command, CommandCall, CommandReply

USUAL = ("default", "off", "-")


@dataclass(frozen=True, slots=True)
class Places:
    """What the command works with.

    ``now(session_id)`` is where a conversation works; ``check(path, principal)`` returns a folder that the person may
    name, else raises InvalidInput; ``choose(session_id, folder)`` keeps it, an empty one is the usual again.
    """

    now: Callable[[str], Path]
    check: Callable[[str, Principal], str]
    choose: Callable[[str, str], Awaitable[None]]


class FolderCommands:
    """``/folder``."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def commands(self) -> Sequence[Command]:
        """Return the command."""
        return (
            Command(
                "folder",
                "Show or choose the folder that agents work in here.",
                self.folder,
                "[path | default]",
                role=Role.OPERATOR,
            ),
        )

    async def folder(self, call: CommandCall) -> CommandReply:
        """Show or choose the folder of this conversation."""
        wished = call.args.strip()
        if not wished:
            return CommandReply(f"Agents work in `{self._places.now(call.session_id)}` here.")
        chosen = "" if wished in USUAL else self._places.check(wished, call.principal)
        await self._places.choose(call.session_id, chosen)
        return CommandReply(
            f"Agents work in `{self._places.now(call.session_id)}` here from the next message on."
        )

"""The registry of slash commands: finds, checks and runs them, and writes their help."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace

from gateway.adapter import MenuEntry
from kernel.messages import Button
from kernel.people import Role
from kernel.specs import Command, CommandCall, CommandReply

FORM = re.compile(r"/([a-z][a-z0-9_]{0,31})(?:@\w+)?(?:\s+(.*))?\s*", re.IGNORECASE | re.DOTALL)


class Registry:
    """All commands by name and alias."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._commands: tuple[Command, ...] = ()
        self._by_name: dict[str, Command] = {}
        self.extend(commands)

    def extend(self, commands: Iterable[Command]) -> None:
        """Add commands of another room; they come last in the help."""
        added = tuple(commands)
        self._commands += added
        self._by_name |= {name: item for item in added for name in (item.name, *item.aliases)}

    @property
    def commands(self) -> tuple[Command, ...]:
        """All commands, in the order of the help."""
        return self._commands

    def menu(self) -> list[MenuEntry]:
        """Return the entries for a platform's command menu."""
        return [MenuEntry(item.name, item.summary, item.usage) for item in self._commands]

    async def run(self, text: str, call: CommandCall, *, confirmed: bool = False) -> CommandReply | None:
        """Carry out a command line; ``None`` says that the text is no command (a path, say) but a message."""
        parsed = FORM.fullmatch(text)
        if parsed is None:
            return None
        name, args = parsed[1].lower(), (parsed[2] or "").strip()
        command = self._by_name.get(name)
        if command is None:
            return self._unknown(name)
        if call.principal.role < command.role:
            return CommandReply(
                f"/{command.name} is for an {command.role.word}; you are {call.principal.role.word}."
            )
        if command.confirm and not confirmed:
            return self._asked(command, call)
        return await command.run(replace(call, args=args))

    def _asked(self, command: Command, call: CommandCall) -> CommandReply:
        yes = Button(f"Yes, /{command.name}", f"y:{call.inbox_id}:yes")
        return CommandReply(
            command.confirm, ((yes, Button("Cancel", f"y:{call.inbox_id}:no")),), confirms=True
        )

    def _unknown(self, name: str) -> CommandReply:
        near = difflib.get_close_matches(name, self._by_name, n=1, cutoff=0.5)
        hint = f" Did you mean /{near[0]}?" if near else ""
        return CommandReply(f"I do not know /{name}.{hint} /help lists everything.")

    def help(self, role: Role, name: str = "") -> str:
        """Return the help for all commands a role may use, or for one."""
        command = self._by_name.get(name.lstrip("/").lower())
        if command is not None:
            return _detail(command)
        lines = [f"`/{item.name}` {item.summary}" for item in self._commands if item.role <= role]
        return "\n".join(("**What I understand**", "", *lines, "", "Anything else is for the agent."))


def _detail(command: Command) -> str:
    also = f" (also {', '.join('/' + alias for alias in command.aliases)})" if command.aliases else ""
    usage = f"\n\n`/{command.name} {command.usage}`" if command.usage else ""
    role = f"\n\nFor {command.role.word}s." if command.role > Role.USER else ""
    return f"**/{command.name}**{also}\n\n{command.summary}{usage}{role}"

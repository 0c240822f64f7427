"""What the tool calls of other agents are in our own words, so that one policy judges them."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from kernel.approvals import Action, ActionKind, arguments_text, canonical

# Where a program does not say in which folder it works: a place without anything in it, so that no path is its own.
NOWHERE = "/nonexistent/workspace"


@dataclass(frozen=True, slots=True)
class ForeignCall:
    """A tool call as another program puts it: the tool's name, its input, and its folder where known (absolute)."""

    tool: str
    input: Mapping[str, Any]
    cwd: str = ""

    @property
    def bare(self) -> Action:
        """The call as a tool of a program that nobody knows."""
        text = f"{self.tool}\n{canonical(dict(self.input))}"
        return Action(
            ActionKind.MCP,
            self.tool,
            arguments_text(self.input),
            text,
            target=self.tool,
            workspaces=(self.cwd or NOWHERE,),
        )


def action_of(call: ForeignCall) -> Action:
    """Return a call as the action that it is; what is not recognised is a tool that nobody knows."""
    read = TOOLS.get(call.tool)
    return (read(call) if read else None) or call.bare


def _command(call: ForeignCall) -> Action | None:
    command = call.input.get("command")
    if isinstance(command, str) and command.strip():
        text, editable = command, "command"
    elif isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        text, editable = shlex.join(command), ""
    else:
        return None
    return replace(call.bare, kind=ActionKind.TERMINAL, text=text, cwd=call.cwd, target="", editable=editable)


def _file(effect: str) -> Callable[[ForeignCall], Action | None]:
    def read(call: ForeignCall) -> Action | None:
        named = call.input.get("file_path") or call.input.get("notebook_path") or call.input.get("path")
        if not isinstance(named, str):
            return None
        path = PurePosixPath(call.cwd or "relative") / named
        if not path.is_absolute():
            return None
        text = f"{call.tool} {named}{_shown(call.input)}"
        return replace(call.bare, kind=ActionKind.FILE, effect=effect, target=str(path), text=text)

    return read


def _shown(given: Mapping[str, Any]) -> str:
    """Return what would be written, as far as it is not the path itself."""
    rest = {
        name: value for name, value in given.items() if name not in ("file_path", "notebook_path", "path")
    }
    lines = [
        f"{name}:\n{value if isinstance(value, str) else canonical(value)}" for name, value in rest.items()
    ]
    return "".join(f"\n\n{line}" for line in lines)


def _fetch(call: ForeignCall) -> Action | None:
    url = call.input.get("url")
    if not isinstance(url, str):
        return None
    return replace(call.bare, kind=ActionKind.REQUEST, effect="GET", target=url)


# Claude Code's own tools, and the names under which other agents run commands.
TOOLS: Mapping[str, Callable[[ForeignCall], Action | None]] = {
    "Bash": _command,
    "shell": _command,
    "terminal": _command,
    "execute_command": _command,
    "run_command": _command,
    "Write": _file("write"),
    "Edit": _file("write"),
    "MultiEdit": _file("write"),
    "NotebookEdit": _file("write"),
    "Read": _file("read"),
    "Glob": _file("read"),
    "Grep": _file("read"),
    "LS": _file("read"),
    "WebFetch": _fetch,
}

"""What a coding agent asks leave for, in our own words: read from what would be done, never from what it calls it.

The agent's title and its kind decide nothing. A command makes it a command, a diff a written file, an address a
request; a file that is only named counts as written, because nothing shows that it would merely be read. What says
nothing of itself is a tool that nobody knows.
"""

import hashlib
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from acp.schema import FileEditToolCallContent, ToolCallProgress, ToolCallStart, ToolCallUpdate

from kernel.approvals import Action, ActionKind, arguments_text, canonical

AnyCall = ToolCallUpdate | ToolCallStart | ToolCallProgress
COMMANDS = ("command", "cmd", "script")
PATHS = ("file_path", "notebook_path", "path", "filePath", "abs_path", "file")
FOLDERS = ("cwd", "workdir", "working_directory", "workingDirectory")
LONGEST = 100_000
# What an input may hold besides; with anything else in it, it is judged as what nobody knows as well.
KNOWN = frozenset(
    {
        *COMMANDS,
        *PATHS,
        *FOLDERS,
        "args",
        "url",
        "uri",
        "method",
        "description",
        "content",
        "contents",
        "text",
    }
    | {
        "old_string",
        "new_string",
        "replace_all",
        "edits",
        "offset",
        "limit",
        "line",
        "pattern",
        "glob",
        "timeout",
    }
    | {"run_in_background", "prompt", "query", "reason", "justification", "call_id", "turn_id"}
)
SHELLS = frozenset({"bash", "sh", "zsh"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as the agent has described it so far: its input, and the files it would change with their new text."""

    title: str = ""
    given: Mapping[str, Any] | None = None
    edits: tuple[tuple[str, str, str], ...] = ()
    places: tuple[str, ...] = ()

    def joined(self, update: AnyCall) -> "Asked":
        """Return the call with what an update says of it; nothing that was said before is forgotten."""
        given = dict(self.given or {})
        if isinstance(update.raw_input, dict):
            given |= cast("dict[str, Any]", update.raw_input)
        elif update.raw_input is not None:
            given["input"] = update.raw_input
        content = update.content or []
        edits = [
            (one.path, one.old_text or "", one.new_text)
            for one in content
            if isinstance(one, FileEditToolCallContent)
        ]
        places = [place.path for place in update.locations or []]
        return Asked(
            update.title or self.title,
            given,
            tuple(dict.fromkeys((*self.edits, *edits))),
            tuple(dict.fromkeys((*self.places, *places))),
        )


def actions_of(asked: Asked, tool: str, workspace: Path, host: str) -> list[Action]:
    """Return all that a call would do, as actions of ``tool`` for the gate to judge one by one; never nothing."""
    inside = os.path.realpath(workspace)
    given = dict(asked.given or {})
    bare = _bare(asked, given, tool, inside, host)
    found: list[Action] = []
    if command := command_of(given):
        cwd = _absolute(folder, inside) if (folder := _text(given, FOLDERS)) else inside
        found.append(replace(bare, kind=ActionKind.TERMINAL, text=command, target="", cwd=cwd))
    found += [_file(bare, path, _diff(path, old, new), inside) for path, old, new in asked.edits]
    if url := _text(given, ("url", "uri")):
        method = _text(given, ("method",)) or "GET"
        found.append(replace(bare, kind=ActionKind.REQUEST, effect=method.upper(), target=url))
    named = {_absolute(path, inside): path for name in PATHS if (path := _text(given, (name,)))}
    written = {action.target for action in found}
    found += [
        _file(bare, path, _shown(path, given), inside)
        for place, path in named.items()
        if place not in written
    ]
    return found if found and set(given) <= KNOWN else [*found, bare]


def _bare(asked: Asked, given: Mapping[str, Any], tool: str, inside: str, host: str) -> Action:
    """Return a call as a tool that nobody knows; what it calls itself is shown, and no permission goes by it."""
    arguments = arguments_text({"input": given, "edits": [list(edit) for edit in asked.edits]})
    return Action(
        ActionKind.MCP,
        tool,
        arguments,
        f"{asked.title or 'Something that it does not name'}\n{canonical(given)}"[:LONGEST],
        target=f"{tool}.{hashlib.sha256(arguments.encode()).hexdigest()[:16]}",
        workspaces=(inside,),
        host=host,
    )


def _file(bare: Action, path: str, text: str, inside: str) -> Action:
    return replace(
        bare, kind=ActionKind.FILE, effect="write", target=_absolute(path, inside), text=text[:LONGEST]
    )


def _diff(path: str, old: str, new: str) -> str:
    removed = [f"- {line}" for line in old.splitlines()]
    return "\n".join([f"write {path}", *removed, *(f"+ {line}" for line in new.splitlines())])


def _shown(path: str, given: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in given.items() if name not in PATHS}
    return f"use {path}\n{canonical(rest)}"[:LONGEST] if rest else f"use {path}"


def command_of(given: Mapping[str, Any]) -> str:
    """Return the command that the input of a call names, as a text for the shell; empty where it names none."""
    for name in COMMANDS:
        value = given.get(name)
        if isinstance(value, str) and value.strip():
            return _with_words(value, given.get("args"))
        if isinstance(value, list) and value and _are_words(cast("list[object]", value)):
            return _unwrapped(cast("list[str]", value))
    return ""


def _with_words(command: str, words: object) -> str:
    if isinstance(words, list) and words and _are_words(cast("list[object]", words)):
        return f"{command} {shlex.join(cast('list[str]', words))}"
    return command


def _unwrapped(words: list[str]) -> str:
    """Return the text that a shell would be given, where the words are nothing but that shell."""
    match words:
        case [shell, "-c" | "-lc", text] if Path(shell).name in SHELLS:
            return text
        case _:
            return shlex.join(words)


def _are_words(words: Iterable[object]) -> bool:
    return all(isinstance(word, str) for word in words)


def _text(given: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((given[name] for name in names if isinstance(given.get(name), str) and given[name]), "")


def _absolute(path: str, inside: str) -> str:
    return os.path.normpath(Path(inside, path.replace("\0", "")))

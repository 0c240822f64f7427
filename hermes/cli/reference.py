"""The reference of the commands, made from the commands themselves."""

from collections.abc import Iterator
from typing import Any

import typer.main

from hermes.cli.commands import app

HEADER = """\
# Commands

Made from the program's own help by `scripts/generate`. Every command takes `--help`; `hermes --home DIR COMMAND` works
on another home directory. A command that fails says why in one sentence on standard error and ends with an exit code
other than 0: 2 for a wrong command line, 75 where another process has the home, 78 where settings, home
or database cannot be used, 1 otherwise. `hermes status` and `hermes service status` end with 3 while nothing runs.
"""


def render() -> str:
    """Return ``docs/reference/cli.md``."""
    parts = [HEADER]
    for path, command in _commands(typer.main.get_command(app), ("hermes",)):
        context: Any = typer.Context(
            command, info_name=" ".join(path), terminal_width=100, max_content_width=100
        )
        text = command.get_help(context).rstrip()
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        parts.append(f"## {' '.join(path)}\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))

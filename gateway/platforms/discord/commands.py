"""The commands in Discord's menu: registered for the whole application, and only when they changed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.adapter import MenuEntry

Raw = Mapping[str, Any]

LIMIT = 100
TEXT_LIMIT = 100
CHAT_INPUT, STRING = 1, 3
NAME = re.compile(r"[-_'\w]{1,32}")
OPTION = "text"


def commands(entries: Sequence[MenuEntry]) -> list[dict[str, Any]]:
    """Return the menu as application commands; what a command takes is one free text."""
    usable = [entry for entry in entries if NAME.fullmatch(entry.name)]
    return [_command(entry) for entry in usable[:LIMIT]]


def _command(entry: MenuEntry) -> dict[str, Any]:
    options: list[dict[str, Any]] = []
    if entry.usage:
        required = entry.usage.lstrip().startswith("<")
        options = [
            {"type": STRING, "name": OPTION, "description": entry.usage[:TEXT_LIMIT], "required": required}
        ]
    return {
        "type": CHAT_INPUT,
        "name": entry.name.lower(),
        "description": entry.summary[:TEXT_LIMIT] or entry.name,
        "options": options,
    }


def differ(known: Sequence[Raw], wanted: Sequence[Raw]) -> bool:
    """Tell whether what is registered differs from what should be; Discord allows few registrations a day."""
    return {_essence(one) for one in known} != {_essence(one) for one in wanted}


def _essence(command: Raw) -> tuple[object, ...]:
    options: Sequence[Raw] = command.get("options") or ()
    shown = tuple((o["name"], o.get("description"), bool(o.get("required"))) for o in options)
    return command["name"], command.get("description"), shown

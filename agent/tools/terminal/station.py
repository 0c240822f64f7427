"""The station of a session: the folder and the variables that its next command starts with.

Only a command that is nothing but ``cd``, ``export`` or ``unset`` changes it, and it is carried out here: no shell
lives from one command to the next, so no alias and no function can change what a text does.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kernel.errors import InvalidInput

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
# One word of the plain commands: bare characters without any power, '…', or "…" without escapes and substitutions.
_BARE = r"[A-Za-z0-9_./=:,@%+~\-]|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?"
_WORD = re.compile(rf"(?:{_BARE}|'[^'\n]*'|\"(?:[^\"\\$`\n!]|\$\{{?[A-Za-z_][A-Za-z0-9_]*\}}?)*\")+")
# A tilde that stands for somebody's home, or for ours behind a colon.
_OTHER_HOME = re.compile(r"(?:^|=)~[^/]|:~")
_PIECE = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^'\"]+)")
MOST_VARIABLES = 100
LONGEST_VALUE = 8192


@dataclass(frozen=True, slots=True)
class Station:
    """Where the next command starts: an absolute folder (empty: the workspace) and variables, by name."""

    cwd: str = ""
    environment: tuple[tuple[str, str], ...] = ()

    def as_text(self) -> str:
        """Return the text that ``parse`` reads; empty where nothing has changed."""
        if self == Station():
            return ""
        return json.dumps({"cwd": self.cwd, "environment": dict(self.environment)}, ensure_ascii=False)


def parse(text: str) -> Station:
    """Read what ``as_text`` wrote."""
    if not text:
        return Station()
    kept = json.loads(text)
    return Station(kept["cwd"], tuple(sorted(kept["environment"].items())))


def plain_words(text: str, variables: Mapping[str, str]) -> list[str] | None:
    """Return the words of a plain ``cd``, ``export`` or ``unset``; ``None`` for every other text."""
    line = text.strip(" \t\n")
    pieces = line.split(None, 1)
    if not pieces or pieces[0] not in {"cd", "export", "unset"}:
        return None
    words: list[str] = []
    place = 0
    while place < len(line):
        found = _WORD.match(line, place)
        if found is None or _OTHER_HOME.search(found.group()):
            return None
        words.append(_value(found.group(), variables))
        place = found.end()
        rest = line[place:]
        place = len(line) - len(rest.lstrip(" \t"))
        if rest and place == found.end():
            return None
    return words


def _value(word: str, variables: Mapping[str, str]) -> str:
    def known(found: re.Match[str]) -> str:
        return variables.get(found.group(1) or found.group(2), "")

    value = ""
    for single, double, bare in _PIECE.findall(word):
        value += single or _VARIABLE.sub(known, double or bare)
    name, equals, rest = value.partition("=")
    home = variables.get("HOME", "")
    if word.startswith(("~/", "~")) and word[1:2] in {"", "/"}:
        return home + value[1:]
    if equals and word.startswith((f"{name}=~/", f"{name}=~")) and rest[1:2] in {"", "/"}:
        return f"{name}={home}{rest[1:]}"
    return value


def changed(station: Station, words: list[str], cwd: str, home: str) -> Station | None:
    """Return the station after a plain command; ``None`` when it is one that only a shell understands.

    ``cwd`` is the folder it runs in. Raises InvalidInput with the reason when it cannot be carried out.
    """
    command, *operands = words
    if any(operand.startswith("-") for operand in operands):
        return None
    if command == "cd":
        return _moved(station, operands, cwd, home)
    if not operands:
        return None
    return _exported(station, operands) if command == "export" else _unset(station, operands)


def _moved(station: Station, operands: list[str], cwd: str, home: str) -> Station:
    if len(operands) > 1:
        raise InvalidInput("cd: too many arguments")
    asked = operands[0] if operands else home
    place = os.path.realpath(Path(cwd, asked))
    if not Path(place).is_dir():
        raise InvalidInput(f"cd: {asked}: there is no such folder")
    if not os.access(place, os.X_OK):
        raise InvalidInput(f"cd: {asked}: permission denied")
    return replace(station, cwd=place)


def _exported(station: Station, operands: list[str]) -> Station | None:
    variables = dict(station.environment)
    for operand in operands:
        name, equals, value = operand.partition("=")
        if not equals or not NAME.fullmatch(name):
            return None
        if len(value) > LONGEST_VALUE:
            raise InvalidInput(f"export: {name} is longer than {LONGEST_VALUE:,} characters")
        variables[name] = value
    if len(variables) > MOST_VARIABLES:
        raise InvalidInput(f"export: at most {MOST_VARIABLES} variables are kept")
    return replace(station, environment=tuple(sorted(variables.items())))


def _unset(station: Station, operands: list[str]) -> Station:
    kept = {name: value for name, value in station.environment if name not in operands}
    return replace(station, environment=tuple(sorted(kept.items())))

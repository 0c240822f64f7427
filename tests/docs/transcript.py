"""Reads a page of the documents: console blocks with their commands, and conversations, in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"(?:<!-- ([a-z ]+) -->\n)?^```(console|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"\b[2-9A-HJ-NP-Z]{8}\b")
PIECES = re.compile(rf"{CODE.pattern}|…|\s+|\d[\d,]*|[^\s\d…]+?(?=\b[2-9A-HJ-NP-Z]{{8}}\b|…|\s|\d|$)")
SPEAKER = re.compile(r"(\w+):\s+(.*)")


@dataclass(frozen=True, slots=True)
class Command:
    """A command line and the lines that it is said to print."""

    line: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody says in a conversation, presses, or reads."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page; ``place`` says where it plays, empty for an ordinary shell."""

    place: str
    commands: tuple[Command, ...] = ()
    lines: tuple[Line, ...] = ()


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that can be run."""
    for place, kind, text in BLOCK.findall(page.read_text("utf-8")):
        if kind == "console":
            yield Block(place, commands=tuple(_commands(text)))
        elif place:
            yield Block(place, lines=tuple(_lines(text)))


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *expected = part.rstrip("\n").split("\n")
        yield Command(line, tuple(expected))


def _lines(text: str) -> Iterator[Line]:
    speaker, said = "", list[str]()
    for line in text.rstrip("\n").split("\n"):
        found = SPEAKER.fullmatch(line)
        if found and speaker:
            yield Line(speaker, "\n".join(said))
            said = []
        speaker = found[1] if found else speaker
        said.append(found[2] if found else line.strip())
    yield Line(speaker, "\n".join(said))


def pattern(line: str) -> re.Pattern[str]:
    """Return what a printed line must contain.

    Dots stand for anything, a number for any number, a one-time code for any code, spaces for any spaces.
    """
    return re.compile("".join(_piece(piece) for piece in PIECES.findall(line)))


def _piece(piece: str) -> str:
    if CODE.fullmatch(piece):
        return CODE.pattern
    if piece == "…":
        return ".*"
    if piece.isspace():
        return r"\s+"
    return r"[\d,]+" if piece[0].isdigit() else re.escape(piece)


def missing(expected: tuple[str, ...], printed: str) -> str:
    """Return the first expected line that was not printed behind those before it, or nothing."""
    lines = iter(printed.splitlines())
    for line in expected:
        if line.strip() and not any(pattern(line.strip()).search(found) for found in lines):
            return line
    return ""

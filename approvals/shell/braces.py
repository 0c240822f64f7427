"""Brace expansion over tokens: ``{a,b}`` and ``{1..3}``, quotes respected."""

import re
from dataclasses import dataclass
from itertools import pairwise

from approvals.shell.marks import TAME
from approvals.shell.tree import Unreadable

MAX_VARIANTS = 256
MAX_BRACES = 16
_SEQUENCE = re.compile(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.-?\d+)?")


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of an evaluated word: ``plain`` source, ``quoted`` text, an expansion's ``result``, or a ``break``."""

    text: str
    kind: str


def expand_braces(tokens: list[Token]) -> list[list[Token]]:
    """Return the words that brace expansion makes of one."""
    if not any(token.kind == "plain" and "{" in token.text for token in tokens):
        return [tokens]
    if sum(token.text.count("{") for token in tokens if token.kind == "plain") > MAX_BRACES:
        raise Unreadable("expands to too many words")
    flat = [piece for token in tokens for piece in _characters(token)]
    words = _expand(flat)
    if len(words) > MAX_VARIANTS:
        raise Unreadable("expands to too many words")
    return words


def _characters(token: Token) -> list[Token]:
    """Give each brace and comma of plain text a token of its own."""
    if token.kind != "plain":
        return [token]
    return [Token(part, "plain") for part in re.split(r"([{},])", token.text) if part]


def _is(token: Token, char: str) -> bool:
    return token.kind == "plain" and token.text == char


def _expand(tokens: list[Token]) -> list[list[Token]]:
    for start, token in enumerate(tokens):
        if not _is(token, "{"):
            continue
        options, end = _options(tokens, start)
        if options is None:
            continue
        before = tokens[:start]
        tails = _expand(tokens[end + 1 :])
        heads = [variant for option in options for variant in _expand(option)]
        if len(heads) * len(tails) > MAX_VARIANTS:
            raise Unreadable("expands to too many words")
        return [before + head + tail for head in heads for tail in tails]
    return [tokens]


def _options(tokens: list[Token], start: int) -> tuple[list[list[Token]] | None, int]:
    """Return the alternatives of the brace at ``start`` and where it closes; ``None`` if it is literal."""
    depth, commas = 0, list[int]()
    for index in range(start, len(tokens)):
        if _is(tokens[index], "{"):
            depth += 1
        elif _is(tokens[index], "}"):
            depth -= 1
            if depth == 0:
                return _split(tokens, start, index, commas), index
        elif depth == 1 and _is(tokens[index], ","):
            commas.append(index)
    return None, start


def _split(tokens: list[Token], start: int, end: int, commas: list[int]) -> list[list[Token]] | None:
    if commas:
        edges = [start, *commas, end]
        return [tokens[left + 1 : right] for left, right in pairwise(edges)]
    inner = tokens[start + 1 : end]
    if any(token.kind != "plain" for token in inner):
        return None
    match = _SEQUENCE.fullmatch("".join(token.text for token in inner))
    return _sequence(match.group(1), match.group(2)) if match else None


def _sequence(first: str, last: str) -> list[list[Token]]:
    if first.lstrip("-").isdigit() and last.lstrip("-").isdigit():
        low, high = sorted((int(first), int(last)))
        if high - low < MAX_BRACES:
            return [[Token(str(number), "plain")] for number in range(low, high + 1)]
        return [[Token(TAME, "quoted")]]
    low, high = sorted((ord(first[0]), ord(last[0])))
    return [[Token(chr(code), "plain")] for code in range(low, high + 1)]

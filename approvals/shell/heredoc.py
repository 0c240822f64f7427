"""Where a here-document begins and ends, read from the text itself."""

import re
from dataclasses import dataclass

_START = re.compile(r"(<<-?)[ \t]*((?:'[^'\n]*'|\"[^\"\n]*\"|\\[^\n]|[^\s'\"\\|&;<>()`$])+)")
_UNQUOTE = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"|\\([^\n])")


@dataclass(frozen=True, slots=True)
class Extent:
    """Offsets of a here-document: the body's first character, its end, and the end of the closing line."""

    open: int
    body_end: int
    close: int
    quoted: bool
    delimiter: str


def extent(text: str, operator: int, word: int) -> Extent | None:
    """Return the extent of the here-document whose ``<<`` stands at or behind ``operator``; ``None`` if uncertain."""
    match = _START.search(text, operator)
    if match is None or match.start(2) != word:
        return None
    raw = match.group(2)
    delimiter = _UNQUOTE.sub(lambda found: next(group for group in found.groups() if group is not None), raw)
    if not delimiter:
        return None
    newline = text.find("\n", match.end())
    if newline < 0 or "<<" in text[match.end() : newline]:
        return None
    return _find_end(text, newline + 1, match.group(1) == "<<-", delimiter, raw != delimiter)


def _find_end(text: str, start: int, tabs: bool, delimiter: str, quoted: bool) -> Extent | None:
    position = start
    while position <= len(text):
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position:stop]
        if (line.lstrip("\t") if tabs else line) == delimiter:
            return Extent(start, position, stop, quoted, delimiter)
        if position >= len(text):
            return None
        position = stop + 1
    return None


def without_bodies(text: str, *, quoted_only: bool = False) -> str:
    """Return the text without the bodies of its here-documents, to count what is left."""
    if "<<" not in text:
        return text
    kept, position = list[str](), 0
    for match in _START.finditer(text):
        if match.start() < position or text[match.start() - 1 : match.start()] == "<":
            continue
        found = extent(text, match.start(), match.start(2))
        if found is not None and (found.quoted or not quoted_only):
            kept.append(text[position : found.open])
            position = found.close
    return "".join(kept) + text[position:]

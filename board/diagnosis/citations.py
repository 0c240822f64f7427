"""Citations: every place that a diagnosis names is compared with the commit it is said to stand in."""

import re
from collections.abc import Callable, Iterable, Sequence

from board.diagnosis.findings import Evidence

# Reads a file of the commit; ``None`` where there is none.
Read = Callable[[str], str | None]

# A place in running text: a path, a colon, and a line or a range of lines. A name without a folder counts with the
# ending of a text file alone, for ``example.org:443`` is none.
ENDINGS = (
    "astro bash bat c cc cfg clj cmake cpp cs css csv cxx dart ex exs erl go gradle graphql h hcl hh hpp hs htm html"
    " hxx ini java jl js json jsx kt kts less lock lua m md mjs ml mm nim nix php pl pm properties proto ps1 py pyi pyx"
    " r rb rs rst sass scala scss sh sol sql svelte swift tcl tf toml ts tsx txt vb vue xml yaml yml zig zsh"
)
NAMED = rf"(?:[\w.-]+/)+[\w.-]+|[\w.-]*\.(?:{ENDINGS.replace(' ', '|')})"
PLACE = re.compile(rf"(?<![\w/.:-])({NAMED}):(\d{{1,7}})(?:-(\d{{1,7}}))?\b", re.IGNORECASE)
HOST = re.compile(r"(?:https?|ssh|git)://\S+")
LONGEST_QUOTE = 2000
MOST_EVIDENCE = 20


def faults(evidence: Sequence[Evidence], texts: Iterable[str], read: Read) -> list[str]:
    """Return a sentence for everything that is not as it is said to be; an empty list where all of it holds.

    ``texts`` are the sentences around the evidence: a place that only they name must exist as well.
    """
    if not evidence:
        return ["There is no evidence: name at least one file and line."]
    if len(evidence) > MOST_EVIDENCE:
        return [f"There are more than {MOST_EVIDENCE} pieces of evidence; name those that matter."]
    wrong = [fault for one in evidence if (fault := _fault(one, read))]
    wrong += [fault for text in texts for fault in _named(text, read)]
    return list(dict.fromkeys(wrong))


def loose(text: str, read: Read) -> list[str]:
    """Return what is wrong with the places that a text names."""
    return list(dict.fromkeys(_named(text, read)))


def _fault(one: Evidence, read: Read) -> str:
    lines = _lines(one.file, read)
    if lines is None:
        return f"{one.place}: there is no file {one.file} at this commit."
    if not 1 <= one.line <= len(lines):
        return f"{one.place}: {one.file} has {len(lines)} lines."
    quote = one.quote.strip()
    if not quote or len(quote) > LONGEST_QUOTE:
        return f"{one.place}: quote what stands in the line, in 1 to {LONGEST_QUOTE} characters."
    height = len(quote.splitlines())
    there = _plain("\n".join(lines[one.line - 1 : one.line - 1 + height]))
    if _plain(quote) not in there:
        return f"{one.place}: the line says {lines[one.line - 1].strip()!r}, not what is quoted{_where(quote, lines)}."
    return ""


def _where(quote: str, lines: Sequence[str]) -> str:
    first = _plain(quote.splitlines()[0])
    found = [number for number, line in enumerate(lines, 1) if first and first in _plain(line)]
    return f" (that stands in line {found[0]})" if len(found) == 1 else ""


def _named(text: str, read: Read) -> Iterable[str]:
    for file, first, last in PLACE.findall(HOST.sub("", text)):
        lines = _lines(file, read)
        if lines is None:
            yield f"{file}:{first}: there is no file {file} at this commit."
        elif not 1 <= int(first) <= int(last or first) <= len(lines):
            yield f"{file}:{first}{f'-{last}' if last else ''}: {file} has {len(lines)} lines."


def _lines(file: str, read: Read) -> list[str] | None:
    text = read(file)
    return None if text is None else text.splitlines()


def _plain(text: str) -> str:
    return " ".join(text.split())

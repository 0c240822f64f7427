"""A strict reader of Prometheus's text format 0.0.4: whatever the format forbids or leaves unexplained is refused."""

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
COMMENT = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (\S+)")
TYPES = {"counter", "gauge"}

Labels = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Family:
    """One metric as a scraper has it: ``samples`` by their labels."""

    help: str
    kind: str = ""
    samples: dict[Labels, float] = field(default_factory=dict[Labels, float])


def families(text: str) -> dict[str, Family]:
    """Return the metrics of an exposition by name; raise AssertionError, with the line, for one that is not right."""
    assert text.endswith("\n")
    found: dict[str, Family] = {}
    for line in text.removesuffix("\n").split("\n"):
        comment = COMMENT.fullmatch(line)
        if comment:
            _explain(found, line, *comment.groups())
        else:
            _count(found, line)
    assert all(one.samples for one in found.values())
    return found


def _explain(found: dict[str, Family], line: str, word: str, name: str, rest: str) -> None:
    if word == "HELP":
        assert name not in found, line
        assert not re.search(r"\\[^\\n]", rest.replace(r"\\", "")), line
        found[name] = Family(rest)
        return
    last = list(found)[-1:]
    assert last == [name], f"no HELP before it: {line}"
    assert not found[name].kind, line
    assert rest in TYPES, line
    assert (rest == "counter") == name.endswith("_total"), line
    found[name].kind = rest


def _count(found: dict[str, Family], line: str) -> None:
    match = SAMPLE.fullmatch(line)
    assert match, f"no sample: {line!r}"
    name, labels = match[1], match[2] or ""
    assert list(found)[-1:] == [name], f"apart from its metric: {line}"
    assert found[name].kind, f"no TYPE before it: {line}"
    pairs = re.findall(LABEL, labels)
    assert len({label for label, _ in pairs}) == len(pairs), f"a label twice: {line}"
    key = frozenset((label, _plain(value)) for label, value in pairs)
    assert key not in found[name].samples, f"a sample twice: {line}"
    found[name].samples[key] = float(match[match.lastindex or 0])


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)

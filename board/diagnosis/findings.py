"""A diagnosis: the cause, its evidence, how certain it is, and the fix that is proposed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SHOWN_COMMIT = 12
QUOTE_SHOWN = 160


class Confidence(StrEnum):
    """How certain a diagnosis is of itself."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in the code: a file of the repository, a line counted from 1, and the words that stand there."""

    file: str
    line: int
    quote: str

    @property
    def place(self) -> str:
        """The place as people write it, such as ``auth.py:12``."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found; ``commit`` is the whole name of the commit that the evidence stands in."""

    cause: str
    evidence: tuple[Evidence, ...]
    confidence: Confidence
    fix: str
    commit: str


def text_of(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as a task's row keeps it."""
    return json.dumps(asdict(diagnosis), ensure_ascii=False)


def parse(text: str) -> Diagnosis:
    """Read what ``text_of`` wrote."""
    given: Mapping[str, Any] = json.loads(text)
    evidence = tuple(Evidence(one["file"], one["line"], one["quote"]) for one in given["evidence"])
    return Diagnosis(given["cause"], evidence, Confidence(given["confidence"]), given["fix"], given["commit"])


def shown(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as people read it, in Markdown."""
    places = "\n".join(f"- `{one.place}`: `{_quoted(one.quote)}`" for one in diagnosis.evidence)
    return "\n\n".join(
        (
            f"**Cause** ({diagnosis.confidence} confidence): {diagnosis.cause}",
            f"**Evidence**, checked at commit `{diagnosis.commit[:SHOWN_COMMIT]}`:\n{places}",
            f"**Proposed fix**: {diagnosis.fix}",
        )
    )


def _quoted(quote: str) -> str:
    line = " ".join(quote.split()).replace("`", "'")
    return line if len(line) <= QUOTE_SHOWN else line[:QUOTE_SHOWN] + "…"

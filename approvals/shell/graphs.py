"""Tiers of Cypher, the language of graph databases: what a statement matches, deletes and changes."""

import re
from collections.abc import Iterator

from kernel.risk import Tier

_QUOTED = re.compile(r"'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|//[^\n]*|/\*.*?\*/", re.DOTALL)
_DELETES = re.compile(r"\b(?:DETACH\s+)?DELETE\b", re.IGNORECASE)
_BOUNDED = re.compile(r"\bWHERE\b|\{", re.IGNORECASE)
_GRAVE = re.compile(r"\b(?:DROP|GRANT|REVOKE|DENY|STOP|TERMINATE|LOAD\s+CSV)\b|\bapoc\.", re.IGNORECASE)
_CHANGES = re.compile(
    r"\b(?:CREATE|MERGE|SET|REMOVE|CALL|ALTER|FOREACH|START|ENABLE|RENAME)\b", re.IGNORECASE
)


def judge_cypher(text: str) -> Iterator[tuple[Tier, str, str, str]]:
    """Yield a finding for each statement that does more than read."""
    for statement in _QUOTED.sub("''", text).split(";"):
        if _GRAVE.search(statement):
            yield (
                Tier.HIGH,
                "cypher.grave",
                "drops structure, changes rights or reaches beyond the database",
                text,
            )
        elif _DELETES.search(statement):
            bounded = _BOUNDED.search(statement) is not None
            why = "deletes what it finds" if bounded else "deletes without a condition"
            yield (Tier.MEDIUM if bounded else Tier.HIGH), "cypher.delete", why, text
        elif _CHANGES.search(statement):
            yield Tier.MEDIUM, "cypher.change", "changes the graph", text

"""A session's transcript: what was said to us and what we said, over all surfaces it has been on."""

from dataclasses import dataclass
from typing import Literal

from store.units import Query

LIST = """
SELECT 'in' AS direction, id, text, state, received_at AS at FROM inbox WHERE session_id = :session AND kind = 'message'
UNION ALL
SELECT 'out', id, text, state, created_at FROM outbox WHERE session_id = :session AND kind <> 'edit'
ORDER BY at DESC, direction DESC, id DESC LIMIT :limit OFFSET :skip
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a transcript; ``at`` in milliseconds."""

    direction: Literal["in", "out"]
    id: int
    text: str
    state: str
    at: int


def read(q: Query, session_id: str, skip: int, limit: int) -> list[Line]:
    """Return ``limit`` messages, oldest first, after leaving out the ``skip`` newest."""
    rows = q.all(LIST, {"session": session_id, "skip": skip, "limit": limit})
    return [Line(*row) for row in reversed(rows)]

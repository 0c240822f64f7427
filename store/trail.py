"""The trail of one task: its events in order, with their numbers, for whoever follows it step by step."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.events import Scalar
from store.units import Query

STEPS = """
SELECT seq, at, kind, actor, body FROM event WHERE subject = ? AND seq <= ?
    AND (kind GLOB 'task.*' OR kind GLOB 'attempt.*' OR kind GLOB 'agent.*') ORDER BY seq
"""
# The conversation as it was when something was passed on: an entry and all that stand before it.
SAID = """
WITH RECURSIVE chain (parent_id, body, depth) AS (
    SELECT parent_id, body, 0 FROM entry WHERE id = ?
    UNION ALL
    SELECT entry.parent_id, entry.body, depth + 1 FROM entry JOIN chain ON entry.id = chain.parent_id
)
SELECT body FROM chain ORDER BY depth DESC LIMIT ?
"""
# The last entry of a conversation at a time.
HEAD_AT = """
SELECT id FROM entry INDEXED BY entry_conversation WHERE conversation_id = ? AND created_at <= ?
ORDER BY position DESC LIMIT 1
"""
EVERYTHING = 1 << 62
Raw = tuple[int, int, str, str, str]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a task."""

    seq: int
    at: int
    kind: str
    actor: str
    body: Mapping[str, Scalar]


def raw(q: Query, task_id: int, at: int = 0) -> list[Raw]:
    """Return number, time, kind, actor and body (as JSON) of each event of a task up to one of them (0: all)."""
    rows = q.all(STEPS, (str(task_id), at or EVERYTHING))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def steps(q: Query, task_id: int, at: int = 0) -> list[Event]:
    """Return the events of a task up to one of them (0: all), the oldest first."""
    found = raw(q, task_id, at)
    return [Event(seq, time, kind, actor, json.loads(body)) for seq, time, kind, actor, body in found]


def head_at(q: Query, session_id: str, at: int) -> str:
    """Return the last entry of a session's conversation at a time, or an empty string."""
    row = q.one(HEAD_AT, (session_id, at))
    return row["id"] if row else ""


def conversation(q: Query, entry_id: str, limit: int = 500) -> list[str]:
    """Return the entries of a conversation up to one, as JSON texts, the oldest first."""
    return [row["body"] for row in q.all(SAID, (entry_id, limit))] if entry_id else []

"""What happened to a request for approval, as events tell it: its own, those of its cards, and taps on those."""

import json
import sqlite3
from dataclasses import dataclass

from kernel.events import Scalar
from store.units import Query

TRAIL = """
SELECT seq, at, kind, actor, body, '' AS place, '' AS tap FROM event WHERE subject = :id
UNION ALL
SELECT event.seq, event.at, event.kind, event.actor, event.body, outbox.platform || ':' || outbox.chat, ''
FROM approval_card
JOIN outbox ON outbox.id = approval_card.outbox_id
JOIN event ON event.subject = CAST(outbox.id AS TEXT) AND event.kind IN ('outbox.confirm', 'outbox.reject')
WHERE approval_card.approval_id = :id
UNION ALL
SELECT event.seq, event.at, event.kind, event.actor, event.body, inbox.platform || ':' || inbox.chat,
    inbox.extra ->> '$.tap'
FROM approval_card
JOIN outbox ON outbox.id = approval_card.outbox_id
JOIN json_each(iif(json_valid(outbox.receipt), outbox.receipt, '[]')) AS shown
JOIN inbox ON inbox.platform = outbox.platform AND inbox.account = outbox.account AND inbox.chat = outbox.chat
    AND inbox.message_id = shown.value AND inbox.kind = 'tap'
JOIN event ON event.subject = CAST(inbox.id AS TEXT) AND event.kind IN ('inbox.receive', 'inbox.ignore')
WHERE approval_card.approval_id = :id
ORDER BY seq LIMIT :rows
"""
ROWS = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a request's trail: ``body`` holds ids, digests and words of ours, never an action's text.

    Of a message that showed the request it names the ``place``, such as ``telegram:7``; of a tap on one what was
    ``tapped`` as well, whether or not that counted.
    """

    at: int
    kind: str
    actor: str
    body: dict[str, Scalar]


def trail(q: Query, id: str) -> list[Step]:
    """Return what happened to a request, in its order; notices count when their platform confirmed or refused them."""
    rows = q.all(TRAIL, {"id": id, "rows": ROWS})
    return [Step(row["at"], row["kind"], row["actor"], json.loads(row["body"]) | _where(row)) for row in rows]


def _where(row: sqlite3.Row) -> dict[str, Scalar]:
    said = {"place": row["place"], "tapped": _verb(row["tap"] or "")}
    return {name: value for name, value in said.items() if value}


def _verb(tap: str) -> str:
    """Return what a button said to do, without the proof that it is ours."""
    parts = tap.split(":")
    return parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - kind, request, verb, proof

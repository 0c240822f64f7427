"""What happened to a request for approval, as events tell it: its own, and those of the messages that showed it."""

import json
from dataclasses import dataclass

from kernel.events import Scalar
from store.units import Query

TRAIL = """
SELECT seq, at, kind, actor, body, '' AS place FROM event WHERE subject = :id
UNION ALL
SELECT event.seq, event.at, event.kind, event.actor, event.body, outbox.platform || ':' || outbox.chat
FROM approval_card
JOIN outbox ON outbox.id = approval_card.outbox_id
JOIN event ON event.subject = CAST(outbox.id AS TEXT) AND event.kind IN ('outbox.confirm', 'outbox.reject')
WHERE approval_card.approval_id = :id
ORDER BY seq LIMIT :rows
"""
ROWS = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a request's trail: ``body`` holds ids, digests and words of ours, never an action's text.

    Of a message that showed the request it names the ``place``, such as ``telegram:7``.
    """

    at: int
    kind: str
    actor: str
    body: dict[str, Scalar]


def trail(q: Query, id: str) -> list[Step]:
    """Return what happened to a request, in its order; notices count when their platform confirmed or refused them."""
    rows = q.all(TRAIL, {"id": id, "rows": ROWS})
    return [
        Step(
            row["at"],
            row["kind"],
            row["actor"],
            json.loads(row["body"]) | ({"place": row["place"]} if row["place"] else {}),
        )
        for row in rows
    ]

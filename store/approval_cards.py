"""Cards: the messages that show a request for approval, in whatever chats it is asked."""

from collections.abc import Sequence

from kernel.approvals import Approval
from kernel.messages import Address
from store import approvals, outbox
from store.outbox import OutboxRow, Owed
from store.units import Query, Unit

ADD_CARD = "INSERT INTO approval_card (outbox_id, approval_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
CARDS = """
SELECT outbox.* FROM approval_card JOIN outbox ON outbox.id = approval_card.outbox_id
WHERE approval_card.approval_id = ? ORDER BY outbox.id
"""
# Of the latest requests those that a chat shows; older ones are not looked at, however many wait.
_SHOWN_AT = """
FROM (
    SELECT * FROM approval WHERE state IN ('pending', 'held', 'approved') AND state <> 'approved'
    ORDER BY expires_at DESC LIMIT ?
) AS latest WHERE EXISTS (
    SELECT 1 FROM approval_card JOIN outbox ON outbox.id = approval_card.outbox_id
    WHERE approval_card.approval_id = latest.id AND platform = ? AND account = ? AND chat = ?
)
"""
COUNT_AT = f"SELECT count(*) AS n {_SHOWN_AT}"
WAITING_AT = f"SELECT * {_SHOWN_AT} ORDER BY created_at"
LATE_CARDS = """
SELECT outbox_id FROM outbox JOIN approval_card ON outbox_id = outbox.id JOIN approval ON approval.id = approval_id
WHERE outbox.state IN ('pending', 'sending', 'uncertain') AND approval.state <> 'pending'
"""
UNSHOWN = """
SELECT count(*) AS n FROM (SELECT id FROM outbox WHERE state = 'dead' ORDER BY id DESC LIMIT ?) AS dead
JOIN approval_card ON outbox_id = dead.id JOIN approval ON approval.id = approval_id
WHERE approval.state IN ('pending', 'held')
"""
OF_CARD = "SELECT approval_id FROM approval_card WHERE outbox_id = ?"
DELIVERED = """
SELECT 1 FROM approval_card JOIN outbox ON outbox.id = approval_card.outbox_id WHERE approval_card.approval_id = ?
GROUP BY platform, account, chat, coalesce(thread, '') HAVING sum(outbox.state <> 'sent') = 0 LIMIT 1
"""


def add(tx: Unit, id: str, owed: Sequence[Owed]) -> None:
    """Commit the messages about a request; those with a key that begins with ``approval:ID:card:`` show it."""
    outbox.add_all(tx, owed)
    for item in owed:
        row = tx.one(outbox.BY_KEY, (item.key,)) if item.key.startswith(f"approval:{id}:card:") else None
        if row is not None:
            tx.run(ADD_CARD, (row["id"], id))


def waiting_at(q: Query, place: Address, limit: int) -> list[Approval]:
    """Return which of the latest ``limit`` waiting requests a chat shows, oldest first."""
    return [approvals.row_of(row) for row in q.all(WAITING_AT, (limit, *place[:3]))]


def count_at(q: Query, place: Address, limit: int) -> int:
    """Return how many of the latest ``limit`` waiting requests a chat shows."""
    row = q.one(COUNT_AT, (limit, *place[:3]))
    return row["n"] if row else 0


def late(q: Query) -> list[int]:
    """Return the outbox ids of cards that are still to be delivered although their request has moved on."""
    return [row["outbox_id"] for row in q.all(LATE_CARDS)]


def unshown(q: Query, limit: int = 1000) -> int:
    """Return how many messages of waiting requests are among the latest ``limit`` dead letters."""
    row = q.one(UNSHOWN, (limit,))
    return row["n"] if row else 0


def of_request(q: Query, id: str) -> list[OutboxRow]:
    """Return the messages that show a request, in every chat, oldest first."""
    return [outbox.row_of(row) for row in q.all(CARDS, (id,))]


def request_of(q: Query, outbox_id: int) -> str:
    """Return the id of the request that an owed message shows, or ``""``."""
    row = q.one(OF_CARD, (outbox_id,))
    return row["approval_id"] if row else ""


def delivered(q: Query, id: str) -> bool:
    """Tell whether a whole card of a request was confirmed by a platform."""
    return q.one(DELIVERED, (id,)) is not None

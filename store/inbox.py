"""The inbox: what platforms handed over, from the commit to the answer."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kernel.messages import Address, Attachment, AttachmentKind, Inbound, InboundKind, Sender
from kernel.states import InboxState
from kernel.transitions import INBOX
from store import marks
from store.units import Query, Unit

INSERT = """
INSERT INTO inbox (platform, account, chat, thread, dedup_key, message_id, kind, sender, sender_name, private,
    addressed, text, attachments, extra, note, state, session_id, error, sent_at, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (platform, account, dedup_key) DO NOTHING RETURNING *
"""
BY_ID = "SELECT * FROM inbox WHERE id = ?"
QUEUED = "SELECT * FROM inbox WHERE session_id = ? AND state = 'queued' ORDER BY id LIMIT ?"
OF_TURN = "SELECT * FROM inbox WHERE turn_id = ? ORDER BY id"
NEWEST = "SELECT id FROM inbox ORDER BY id DESC LIMIT 1"
OPEN = "SELECT * FROM inbox WHERE state IN ('received', 'queued', 'running') ORDER BY id"
DEPTH = "SELECT state, count(*) AS n FROM inbox WHERE state IN ('received', 'queued', 'running', 'dead') GROUP BY state"
BY_MESSAGE = """
SELECT * FROM inbox WHERE platform = ? AND account = ? AND chat = ? AND message_id = ? AND kind = 'message'
ORDER BY id DESC LIMIT 1
"""
LAST_OF_SESSION = """
SELECT * FROM inbox WHERE session_id = ? AND kind = 'message' AND state IN ('done', 'dead', 'cancelled')
    AND turn_id IS NOT NULL ORDER BY id DESC LIMIT 1
"""
ADD_NOTE = "UPDATE inbox SET note = trim(note || char(10) || ?, char(10)) WHERE id = ?"
RECEIVED = """
SELECT * FROM inbox WHERE state = 'received' AND platform = ? AND account = ? AND chat = ? ORDER BY id LIMIT 50
"""
SET_SESSION = "UPDATE inbox SET session_id = ? WHERE id = ?"
ANNOTATE_ONCE = "UPDATE inbox SET note = ? WHERE id = ? AND note = ''"
DEAD_OF_SESSION = "SELECT * FROM inbox WHERE session_id = ? AND state = 'dead' ORDER BY id DESC LIMIT 1"
REWRITE = "UPDATE inbox SET text = ?, attachments = ? WHERE id = ? AND state = 'queued'"
ATTACH = "UPDATE inbox SET turn_id = ?, attempts = attempts + 1 WHERE id = ?"
DETACH = "UPDATE inbox SET turn_id = NULL WHERE id = ?"
ATTACHMENTS = "UPDATE inbox SET attachments = ? WHERE id = ?"
LAST_COMMITTED = """
SELECT chat, message_id FROM inbox WHERE id IN (
    SELECT max(id) FROM inbox WHERE platform = ? AND account = ? AND kind = 'message' GROUP BY chat)
"""
# SQLite takes the other columns of a row from where max() found its value.
ANCHORS = """
SELECT chat, thread, message_id, max(id) FROM inbox
WHERE platform = ? AND account = ? AND kind = 'message' AND state <> 'dead' AND message_id <> ''
GROUP BY chat, thread
"""
ROLES_WORN = """
SELECT platform, sender, sent_at, extra, max(id) FROM inbox WHERE extra LIKE '%"roles"%'
GROUP BY platform, sender ORDER BY max(id) DESC LIMIT ?
"""
MISSED = """
SELECT count(*) AS n, count(DISTINCT chat) AS chats FROM inbox
WHERE platform = ? AND account = ? AND kind = 'message' AND state <> 'ignored' AND sent_at BETWEEN ? AND ?
    AND received_at >= ?
"""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One inbound message as it stands in the store."""

    id: int
    inbound: Inbound
    state: InboxState
    session_id: str
    turn_id: str
    attempts: int
    note: str
    error: str
    received_at: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rings decided about one message before it is stored: where it goes, or why it does not.

    ``event`` is the move from ``received`` (``""`` leaves it there for the control lane), ``reason`` goes with
    ``"ignore"``, ``note`` is shown to the agent, ``session`` finds the session and ``effect`` does what has to be done
    before the next message is looked at, both in the same unit. Where ``session`` finds none, because the conversation
    has just left the place, the control lane says so.
    """

    event: str
    reason: str = ""
    note: str = ""
    session: Callable[[Unit], str] | None = None
    effect: Callable[[Unit], None] | None = None


def row_of(row: sqlite3.Row) -> InboxRow:
    """Map a row of the table."""
    extra: dict[str, Any] = json.loads(row["extra"])
    roles = tuple(extra.pop("roles", ()))
    inbound = Inbound(
        Address(row["platform"], row["account"], row["chat"], row["thread"]),
        row["dedup_key"],
        row["message_id"],
        Sender(row["sender"], row["sender_name"], roles),
        InboundKind(row["kind"]),
        row["text"],
        bool(row["private"]),
        bool(row["addressed"]),
        attachments_of(row["attachments"]),
        sent_at=row["sent_at"],
        **extra,
    )
    return InboxRow(
        row["id"],
        inbound,
        InboxState(row["state"]),
        row["session_id"] or "",
        row["turn_id"] or "",
        row["attempts"],
        row["note"],
        row["error"],
        row["received_at"],
    )


def anchors(q: Query, platform: str, account: str) -> dict[Address, str]:
    """Return the id of the last committed message of every chat and thread of an account."""
    return {
        Address(platform, account, row["chat"], row["thread"]): row["message_id"]
        for row in q.all(ANCHORS, (platform, account))
    }


def roles_worn(q: Query, limit: int) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Return when each of the latest ``limit`` people with roles was last seen with which; the latest comes last."""
    found = {
        f"{row['platform']}:{row['sender']}": (
            row["sent_at"],
            tuple(json.loads(row["extra"]).get("roles", ())),
        )
        for row in q.all(ROLES_WORN, (limit,))
    }
    return dict(reversed(found.items()))


def attachments_of(text: str) -> tuple[Attachment, ...]:
    """Read the JSON column."""
    return tuple(Attachment(AttachmentKind(item.pop("kind")), **item) for item in json.loads(text))


def _attachments_text(attachments: Sequence[Attachment]) -> str:
    return json.dumps([asdict(item) for item in attachments]) if attachments else "[]"


def _extra(inbound: Inbound) -> str:
    fields: dict[str, Any] = {name: getattr(inbound, name) for name in ("reply_to", "group", "tap", "tap_id")}
    fields["roles"] = inbound.sender.roles
    return json.dumps({name: value for name, value in fields.items() if value})


def accept(tx: Unit, batch: Sequence[tuple[Inbound, Verdict]]) -> list[InboxRow]:
    """Store a batch with the rings' verdicts and return the rows that were new, in order."""
    return [row for inbound, verdict in batch if (row := add(tx, inbound, verdict)) is not None]


def add(tx: Unit, inbound: Inbound, verdict: Verdict) -> InboxRow | None:
    """Store one message unless its key is known; emit ``inbox.<event>`` and return the new row."""
    if tx.one(_KNOWN, (inbound.address.platform, inbound.address.account, inbound.key)):
        return None
    session_id = (verdict.session(tx) or None) if verdict.session else None
    event = "" if verdict.session and session_id is None else verdict.event
    state = INBOX.move(INBOX.initial, event) if event else INBOX.initial
    if verdict.effect is not None:
        verdict.effect(tx)
    address, sender = inbound.address, inbound.sender
    row = tx.one(
        INSERT,
        (
            *address,
            inbound.key,
            inbound.message_id,
            inbound.kind,
            sender.id,
            sender.name,
            inbound.private,
            inbound.addressed,
            inbound.text,
            _attachments_text(inbound.attachments),
            _extra(inbound),
            verdict.note,
            state,
            session_id,
            verdict.reason,
            inbound.sent_at or tx.now,
            tx.now,
        ),
    )
    assert row is not None  # noqa: S101 - the key was looked up in this very transaction
    tx.emit(
        f"inbox.{event or 'receive'}",
        str(row["id"]),
        actor=f"{address.platform}:{sender.id}",
        platform=address.platform,
        account=address.account,
        chat=address.chat,
        session=session_id,
    )
    return row_of(row)


_KNOWN = "SELECT 1 FROM inbox WHERE platform = ? AND account = ? AND dedup_key = ?"


def get(q: Query, id: int) -> InboxRow | None:
    """Return one row."""
    row = q.one(BY_ID, (id,))
    return row_of(row) if row else None


def by_message(q: Query, address: Address, message_id: str) -> InboxRow | None:
    """Return the row of a platform's message."""
    row = q.one(BY_MESSAGE, (address.platform, address.account, address.chat, message_id))
    return row_of(row) if row else None


def queued(q: Query, session_id: str, limit: int = 20) -> list[InboxRow]:
    """Return what waits for a session, oldest first."""
    return [row_of(row) for row in q.all(QUEUED, (session_id, limit))]


def of_turn(q: Query, turn_id: str) -> list[InboxRow]:
    """Return the messages of a turn, oldest first."""
    return [row_of(row) for row in q.all(OF_TURN, (turn_id,))]


def received(q: Query, chat: Address) -> list[InboxRow]:
    """Return what waits for the control lane in a chat, oldest first."""
    return [row_of(row) for row in q.all(RECEIVED, chat[:3])]


def last_dead(q: Query, session_id: str) -> InboxRow | None:
    """Return the last quarantined message of a session."""
    row = q.one(DEAD_OF_SESSION, (session_id,))
    return row_of(row) if row else None


def newest(q: Query) -> int:
    """Return the id of the newest row, 0 where there is none."""
    row = q.one(NEWEST)
    return int(row["id"]) if row else 0


def open_rows(q: Query) -> list[InboxRow]:
    """Return everything that still owes an answer, oldest first."""
    return [row_of(row) for row in q.all(OPEN)]


def depth(q: Query) -> dict[str, int]:
    """Return how many rows are in each open state."""
    return {row["state"]: row["n"] for row in q.all(DEPTH)}


def last_of_session(q: Query, session_id: str) -> InboxRow | None:
    """Return the last message of a session that a turn worked on."""
    row = q.one(LAST_OF_SESSION, (session_id,))
    return row_of(row) if row else None


def last_committed(q: Query, platform: str, account: str) -> dict[str, str]:
    """Return the last stored message id of every chat of a platform."""
    return {row["chat"]: row["message_id"] for row in q.all(LAST_COMMITTED, (platform, account))}


def missed(q: Query, platform: str, account: str, since: int, until: int) -> tuple[int, int]:
    """Return how many messages, in how many chats, were written between two times and stored after them."""
    row = q.one(MISSED, (platform, account, since, until, until))
    return (row["n"], row["chats"]) if row else (0, 0)


def start(tx: Unit, id: int, turn_id: str) -> None:
    """Hand a queued message to a turn."""
    tx.run(ATTACH, (turn_id, id))
    tx.move(INBOX, id, "start")


def start_waiting(tx: Unit, ids: Sequence[int], turn_id: str) -> None:
    """Hand those of the messages that still wait to a turn; one that was withdrawn meanwhile stays so."""
    for id in ids:
        row = get(tx, id)
        if row is not None and row.state in INBOX.sources("start"):
            start(tx, id, turn_id)


def release(tx: Unit, id: int) -> None:
    """Put a message that no turn has answered back into its queue."""
    tx.run(DETACH, (id,))
    tx.move(INBOX, id, "release")


def rewrite(tx: Unit, id: int, edited: Inbound) -> bool:
    """Replace the text of a message that still waits; tell whether it did."""
    return tx.run(REWRITE, (edited.text, _attachments_text(edited.attachments), id)) == 1


def keep_attachments(tx: Unit, id: int, attachments: Sequence[Attachment]) -> None:
    """Store where the attachments of a message were kept."""
    tx.run(ATTACHMENTS, (_attachments_text(attachments), id))


def admit(tx: Unit, id: int, session_id: str) -> None:
    """Queue a message that the control lane found to be an ordinary one, and wake its session."""
    tx.run(SET_SESSION, (session_id, id))
    tx.move(INBOX, id, "admit")
    tx.emit("session.wake", session_id, message=id)


def revive(tx: Unit, id: int) -> None:
    """Queue a quarantined message again, and wake its session."""
    row = tx.move(INBOX, id, "revive", turn_id=None, error="")
    tx.emit("session.wake", row["session_id"], message=id)


def cancel(tx: Unit, id: int) -> None:
    """Withdraw a message that its sender deleted before it was answered."""
    tx.move(INBOX, id, "cancel")


def annotate_once(tx: Unit, id: int, note: str) -> bool:
    """Set the note of a message that has none; tell whether this was the first."""
    return tx.run(ANNOTATE_ONCE, (note, id)) == 1


def note_session(tx: Unit, session_id: str, note: str) -> None:
    """Keep something the agent should know with the session's next message."""
    name = f"note:{session_id}"
    marks.put(tx, name, f"{marks.get(tx, name)}\n{note}".strip())


def take_notes(tx: Unit, session_id: str, id: int) -> None:
    """Hand what was noted for a session to one of its messages."""
    if noted := marks.take(tx, f"note:{session_id}"):
        tx.run(ADD_NOTE, (noted, id))

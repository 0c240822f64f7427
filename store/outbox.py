"""The outbox: what we owe to people, from the commit to the platform's receipt."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kernel.messages import Address, Button, Outbound, OutboundKind, Priority, Receipt
from kernel.states import OutboxState
from kernel.transitions import OUTBOX
from store.units import Query, Unit

INSERT = """
INSERT INTO outbox (dedup_key, platform, account, chat, thread, kind, priority, text, extra, state, session_id, turn_id,
    due_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (dedup_key) DO NOTHING RETURNING id
"""
BY_ID = "SELECT * FROM outbox WHERE id = ?"
BY_KEY = "SELECT * FROM outbox WHERE dedup_key = ?"
HEAD = """
SELECT * FROM outbox WHERE platform = ? AND account = ? AND chat = ? AND state IN ('pending', 'sending', 'uncertain')
ORDER BY id LIMIT 1
"""
CHATS = """
SELECT DISTINCT platform, account, chat FROM outbox WHERE state IN ('pending', 'sending', 'uncertain')
"""
DEPTH = """
SELECT state, count(*) AS n FROM outbox WHERE state IN ('pending', 'sending', 'uncertain') GROUP BY state
UNION ALL SELECT 'dead', count(*) FROM outbox WHERE state = 'dead'
"""
DEAD = "SELECT * FROM outbox WHERE state = 'dead' ORDER BY id DESC LIMIT ?"
IN_FLIGHT = "SELECT id FROM outbox WHERE state = 'sending' ORDER BY id"
COUNT_ATTEMPT = "UPDATE outbox SET attempts = attempts + 1 WHERE id = ?"
BY_RECEIPT = """
SELECT * FROM outbox WHERE platform = ? AND account = ? AND chat = ? AND state = 'sent' AND receipt LIKE ?
ORDER BY id DESC LIMIT 1
"""
LAST_SENT = """
SELECT receipt FROM outbox WHERE platform = ? AND account = ? AND chat = ? AND state = 'sent' AND kind <> 'edit'
ORDER BY id DESC LIMIT 1
"""
MOVED = "SELECT moved_to FROM chat WHERE platform = ? AND account = ? AND chat = ? AND moved_to IS NOT NULL"
LAST_REPLY = """
SELECT text FROM outbox WHERE session_id = ? AND dedup_key LIKE 'turn:%' AND kind = 'text' ORDER BY id DESC LIMIT 1
"""
WITH_PREFIX = "SELECT * FROM outbox WHERE dedup_key >= ? AND dedup_key < ? ORDER BY id"
PENDING_OF_SESSION = "SELECT id FROM outbox WHERE session_id = ? AND state = 'pending'"


@dataclass(frozen=True, slots=True)
class Owed:
    """A message to be committed to the outbox; ``key`` makes committing it twice the same as once."""

    key: str
    message: Outbound
    priority: Priority = Priority.REPLY
    session_id: str = ""
    turn_id: str = ""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One owed message as it stands in the store."""

    id: int
    key: str
    message: Outbound
    priority: Priority
    state: OutboxState
    session_id: str
    turn_id: str
    attempts: int
    resent: bool
    due_at: int
    receipt: tuple[str, ...]
    error: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Wait:
    """The chat's next message is due in ``delay`` milliseconds."""

    delay: int


def row_of(row: sqlite3.Row) -> OutboxRow:
    """Map a row of the table."""
    extra: dict[str, Any] = json.loads(row["extra"])
    buttons = tuple(tuple(Button(**button) for button in line) for line in extra.pop("buttons", ()))
    file = extra.pop("file", "")
    message = Outbound(
        Address(row["platform"], row["account"], row["chat"], row["thread"]),
        row["text"],
        OutboundKind(row["kind"]),
        buttons,
        file=Path(file) if file else None,
        # An edit that is made twice is the same as once: nobody has to be told.
        resend=bool(row["resent"]) and not extra.get("replaces"),
        nonce=row["dedup_key"],
        **extra,
    )
    return OutboxRow(
        row["id"],
        row["dedup_key"],
        message,
        Priority(row["priority"]),
        OutboxState(row["state"]),
        row["session_id"] or "",
        row["turn_id"] or "",
        row["attempts"],
        bool(row["resent"]),
        row["due_at"],
        tuple(json.loads(row["receipt"])),
        row["error"],
        row["created_at"],
    )


def _extra(message: Outbound) -> str:
    extra: dict[str, Any] = {
        "buttons": [[asdict(button) for button in line] for line in message.buttons],
        "reply_to": message.reply_to,
        "replaces": message.replaces,
        "file": str(message.file) if message.file else "",
        "file_name": message.file_name,
        "silent": message.silent,
        "card": message.card,
    }
    return json.dumps({name: value for name, value in extra.items() if value})


def add(tx: Unit, owed: Owed) -> bool:
    """Commit an owed message, to where its chat is now; tell whether it is new."""
    message = owed.message
    if moved := tx.one(MOVED, message.address[:3]):
        message = readdressed(message, moved["moved_to"])
    row = tx.one(
        INSERT,
        (
            owed.key,
            *message.address,
            message.kind,
            owed.priority,
            message.text,
            _extra(message),
            OUTBOX.initial,
            owed.session_id or None,
            owed.turn_id or None,
            tx.now,
            tx.now,
        ),
    )
    if row is None:
        return False
    tx.emit(
        "outbox.add",
        str(row["id"]),
        platform=message.address.platform,
        account=message.address.account,
        chat=message.address.chat,
        session=owed.session_id or None,
    )
    return True


def add_all(tx: Unit, owed: Sequence[Owed]) -> None:
    """Commit several owed messages in order."""
    for item in owed:
        add(tx, item)


def get(q: Query, id: int) -> OutboxRow | None:
    """Return one row."""
    row = q.one(BY_ID, (id,))
    return row_of(row) if row else None


def by_key(q: Query, key: str) -> OutboxRow | None:
    """Return the row with a key."""
    row = q.one(BY_KEY, (key,))
    return row_of(row) if row else None


def peek(q: Query, chat: Address, now: int) -> Priority | Wait | None:
    """Return how urgent the chat's next message is, how long it has to wait, or ``None`` when nothing is owed."""
    head = q.one(HEAD, chat[:3])
    if head is None:
        return None
    return Wait(head["due_at"] - now) if head["due_at"] > now else Priority(head["priority"])


def claim(tx: Unit, chat: Address) -> OutboxRow | Wait | None:
    """Take the oldest open message of a chat for sending; an uncertain one is taken again, marked as resent.

    ``None`` says that nothing is owed to the chat.
    """
    head = tx.one(HEAD, chat[:3])
    if head is None:
        return None
    if head["due_at"] > tx.now:
        return Wait(head["due_at"] - tx.now)
    tx.run(COUNT_ATTEMPT, (head["id"],))
    if head["state"] == OutboxState.UNCERTAIN:
        row = row_of(tx.move(OUTBOX, head["id"], "resend", resent=1))
        return replace(row, message=replace(row.message, after=_last_sent(tx, chat)))
    return row_of(tx.move(OUTBOX, head["id"], "claim"))


def _last_sent(q: Query, chat: Address) -> str:
    """Return the id of our last message in a chat whose receipt is stored."""
    row = q.one(LAST_SENT, chat[:3])
    return str(next(reversed(json.loads(row["receipt"])), "")) if row else ""


def confirm(tx: Unit, id: int, receipt: Receipt) -> None:
    """Store the platform's receipt."""
    tx.move(OUTBOX, id, "confirm", receipt=json.dumps(list(receipt.message_ids)), sent_at=tx.now, error="")


def defer(tx: Unit, id: int, delay: int, reason: str) -> None:
    """Put a message that was surely not delivered back, due in ``delay`` milliseconds."""
    tx.move(OUTBOX, id, "defer", due_at=tx.now + delay, error=reason)


def doubt(tx: Unit, id: int, delay: int, reason: str) -> None:
    """Mark a message whose delivery is uncertain, due for its resending in ``delay`` milliseconds."""
    tx.move(OUTBOX, id, "doubt", due_at=tx.now + delay, error=reason)


def reject(tx: Unit, id: int, reason: str) -> None:
    """Make a message a dead letter."""
    tx.move(OUTBOX, id, "reject", error=reason)


def revive(tx: Unit, id: int) -> None:
    """Send a dead letter again."""
    tx.move(OUTBOX, id, "revive", due_at=tx.now, attempts=0, error="")


def doubt_in_flight(tx: Unit) -> int:
    """After a crash, mark what was being sent as uncertain; return how many there were."""
    rows = tx.all(IN_FLIGHT)
    for row in rows:
        doubt(tx, row["id"], 0, "The daemon stopped while this was being sent.")
    return len(rows)


def open_chats(q: Query) -> list[Address]:
    """Return the chats that are owed something."""
    return [Address(*row) for row in q.all(CHATS)]


def depth(q: Query) -> dict[str, int]:
    """Return how many rows are in each open state, and how many are dead."""
    return {row["state"]: row["n"] for row in q.all(DEPTH)}


def last_reply(q: Query, session_id: str) -> str:
    """Return the text that a turn of a session owed last, or an empty one."""
    row = q.one(LAST_REPLY, (session_id,))
    return row["text"] if row else ""


def with_prefix(q: Query, prefix: str) -> list[OutboxRow]:
    """Return the messages whose key begins with a text, oldest first."""
    return [row_of(row) for row in q.all(WITH_PREFIX, (prefix, prefix + "\x7f"))]


def dead(q: Query, limit: int = 20) -> list[OutboxRow]:
    """Return the latest dead letters."""
    return [row_of(row) for row in q.all(DEAD, (limit,))]


def by_receipt(q: Query, address: Address, message_id: str) -> OutboxRow | None:
    """Return the message of ours that has a platform's message id."""
    row = q.one(BY_RECEIPT, (*address[:3], f'%"{message_id}"%'))
    return row_of(row) if row else None


def cancel_pending(tx: Unit, session_id: str) -> int:
    """Withdraw what a session has not sent yet; return how many messages that were."""
    rows = tx.all(PENDING_OF_SESSION, (session_id,))
    for row in rows:
        tx.move(OUTBOX, row["id"], "cancel")
    return len(rows)


def readdressed(message: Outbound, chat: str) -> Outbound:
    """Return the message for a chat that moved."""
    return replace(message, address=message.address._replace(chat=chat))

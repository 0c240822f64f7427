"""Sessions, and the keys they are bound to."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import NotFound, Stale
from kernel.ids import new_id
from kernel.messages import Address
from kernel.states import HandoffState
from kernel.transitions import HANDOFF
from store import marks
from store.units import Query, Unit

BY_ID = "SELECT * FROM session WHERE id = ?"
BOUND = "SELECT session.* FROM binding JOIN session ON session.id = binding.session_id WHERE binding.key = ?"
INSERT = """
INSERT INTO session (id, title, titled_by, owner, platform, account, chat, thread, private, created_at, active_at)
VALUES (?, '', '', ?, ?, ?, ?, ?, ?, ?, ?)
"""
BIND = "INSERT INTO binding (key, session_id, bound_at) VALUES (?, ?, ?)"
UNBIND = "DELETE FROM binding WHERE key = ? OR session_id = ?"
CLOSE = "UPDATE session SET closed_at = ? WHERE id = (SELECT session_id FROM binding WHERE key = ?)"
REOPEN = """
UPDATE session SET closed_at = NULL, platform = ?, account = ?, chat = ?, thread = ?, private = ?, active_at = ?
WHERE id = ?
"""
TOUCH = "UPDATE session SET active_at = ? WHERE id = ?"
KEY_OF = "SELECT key FROM binding WHERE session_id = ?"
LIST = """
SELECT * FROM session WHERE forgotten_at IS NULL AND (:owner = '' OR owner = :owner)
    AND (:words = '' OR title LIKE '%' || :words || '%' OR EXISTS (SELECT 1 FROM inbox
        WHERE inbox.session_id = session.id AND kind = 'message' AND text LIKE '%' || :words || '%'))
    AND (turns > 0 OR title <> '')
ORDER BY active_at DESC LIMIT :limit
"""
BUSY = """
SELECT EXISTS (SELECT 1 FROM inbox WHERE session_id = :id AND state IN ('received', 'queued', 'running'))
    OR EXISTS (SELECT 1 FROM approval WHERE session_id = :id AND state IN ('approved', 'running')) AS busy
"""
DEPART = """
INSERT INTO departed (key, session_id, platform, account, chat, thread, left_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET session_id = excluded.session_id, left_at = excluded.left_at
"""
RETURN = "DELETE FROM departed WHERE key = ?"
DEPARTED_KEYS = "SELECT key FROM departed"
DEPARTED = """
SELECT session.* FROM departed JOIN session ON session.id = departed.session_id
WHERE departed.key = ? AND session.forgotten_at IS NULL
"""
AT_PLACE = """
SELECT session.* FROM session JOIN binding ON binding.session_id = session.id
WHERE platform = ? AND chat = ? AND coalesce(thread, '') = ? ORDER BY active_at DESC LIMIT 1
"""
LEFT_PLACE = """
SELECT session.* FROM departed JOIN session ON session.id = departed.session_id
WHERE departed.platform = ? AND departed.chat = ? AND coalesce(departed.thread, '') = ? ORDER BY left_at DESC LIMIT 1
"""
LAST_ELSEWHERE = """
SELECT session.* FROM binding JOIN session ON session.id = binding.session_id
WHERE binding.key <> :key AND session.turns > 0 AND (:owner = '' OR session.owner = :owner)
ORDER BY active_at DESC LIMIT 1
"""
FORGET_INBOX = """
UPDATE inbox SET text = '', attachments = '[]', note = '', extra = '{}', sender_name = ''
WHERE session_id = ? AND state NOT IN ('received', 'queued', 'running')
"""
FORGET_OUTBOX = """
UPDATE outbox SET text = '', extra = '{}' WHERE session_id = ? AND state NOT IN ('pending', 'sending', 'uncertain')
"""
FILES_OF = "SELECT attachments FROM inbox WHERE session_id = ? AND attachments <> '[]'"
FORGET_ENTRIES = "DELETE FROM entry WHERE conversation_id = ?"
DETACH_ENTRIES = "UPDATE entry SET parent_id = NULL WHERE conversation_id = ?"
FORGET_CONVERSATION = "DELETE FROM conversation WHERE id = ?"
FORGET_CALLS = """
UPDATE tool_call SET result = NULL WHERE turn_id IN (SELECT id FROM turn WHERE session_id = ?)
"""
FORGET_TURNS = "UPDATE turn SET checkpoint = NULL WHERE session_id = ?"
FORGET_QUESTIONS = "UPDATE question SET text = '', options = '[]', answer = '' WHERE session_id = ?"
FORGET_APPROVALS = """
UPDATE approval SET result = '', reason = '', consequence = '', reasons = '[]', action = json_set(action, '$.text', '',
    '$.arguments', '{}', '$.target', '', '$.argv', json('null'), '$.environment', json('[]'), '$.inputs', json('[]'))
WHERE session_id = ? AND state NOT IN ('pending', 'held', 'approved', 'running', 'unknown')
"""
ERASE = (
    FORGET_INBOX,
    FORGET_OUTBOX,
    FORGET_CALLS,
    FORGET_TURNS,
    FORGET_QUESTIONS,
    FORGET_APPROVALS,
    DETACH_ENTRIES,
    FORGET_ENTRIES,
    FORGET_CONVERSATION,
)
IS_FORGOTTEN = "SELECT 1 FROM session WHERE id = ? AND forgotten_at IS NOT NULL"
FORGET = "UPDATE session SET title = '', forgotten_at = ?, closed_at = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation with memory and the address it lives at."""

    id: str
    title: str
    titled_by: str
    owner: str
    address: Address
    private: bool
    model: str
    verbose: bool
    quiet_until: int
    turns: int
    created_at: int
    active_at: int
    closed: bool
    handoff: HandoffState = HandoffState.NONE


@dataclass(frozen=True, slots=True)
class Reset:
    """When a session ends by itself: after ``idle`` milliseconds, or when it was last active before ``day_start``."""

    idle: int = 0
    day_start: int = 0

    def ended(self, session: Session, now: int) -> bool:
        """Tell whether a session is over at ``now``."""
        return bool(self.idle and session.active_at < now - self.idle) or session.active_at < self.day_start


def is_busy(q: Query, id: str) -> bool:
    """Tell whether a message of a session waits or is worked on, or an approved action of it is carried out."""
    row = q.one(BUSY, {"id": id})
    return bool(row and row["busy"])


def row_of(row: sqlite3.Row) -> Session:
    """Map a row of the table."""
    return Session(
        row["id"],
        row["title"],
        row["titled_by"],
        row["owner"],
        Address(row["platform"], row["account"], row["chat"], row["thread"]),
        bool(row["private"]),
        row["model"],
        bool(row["verbose"]),
        row["quiet_until"],
        row["turns"],
        row["created_at"],
        row["active_at"],
        row["closed_at"] is not None,
        HandoffState(row["handoff_state"]),
    )


def get(q: Query, id: str) -> Session:
    """Return a session; raise NotFound."""
    row = q.one(BY_ID, (id,))
    if row is None:
        raise NotFound(f"There is no session {id}.", remedy="/sessions lists them.")
    return row_of(row)


def bound(q: Query, key: str) -> Session | None:
    """Return the session that answers at a key."""
    row = q.one(BOUND, (key,))
    return row_of(row) if row else None


def key_of(q: Query, id: str) -> str:
    """Return the key a session answers at, or an empty string."""
    row = q.one(KEY_OF, (id,))
    return row["key"] if row else ""


def resolve(tx: Unit, key: str, address: Address, owner: str, *, private: bool, reset: Reset) -> str:
    """Return the id of the session that answers at a key, opening one where there is none or it is over.

    It is empty where the conversation of the key has left it: what is said there opens no second one.
    """
    session = bound(tx, key)
    if session is not None and not reset.ended(session, tx.now):
        tx.run(TOUCH, (tx.now, session.id))
        return session.id
    if session is None and departed(tx, key) is not None:
        return ""
    return open_new(tx, key, address, owner, private=private)


def open_new(tx: Unit, key: str, address: Address, owner: str, *, private: bool) -> str:
    """Open a session at a key; the one that answered there is closed and kept."""
    id = new_id("s")
    tx.run(CLOSE, (tx.now, key))
    tx.run(INSERT, (id, owner, *address, private, tx.now, tx.now))
    _bind(tx, key, id)
    tx.emit("session.open", id, actor=owner, platform=address.platform, chat=address.chat)
    return id


def rebind(tx: Unit, id: str, key: str, address: Address, *, private: bool, actor: str) -> Session:
    """Move a session to a key; the one that answered there is closed and kept. Raises NotFound.

    The place that it leaves remembers where it went.
    """
    session, left = get(tx, id), key_of(tx, id)
    if left and left != key:
        depart(tx, left, session)
    tx.run(CLOSE, (tx.now, key))
    tx.run(REOPEN, (*address, private, tx.now, id))
    _bind(tx, key, id)
    tx.emit("session.resume", id, actor=actor, platform=address.platform, chat=address.chat)
    return get(tx, id)


def _bind(tx: Unit, key: str, id: str) -> None:
    tx.run(UNBIND, (key, id))
    tx.run(BIND, (key, id, tx.now))
    come_back(tx, key)


def release(tx: Unit, id: str) -> None:
    """Take a session from its key: it is closed, kept and listed."""
    tx.run("DELETE FROM binding WHERE session_id = ?", (id,))
    tx.run("UPDATE session SET closed_at = ? WHERE id = ?", (tx.now, id))


def depart(tx: Unit, key: str, session: Session) -> None:
    """Remember at a key that its session is leaving it."""
    tx.run(DEPART, (key, session.id, *session.address, tx.now))
    tx.emit("session.depart", session.id, key=key)


def come_back(tx: Unit, key: str) -> None:
    """Forget that a session left a key: something answers there again."""
    if tx.run(RETURN, (key,)):
        tx.emit("session.settle", key, key=key)


def departed(q: Query, key: str) -> Session | None:
    """Return the session that left a key, where nothing answers there since."""
    row = q.one(DEPARTED, (key,))
    return row_of(row) if row else None


def at_place(q: Query, address: Address) -> Session | None:
    """Return the session that answers in a place (whatever its account), or else the one that has left it."""
    values = (address.platform, address.chat, address.thread or "")
    row = q.one(AT_PLACE, values) or q.one(LEFT_PLACE, values)
    return row_of(row) if row else None


def left_place(q: Query, platform: str, chat: str) -> Session | None:
    """Return the session that left a chat last, where nothing answers there since."""
    row = q.one(LEFT_PLACE, (platform, chat, ""))
    return row_of(row) if row else None


def departed_keys(q: Query) -> set[str]:
    """Return the keys that a session has left and at which nothing answers since."""
    return {row["key"] for row in q.all(DEPARTED_KEYS)}


def last_elsewhere(q: Query, owner: str, key: str = "") -> Session | None:
    """Return the session that was active last at any other key; of one owner, or of everybody for ``""``."""
    row = q.one(LAST_ELSEWHERE, {"owner": owner, "key": key})
    return row_of(row) if row else None


SETTABLE = frozenset({"title", "titled_by", "model", "verbose", "quiet_until"})


def change(tx: Unit, id: str, *, actor: str, **columns: str | int) -> None:
    """Set columns of a session that a person may set."""
    assert columns.keys() <= SETTABLE  # noqa: S101 - column names come from our own code
    assignments = ", ".join(f"{name} = ?" for name in columns)
    tx.run(f"UPDATE session SET {assignments} WHERE id = ?", (*columns.values(), id))  # noqa: S608 - checked above
    tx.emit("session.change", id, actor=actor, columns=",".join(columns))


def recent(q: Query, owner: str = "", words: str = "", limit: int = 20) -> list[Session]:
    """Return sessions with something in them, the latest first; of one owner, or of everybody for ``""``."""
    rows: Sequence[sqlite3.Row] = q.all(LIST, {"owner": owner, "words": words, "limit": limit})
    return [row_of(row) for row in rows]


def attachments(q: Query, id: str) -> list[str]:
    """Return the attachment columns of a session's messages, as JSON texts."""
    return [row["attachments"] for row in q.all(FILES_OF, (id,))]


def forget(tx: Unit, id: str, *, actor: str) -> None:
    """Erase what was said in a session; ids, states and the audit trail stay.

    What is still under way is erased when it ends. Raises Stale while the session is being handed over.
    """
    if get(tx, id).handoff not in HANDOFF.sources("request"):
        raise Stale("This conversation is being handed over.", remedy="Wait for it to arrive, then /forget.")
    tx.run("DELETE FROM binding WHERE session_id = ?", (id,))
    for row in tx.all("SELECT key FROM departed WHERE session_id = ?", (id,)):
        come_back(tx, row["key"])
    tx.run(FORGET, (tx.now, tx.now, id))
    erase_forgotten(tx, id)
    marks.forget_session(tx, id)
    tx.emit("session.forget", id, actor=actor)


def erase_forgotten(tx: Unit, id: str) -> None:
    """Erase what has been added to a session since it was forgotten; any other session is left alone."""
    if tx.one(IS_FORGOTTEN, (id,)) is None:
        return
    for sql in ERASE:
        tx.run(sql, (id,))

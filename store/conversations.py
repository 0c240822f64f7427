"""Conversation logs: a record and a chain of entries, each message stored once."""

import json

from kernel.errors import Stale
from kernel.turns import Entry, StagedConversation, StoredConversation
from store.units import Query, Unit

RECORD = "SELECT * FROM conversation WHERE id = ?"
HISTORY = """
WITH RECURSIVE chain (id, parent_id, body, depth) AS (
    SELECT id, parent_id, body, 0 FROM entry WHERE id = ?
    UNION ALL
    SELECT entry.id, entry.parent_id, entry.body, depth + 1 FROM entry JOIN chain ON entry.id = chain.parent_id
)
SELECT id, parent_id, body FROM chain ORDER BY depth DESC
"""
UPSERT = """
INSERT INTO conversation (id, revision, head_id, scope, record, updated_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, head_id = excluded.head_id, scope = excluded.scope,
    record = excluded.record, updated_at = excluded.updated_at
"""
POSITION = "SELECT coalesce(max(position), 0) AS position FROM entry WHERE conversation_id = ?"
INSERT_ENTRY = """
INSERT INTO entry (id, conversation_id, parent_id, position, body, created_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING
"""
CHECKPOINT = "UPDATE turn SET checkpoint = ? WHERE id = ? AND state = 'running'"
WORKING = "SELECT checkpoint FROM turn WHERE id = ?"


def load(q: Query, id: str) -> StoredConversation | None:
    """Return a conversation with its history, oldest first."""
    row = q.one(RECORD, (id,))
    if row is None:
        return None
    history = q.all(HISTORY, (row["head_id"],)) if row["head_id"] else []
    return StoredConversation(row["record"], tuple(Entry(*entry) for entry in history))


def write(tx: Unit, staged: StagedConversation) -> None:
    """Append a staged change; raise Stale when the stored revision is not the one it extends."""
    row = tx.one(RECORD, (staged.conversation_id,))
    if (row["revision"] if row else None) != staged.expected_revision:
        raise Stale(f"Conversation {staged.conversation_id} has moved on.", remedy="Look again.")
    tx.run(UPSERT, (staged.conversation_id, staged.revision, staged.head_id, None, staged.record, tx.now))
    if not staged.entries:
        return
    found = tx.one(POSITION, (staged.conversation_id,))
    position = found["position"] if found else 0
    for offset, entry in enumerate(staged.entries, 1):
        tx.run(
            INSERT_ENTRY,
            (entry.id, staged.conversation_id, entry.parent_id, position + offset, entry.body, tx.now),
        )


def checkpoint(tx: Unit, turn_id: str, staged: StagedConversation) -> None:
    """Keep a running turn's working copy; raise Stale when the turn is no longer running."""
    text = json.dumps(
        {
            "conversation_id": staged.conversation_id,
            "record": staged.record,
            "revision": staged.revision,
            "head_id": staged.head_id,
            "entries": [[entry.id, entry.parent_id, entry.body] for entry in staged.entries],
            "expected_revision": staged.expected_revision,
        }
    )
    if tx.run(CHECKPOINT, (text, turn_id)) != 1:
        raise Stale(f"Turn {turn_id} is no longer running.")


def working_copy(q: Query, turn_id: str) -> StagedConversation | None:
    """Return a turn's last checkpoint."""
    row = q.one(WORKING, (turn_id,))
    if row is None or row["checkpoint"] is None:
        return None
    body = json.loads(row["checkpoint"])
    body["entries"] = tuple(Entry(*entry) for entry in body["entries"])
    return StagedConversation(**body)

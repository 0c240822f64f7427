"""Standing permissions: what may run unasked because a person said so once."""

import sqlite3

from kernel.approvals import ActionKind, Grant, Reach
from kernel.errors import NotFound, Stale
from kernel.risk import Tier
from store.units import Query, Unit

INSERT = """
INSERT INTO "grant" (id, session_id, kind, tool, reach, key, pattern, tier, approval_id, granted_by, granted_at,
    expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
BY_ID = 'SELECT * FROM "grant" WHERE id = ?'
MATCH = """
SELECT * FROM "grant" WHERE key IN (?, ?) AND revoked_at IS NULL AND expires_at > ? AND tier >= ?
    AND (session_id IS NULL OR session_id = ?) ORDER BY session_id IS NULL, granted_at LIMIT 1
"""
USE = """
UPDATE "grant" SET uses = uses + 1, used_at = ? WHERE id = ? AND revoked_at IS NULL AND expires_at > ?
"""
REVOKE = """
UPDATE "grant" SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL RETURNING *
"""
LIST = """
SELECT * FROM "grant" WHERE (:all OR (revoked_at IS NULL AND expires_at > :now))
    AND (:session = '' OR session_id = :session) ORDER BY granted_at DESC LIMIT :limit
"""
OF_SESSION = 'SELECT id FROM "grant" WHERE session_id = ? AND revoked_at IS NULL'


def row_of(row: sqlite3.Row) -> Grant:
    """Map a row of the table."""
    return Grant(
        row["id"],
        row["session_id"] or "",
        ActionKind(row["kind"]),
        row["tool"],
        Reach(row["reach"]),
        row["key"],
        row["pattern"],
        Tier(row["tier"]),
        row["approval_id"],
        row["granted_by"],
        row["granted_at"],
        row["expires_at"],
        row["revoked_at"],
        row["revoked_by"],
        row["uses"],
        row["used_at"],
    )


def give(tx: Unit, grant: Grant) -> None:
    """Store a permission."""
    tx.run(
        INSERT,
        (
            grant.id,
            grant.session_id or None,
            grant.kind,
            grant.tool,
            grant.reach,
            grant.key,
            grant.pattern,
            int(grant.tier),
            grant.approval_id,
            grant.granted_by,
            grant.granted_at,
            grant.expires_at,
        ),
    )
    tx.emit(
        "grant.give",
        grant.id,
        actor=grant.granted_by,
        approval=grant.approval_id,
        key=grant.key,
        tier=str(grant.tier),
        session=grant.session_id or None,
        until=grant.expires_at,
    )


def match(q: Query, keys: tuple[str, str], tier: Tier, session_id: str, now: int) -> Grant | None:
    """Return the live permission for an action of ``tier`` with one of two keys; a session's own goes first."""
    row = q.one(MATCH, (*keys, now, int(tier), session_id))
    return row_of(row) if row else None


def use(tx: Unit, grant: Grant, *, actor: str, digest: str, turn_id: str, call_key: str) -> None:
    """Record that an action passed by a permission; raise Stale when it was revoked or expired meanwhile."""
    if not tx.run(USE, (tx.now, grant.id, tx.now)):
        raise Stale(f"The permission {grant.id} is no longer valid.", remedy="Ask again.")
    tx.emit("grant.use", grant.id, actor=actor, digest=digest, turn=turn_id, call=call_key)


def revoke(tx: Unit, id: str, *, actor: str) -> Grant:
    """End a permission; raise NotFound where there is none and Stale where it was revoked before."""
    row = tx.one(REVOKE, (tx.now, actor, id))
    if row is None:
        known = get(tx, id)
        raise Stale(f"The permission {known.id} was already revoked by {known.revoked_by}.")
    tx.emit("grant.revoke", id, actor=actor)
    return row_of(row)


def revoke_of_session(tx: Unit, session_id: str, *, actor: str) -> int:
    """End a session's own permissions; return how many there were."""
    rows = tx.all(OF_SESSION, (session_id,))
    for row in rows:
        revoke(tx, row["id"], actor=actor)
    return len(rows)


def get(q: Query, id: str) -> Grant:
    """Return a permission; raise NotFound."""
    row = q.one(BY_ID, (id,))
    if row is None:
        raise NotFound(f"There is no permission {id}.", remedy="/grants lists them.")
    return row_of(row)


def listed(
    q: Query, now: int, *, session_id: str = "", everything: bool = False, limit: int = 100
) -> list[Grant]:
    """Return the permissions that hold at ``now`` (or, with ``everything``, those that ever did), newest first."""
    params = {"all": everything, "now": now, "session": session_id, "limit": limit}
    return [row_of(row) for row in q.all(LIST, params)]

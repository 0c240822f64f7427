"""What retention asks of the store: which conversations are past their days, and what is spent."""

from store import sessions
from store.units import Query, Unit

BATCH = 200
IDLE = """
SELECT id FROM session WHERE forgotten_at IS NULL AND active_at < ?
    AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.session_id = session.id AND state IN ('queued', 'running'))
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.session_id = session.id
        AND state IN ('pending', 'sending', 'uncertain'))
    AND NOT EXISTS (SELECT 1 FROM turn WHERE turn.session_id = session.id
        AND state IN ('running', 'interrupted', 'suspended'))
LIMIT ?
"""
SPENT = (
    "DELETE FROM token WHERE kind IN ('login', 'page', 'cli') AND expires_at < ?",
    "DELETE FROM pairing WHERE expires_at < ?",
)


def idle_sessions(q: Query, limit: int) -> list[str]:
    """Return sessions in which nothing has happened since ``limit`` (milliseconds) and nothing is open."""
    return [row["id"] for row in q.all(IDLE, (limit, BATCH))]


def forget(tx: Unit, session_id: str) -> None:
    """Erase what was said in a session whose days are over."""
    sessions.forget(tx, session_id, actor="retention")


def remove_spent(tx: Unit, now: int) -> int:
    """Remove expired logins and pairing codes; return how many there were."""
    return sum(tx.run(sql, (now,)) for sql in SPENT)

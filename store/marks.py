"""Small facts about the daemon itself, and what tools keep for a session."""

from store.units import Query, Unit

GET = "SELECT value FROM mark WHERE name = ?"
SET = """
INSERT INTO mark (name, value, updated_at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""


def get(q: Query, name: str) -> str:
    """Return a mark, or an empty string."""
    row = q.one(GET, (name,))
    return row["value"] if row else ""


def put(tx: Unit, name: str, value: str) -> None:
    """Set a mark; marks are no events."""
    tx.run(SET, (name, value, tx.now))


def take(tx: Unit, name: str) -> str:
    """Remove a mark and return what it was, or an empty string."""
    row = tx.one("DELETE FROM mark WHERE name = ? RETURNING value", (name,))
    return row["value"] if row else ""


def of_session(session_id: str, name: str) -> str:
    """Return the name of a mark that belongs to a session."""
    return f"session:{session_id}:{name}"


def of_sessions(q: Query, name: str) -> dict[str, str]:
    """Return what every session keeps under a name, by the session's id."""
    rows = q.all("SELECT name, value FROM mark WHERE name GLOB 'session:*:' || ?", (name,))
    return {
        row["name"].split(":", 2)[1]: row["value"] for row in rows if row["name"].split(":", 2)[2] == name
    }


def of_account(platform: str, account: str, name: str) -> str:
    """Return the name of a mark that belongs to an account's adapter."""
    return f"adapter:{platform}:{account}:{name}"


def forget_session(tx: Unit, session_id: str) -> None:
    """Remove the marks of a session."""
    prefix = of_session(session_id, "")
    tx.run("DELETE FROM mark WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))

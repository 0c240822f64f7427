"""Notes that outlive a session."""

from store.units import Query, Unit

INSERT = "INSERT INTO note (owner, text, created_at) VALUES (?, ?, ?)"
RECENT = "SELECT id, text FROM note WHERE owner = ? ORDER BY id DESC LIMIT 1000"


def remember(tx: Unit, owner: str, text: str) -> int:
    """Store a note and return its number."""
    number = tx.insert(INSERT, (owner, text, tx.now))
    tx.emit("note.add", str(number), actor=owner)
    return number


def recall(q: Query, owner: str, query: str, limit: int) -> list[str]:
    """Return the notes that hold every word of ``query``, newest first, as ``"#number text"``."""
    words = query.casefold().split()
    found = [
        f"#{row['id']} {row['text']}"
        for row in q.all(RECENT, (owner,))
        if all(word in row["text"].casefold() for word in words)
    ]
    return found[:limit]

"""Handoffs between agents: who passed a task to whom, and all that went along."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import NotFound
from store.units import Query, Unit

INSERT = """
INSERT INTO agent_handoff (id, task_id, epoch, seq, sender, receiver, stage, summary, notes, session_id, entry_id,
    files, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ONE = "SELECT * FROM agent_handoff WHERE id = ?"
OF_TASK = "SELECT * FROM agent_handoff WHERE task_id = ? ORDER BY seq"
HEAD = "SELECT head_id FROM conversation WHERE id = ?"
FILES = "SELECT name, max(version) AS version FROM artifact WHERE task_id = ? GROUP BY name ORDER BY name"


@dataclass(frozen=True, slots=True)
class Handoff:
    """A task on its way; ``entry_id`` is the last entry of its conversation, ``files`` the versions that went along."""

    id: str
    task_id: int
    epoch: int
    seq: int
    sender: str
    receiver: str
    stage: int
    summary: str
    notes: str
    session_id: str
    entry_id: str
    files: Mapping[str, int]
    at: int = 0


def _row(row: sqlite3.Row) -> Handoff:
    return Handoff(
        row["id"], row["task_id"], row["epoch"], row["seq"], row["sender"], row["receiver"], row["stage"],
        row["summary"], row["notes"], row["session_id"], row["entry_id"], json.loads(row["files"]), row["at"],
    )  # fmt: skip


def add(tx: Unit, new: Handoff) -> None:
    """Store a handoff."""
    files = json.dumps(dict(new.files), ensure_ascii=False)
    tx.run(
        INSERT,
        (new.id, new.task_id, new.epoch, new.seq, new.sender, new.receiver, new.stage, new.summary, new.notes,
         new.session_id, new.entry_id, files, tx.now),
    )  # fmt: skip


def get(q: Query, id: str) -> Handoff:
    """Return one handoff; raise NotFound."""
    row = q.one(ONE, (id,))
    if row is None:
        raise NotFound(f"There is no handoff {id}.", remedy="`hermes tasks audit` lists those of a task.")
    return _row(row)


def of_task(q: Query, task_id: int) -> list[Handoff]:
    """Return the handoffs of a task, the oldest first."""
    return [_row(row) for row in q.all(OF_TASK, (task_id,))]


def latest(q: Query, task_id: int) -> Handoff | None:
    """Return the last handoff of a task."""
    found = of_task(q, task_id)
    return found[-1] if found else None


def head(q: Query, session_id: str) -> str:
    """Return the last entry of a session's conversation, or an empty string."""
    row = q.one(HEAD, (session_id,))
    return (row["head_id"] or "") if row else ""


def files(q: Query, task_id: int) -> dict[str, int]:
    """Return the newest version of each file of a task."""
    return {row["name"]: row["version"] for row in q.all(FILES, (task_id,))}

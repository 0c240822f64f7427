"""Fires: one row for each instant of a schedule, unique, moved by guarded statements."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import NotFound
from kernel.schedules import Fire
from kernel.states import FireState
from kernel.transitions import FIRE
from store.units import Query, Unit, Value

INSERT = """
INSERT INTO fire (schedule_id, instant, state, manual, late, ready_at, missed, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (schedule_id, instant) DO NOTHING RETURNING *
"""
BY_ID = "SELECT * FROM fire WHERE id = ?"
READY = "SELECT * FROM fire WHERE state = 'due' AND ready_at <= ? ORDER BY ready_at, id LIMIT ?"
# The list of states that are no end is written as the partial index has it: SQLite compares texts.
OPEN_OF = """
SELECT count(*) AS n FROM fire WHERE schedule_id = ? AND state IN ('due', 'claimed', 'running', 'waiting')
    AND state <> 'due' AND id <> ?
"""
QUEUED_OF = """
SELECT count(*) AS n FROM fire WHERE schedule_id = ? AND state IN ('due', 'claimed', 'running', 'waiting')
    AND state = 'due' AND id < ?
"""
OPEN_IN_STATE = """
SELECT * FROM fire INDEXED BY fire_open
WHERE state IN ('due', 'claimed', 'running', 'waiting') AND state = ? ORDER BY id
"""
UNFINISHED_OF = """
SELECT * FROM fire WHERE schedule_id = ? AND state IN ('due', 'claimed', 'running', 'waiting') ORDER BY id
"""
NEXT_READY = "SELECT ready_at FROM fire WHERE state = 'due' AND ready_at < ? ORDER BY ready_at LIMIT 1"
# When nothing is ready that waits for another run to end.
PARKED = 1 << 53
PARK = "UPDATE fire SET ready_at = ? WHERE id = ? AND state = 'due'"
UNPARK = """
UPDATE fire SET ready_at = ? WHERE id = (SELECT min(id) FROM fire WHERE schedule_id = ?
    AND state IN ('due', 'claimed', 'running', 'waiting') AND state = 'due') AND ready_at = ?
"""
UNPARK_ALL = "UPDATE fire SET ready_at = ? WHERE state = 'due' AND ready_at = ?"
NEXT_HELD = "SELECT deliver_at FROM fire WHERE deliver_at IS NOT NULL ORDER BY deliver_at LIMIT 1"
HELD = "SELECT * FROM fire WHERE deliver_at IS NOT NULL AND deliver_at <= ? ORDER BY deliver_at, id LIMIT ?"
DELIVERED = "UPDATE fire SET deliver_at = NULL WHERE id = ? AND deliver_at IS NOT NULL RETURNING id"
HISTORY = """
SELECT * FROM fire WHERE (:schedule = 0 OR schedule_id = :schedule) AND (:before = 0 OR id < :before)
    AND (:state = '' OR state = :state) ORDER BY id DESC LIMIT :limit
"""
IN_SESSION = """
SELECT 1 FROM fire WHERE schedule_id = ? AND state IN ('due', 'claimed', 'running', 'waiting')
    AND state IN ('running', 'waiting') AND session_id = ? AND id <> ?
"""
BY_INBOX = "SELECT * FROM fire WHERE inbox_id = ?"
BY_APPROVAL = "SELECT * FROM fire WHERE approval_id = ? AND state = 'waiting'"
AT_INSTANT = "SELECT * FROM fire WHERE schedule_id = ? AND instant = ?"
LAST_GOOD = """
SELECT ended_at FROM fire WHERE schedule_id = ? AND state = 'done' ORDER BY instant DESC LIMIT 1
"""
LAST = "SELECT * FROM fire WHERE schedule_id = ? AND ended_at > 0 ORDER BY instant DESC LIMIT 1"
MISSED_SINCE = "SELECT * FROM fire WHERE state = 'missed' AND created_at >= ? ORDER BY id LIMIT ?"
PRUNE = """
DELETE FROM fire WHERE id IN (SELECT id FROM fire WHERE ended_at > 0 AND ended_at < ? AND deliver_at IS NULL LIMIT ?)
"""
COUNTS = """
SELECT state, count(*) AS n FROM fire WHERE state IN ('due', 'claimed', 'running', 'waiting') GROUP BY state
"""
COLUMNS = frozenset(
    {
        "ready_at", "attempts", "session_id", "inbox_id", "approval_id", "result", "files", "error", "deliver_at",
        "claimed_at", "started_at", "ended_at",
    }
)  # fmt: skip
ENDS = frozenset({"finish", "fail", "skip", "miss", "lose", "cancel"})


@dataclass(frozen=True, slots=True)
class New:
    """A fire that is to be stored; ``missed`` says that it stands for so many instants that passed."""

    schedule_id: int
    instant: int
    ready_at: int
    manual: bool = False
    late: bool = False
    missed: int = 0


def row_of(row: sqlite3.Row) -> Fire:
    """Map a row of the table."""
    return Fire(
        row["id"],
        row["schedule_id"],
        row["instant"],
        FireState(row["state"]),
        bool(row["manual"]),
        bool(row["late"]),
        row["ready_at"],
        row["attempts"],
        row["session_id"] or "",
        row["inbox_id"] or 0,
        row["approval_id"] or "",
        row["result"],
        tuple(json.loads(row["files"])),
        row["error"],
        row["deliver_at"],
        row["missed"],
        row["created_at"],
        row["claimed_at"],
        row["started_at"],
        row["ended_at"],
    )


def files_text(files: Sequence[str]) -> str:
    """Return paths as they are stored."""
    return json.dumps(list(files))


def add(tx: Unit, new: New, *, actor: str = "system") -> Fire | None:
    """Store a fire; ``None`` where its instant has one already."""
    row = tx.one(
        INSERT,
        (
            new.schedule_id,
            new.instant,
            FIRE.initial,
            new.manual,
            new.late,
            new.ready_at,
            new.missed,
            tx.now,
        ),
    )
    if row is None:
        return None
    tx.emit("fire.create", str(row["id"]), actor=actor, schedule=new.schedule_id, instant=new.instant)
    if new.missed:
        return move(tx, row["id"], "miss")
    return row_of(row)


def move(tx: Unit, id: int, event: str, *, actor: str = "system", **columns: Value) -> Fire:
    """Move a fire; an end notes its time. Raises Stale where somebody was first."""
    assert columns.keys() <= COLUMNS  # noqa: S101 - column names come from our own code
    if event in ENDS:
        columns["ended_at"] = tx.now
    given: Any = columns
    return row_of(tx.move(FIRE, id, event, actor=actor, **given))


def get(q: Query, id: int) -> Fire:
    """Return a fire; raise NotFound."""
    row = q.one(BY_ID, (id,))
    if row is None:
        raise NotFound(f"There is no run {id}.")
    return row_of(row)


def ready(q: Query, now: int, limit: int) -> list[Fire]:
    """Return the fires that may be taken up, the oldest first."""
    return [row_of(row) for row in q.all(READY, (now, limit))]


def at_work(q: Query, fire: Fire) -> int:
    """Return how many other fires of the same schedule are taken up and not over."""
    row = q.one(OPEN_OF, (fire.schedule_id, fire.id))
    return row["n"] if row else 0


def queued_before(q: Query, fire: Fire) -> int:
    """Return how many fires of the same schedule wait in front of this one."""
    row = q.one(QUEUED_OF, (fire.schedule_id, fire.id))
    return row["n"] if row else 0


def in_state(q: Query, state: FireState) -> list[Fire]:
    """Return the fires in a state that is no end, oldest first."""
    return [row_of(row) for row in q.all(OPEN_IN_STATE, (state,))]


def unfinished_of(q: Query, schedule_id: int) -> list[Fire]:
    """Return a schedule's fires that are not over."""
    return [row_of(row) for row in q.all(UNFINISHED_OF, (schedule_id,))]


def next_ready(q: Query) -> int | None:
    """Return when the next fire may be taken up; one that waits for another run has no time of its own."""
    row = q.one(NEXT_READY, (PARKED,))
    return None if row is None else row["ready_at"]


def park(tx: Unit, id: int) -> None:
    """Let a fire wait until another run of its schedule ends."""
    tx.run(PARK, (PARKED, id))


def unpark(tx: Unit, schedule_id: int) -> None:
    """Make the first fire of a schedule ready that waits for a run to end."""
    tx.run(UNPARK, (tx.now, schedule_id, PARKED))


def unpark_all(tx: Unit) -> None:
    """Make every fire ready that waits for another."""
    tx.run(UNPARK_ALL, (tx.now, PARKED))


def next_held(q: Query) -> int | None:
    """Return when the next result that is held back is to be delivered."""
    row = q.one(NEXT_HELD)
    return None if row is None else row["deliver_at"]


def held(q: Query, now: int, limit: int) -> list[Fire]:
    """Return the fires whose result is to be delivered now."""
    return [row_of(row) for row in q.all(HELD, (now, limit))]


def delivered(tx: Unit, id: int) -> bool:
    """Note that a fire's result is owed now; tell whether it was not before."""
    if tx.one(DELIVERED, (id,)) is None:
        return False
    tx.emit("fire.deliver", str(id))
    return True


def history(
    q: Query, schedule_id: int = 0, *, state: str = "", before: int = 0, limit: int = 20
) -> Sequence[Fire]:
    """Return fires of a schedule (0: of all), the latest first."""
    params = {"schedule": schedule_id, "before": before, "state": state, "limit": limit}
    return [row_of(row) for row in q.all(HISTORY, params)]


def in_session(q: Query, fire: Fire, session_id: str) -> bool:
    """Tell whether another fire of the same schedule is at work in a session."""
    return q.one(IN_SESSION, (fire.schedule_id, session_id, fire.id)) is not None


def of_inbox(q: Query, inbox_id: int) -> Fire | None:
    """Return the fire that a message began."""
    row = q.one(BY_INBOX, (inbox_id,))
    return row_of(row) if row else None


def of_approval(q: Query, approval_id: str) -> Fire | None:
    """Return the fire that waits for an approval."""
    row = q.one(BY_APPROVAL, (approval_id,))
    return row_of(row) if row else None


def at_instant(q: Query, schedule_id: int, instant: int) -> Fire | None:
    """Return the fire of a schedule at an instant."""
    row = q.one(AT_INSTANT, (schedule_id, instant))
    return row_of(row) if row else None


def last(q: Query, schedule_id: int) -> Fire | None:
    """Return the schedule's latest fire that is over."""
    row = q.one(LAST, (schedule_id,))
    return row_of(row) if row else None


def last_good(q: Query, schedule_id: int) -> int:
    """Return when a run of the schedule last ended well (milliseconds), 0 where none did."""
    row = q.one(LAST_GOOD, (schedule_id,))
    return 0 if row is None else row["ended_at"]


def prune(tx: Unit, before: int, limit: int) -> int:
    """Remove fires that ended before a time; return how many went."""
    return tx.run(PRUNE, (before, limit))


def counts(q: Query) -> dict[str, int]:
    """Return how many fires are in each unfinished state."""
    return {row["state"]: row["n"] for row in q.all(COUNTS)}

"""Schedules: the jobs people have planned, and when each is next."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kernel.errors import InvalidInput, NotFound
from kernel.messages import Address
from kernel.schedules import Check, Job, JobKind, Missed, Overlap, Quiet, Schedule
from kernel.states import ScheduleState
from kernel.transitions import SCHEDULE
from store.units import Query, Unit, Value

INSERT = """
INSERT INTO schedule (name, state, owner, origin, rule, zone, job, kind, after_id, instant, next_at, starts_at, ends_at,
    max_runs, created_at, created_by, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
BY_ID = "SELECT * FROM schedule WHERE id = ?"
BY_NAME = "SELECT * FROM schedule WHERE lower(name) = lower(?) AND state <> 'deleted'"
DUE = """
SELECT * FROM schedule WHERE state = 'active' AND next_at IS NOT NULL AND next_at BETWEEN ? AND ?
ORDER BY next_at LIMIT ?
"""
NEXT = """
SELECT next_at FROM schedule WHERE state = 'active' AND next_at IS NOT NULL ORDER BY next_at LIMIT 1
"""
NEXT_KINDS = """
SELECT next_at, kind FROM schedule WHERE state = 'active' AND next_at IS NOT NULL ORDER BY next_at LIMIT 20
"""
RECURRING_AHEAD = """
SELECT * FROM schedule WHERE state = 'active' AND next_at > ? AND substr(rule, 1, 3) <> 'at:' AND id > ?
ORDER BY id LIMIT ?
"""
TIMES = "SELECT instant, rule, zone, state FROM schedule WHERE id = ?"
ADVANCE = "UPDATE schedule SET instant = ?, next_at = ?, runs = runs + ? WHERE id = ?"
FOLLOWERS = "SELECT * FROM schedule WHERE after_id = ? AND state = 'active' ORDER BY id"
LISTED = """
SELECT * FROM schedule WHERE state <> 'deleted' AND (:owner = '' OR owner = :owner)
    AND (:over OR state <> 'over') AND (:kind = '' OR kind = :kind) AND id > :after
    AND (:words = '' OR instr(lower(name), lower(:words)) OR instr(lower(job ->> 'text'), lower(:words)))
ORDER BY next_at IS NULL, next_at, id LIMIT :limit
"""
COUNT_OF = """
SELECT count(*) AS n FROM schedule WHERE owner = ? AND state IN ('active', 'paused')
"""
NEXT_ID = "SELECT coalesce(max(id), 0) + 1 AS id FROM schedule"
COUNTS = "SELECT state, count(*) AS n FROM schedule WHERE state <> 'deleted' GROUP BY state"
# More digits are no number that SQLite holds.
LONGEST_NUMBER = 18
SETTABLE = frozenset(
    {
        "name", "rule", "zone", "instant", "next_at", "starts_at", "ends_at", "max_runs", "runs", "thread",
        "session_id", "cursor", "failures", "paused_why", "after_id", "owner", "origin",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class New:
    """A schedule that is to be stored; the fields are those of a ``Schedule``."""

    name: str
    owner: str
    origin: Address | None
    rule: str
    zone: str
    job: Job
    instant: int | None
    next_at: int | None
    starts_at: int = 0
    ends_at: int = 0
    max_runs: int = 0
    after_id: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which schedules to list; empty fields do not matter."""

    owner: str = ""
    over: bool = False
    kind: str = ""
    words: str = ""
    limit: int = 50


def job_text(job: Job) -> str:
    """Return a job as it is stored."""
    return json.dumps(asdict(job), ensure_ascii=False)


def job_of(text: str) -> Job:
    """Read what ``job_text`` wrote."""
    given: dict[str, Any] = json.loads(text)
    for name, kind in (("kind", JobKind), ("missed", Missed), ("overlap", Overlap), ("quiet", Quiet)):
        given[name] = kind(given[name])
    given["deliver"] = tuple(given["deliver"])
    given["attach"] = tuple(given.get("attach", ()))
    given["check"] = Check(**given["check"]) if given["check"] else None
    return Job(**given)


def place_text(address: Address | None) -> str | None:
    """Return an address as it is stored."""
    return None if address is None else json.dumps(list(address))


def place(text: str) -> Address:
    """Read what ``place_text`` wrote of an address."""
    return Address(*json.loads(text))


def _place(text: str | None) -> Address | None:
    return place(text) if text else None


def row_of(row: sqlite3.Row) -> Schedule:
    """Map a row of the table."""
    return Schedule(
        row["id"],
        row["name"],
        ScheduleState(row["state"]),
        row["owner"],
        _place(row["origin"]),
        row["rule"],
        row["zone"],
        job_of(row["job"]),
        row["instant"],
        row["next_at"],
        row["starts_at"],
        row["ends_at"],
        row["max_runs"],
        row["runs"],
        _place(row["thread"]),
        row["session_id"] or "",
        row["cursor"],
        row["failures"],
        row["paused_why"],
        row["created_at"],
        row["created_by"],
    )


def add(tx: Unit, new: New, *, actor: str) -> Schedule:
    """Store a schedule; raise InvalidInput where its name is taken."""
    _name_free(tx, new.name, 0)
    id = tx.insert(
        INSERT,
        (
            new.name,
            SCHEDULE.initial,
            new.owner,
            place_text(new.origin),
            new.rule,
            new.zone,
            job_text(new.job),
            new.job.kind,
            new.after_id or None,
            new.instant,
            new.next_at,
            new.starts_at,
            new.ends_at,
            new.max_runs,
            tx.now,
            actor,
            tx.now,
        ),
    )
    tx.emit("schedule.create", str(id), actor=actor, what=str(new.job.kind), at=new.next_at)
    return get(tx, id)


def _name_free(tx: Unit, name: str, mine: int) -> None:
    row = tx.one(BY_NAME, (name,))
    if row is not None and row["id"] != mine:
        raise InvalidInput(f"A job called {name!r} is there already.", remedy="Give it another name.")


def change(tx: Unit, id: int, *, actor: str, job: Job | None = None, **columns: Value) -> Schedule:
    """Set columns of a schedule and tell the clock; raise InvalidInput where the new name is taken."""
    assert columns.keys() <= SETTABLE  # noqa: S101 - column names come from our own code
    if "name" in columns:
        _name_free(tx, str(columns["name"]), id)
    values: dict[str, Value] = {**columns, "updated_at": tx.now}
    if job is not None:
        values |= {"job": job_text(job), "kind": str(job.kind)}
    assignments = ", ".join(f"{name} = ?" for name in values)
    tx.run(f"UPDATE schedule SET {assignments} WHERE id = ?", (*values.values(), id))  # noqa: S608 - checked above
    tx.emit("schedule.change", str(id), actor=actor, columns=",".join(values))
    return get(tx, id)


def note(tx: Unit, id: int, **columns: Value) -> None:
    """Set columns that are the clock's own business, without an event."""
    assert columns.keys() <= SETTABLE  # noqa: S101 - column names come from our own code
    assignments = ", ".join(f"{name} = ?" for name in columns)
    tx.run(f"UPDATE schedule SET {assignments} WHERE id = ?", (*columns.values(), id))  # noqa: S608 - checked above


def move(tx: Unit, id: int, event: str, *, actor: str = "system", **columns: Value) -> Schedule:
    """Move a schedule to another state and set columns with it."""
    row = tx.move(SCHEDULE, id, event, actor=actor)
    if columns:
        note(tx, id, **columns)
        return get(tx, id)
    return row_of(row)


def advance(tx: Unit, id: int, instant: int | None, next_at: int | None, begun: int) -> None:
    """Set when a schedule is next, and count the runs that begin; one without another time is over."""
    tx.run(ADVANCE, (instant, next_at, begun, id))
    if instant is None:
        tx.move(SCHEDULE, id, "finish")


def get(q: Query, id: int) -> Schedule:
    """Return a schedule; raise NotFound."""
    row = q.one(BY_ID, (id,))
    if row is None or row["state"] == ScheduleState.DELETED:
        raise NotFound(f"There is no job {id}.", remedy="/cron lists them.")
    return row_of(row)


def stored(q: Query, id: int) -> Schedule:
    """Return a schedule, also a deleted one; raise NotFound where there never was one."""
    row = q.one(BY_ID, (id,))
    if row is None:
        raise NotFound(f"There is no job {id}.")
    return row_of(row)


def find(q: Query, ref: str) -> Schedule:
    """Return a schedule by its number or its name; raise NotFound."""
    written = ref.strip().lstrip("#")
    row = q.one(BY_NAME, (written,))
    if row is not None:
        return row_of(row)
    if written.isdigit() and len(written) <= LONGEST_NUMBER:
        return get(q, int(written))
    raise NotFound(f"There is no job {ref.strip()!r}.", remedy="/cron lists them.")


def is_as_it_was(q: Query, known: Schedule) -> bool:
    """Tell whether a schedule's times are those that were read."""
    row = q.one(TIMES, (known.id,))
    times = (known.instant, known.rule, known.zone, known.state)
    return row is not None and (row["instant"], row["rule"], row["zone"], row["state"]) == times


def due(q: Query, now: int, limit: int, since: int = 0) -> list[Schedule]:
    """Return schedules whose time has come, at ``since`` or later, the most overdue first."""
    return [row_of(row) for row in q.all(DUE, (since, now, limit))]


def next_at(q: Query) -> int | None:
    """Return when the next schedule is due, in milliseconds."""
    row = q.one(NEXT)
    return None if row is None else row["next_at"]


def next_prompt(q: Query) -> int | None:
    """Return when the first prompt among the next schedules is due, in milliseconds."""
    return next((row["next_at"] for row in q.all(NEXT_KINDS) if row["kind"] == "prompt"), None)


def ahead(q: Query, now: int, after: int, limit: int) -> list[Schedule]:
    """Return active recurring schedules that wait for a time behind ``now``, by id, a page at a time."""
    return [row_of(row) for row in q.all(RECURRING_AHEAD, (now, after, limit))]


def followers(q: Query, id: int) -> list[Schedule]:
    """Return the schedules whose time is the end of another."""
    return [row_of(row) for row in q.all(FOLLOWERS, (id,))]


def listed(q: Query, wanted: Filter) -> Sequence[Schedule]:
    """Return schedules, those that are next first."""
    return [row_of(row) for row in q.all(LISTED, {**asdict(wanted), "after": 0})]


def counts(q: Query) -> dict[str, int]:
    """Return how many schedules are in each state."""
    return {row["state"]: row["n"] for row in q.all(COUNTS)}


def count_of(q: Query, owner: str) -> int:
    """Return how many schedules somebody has that are not over."""
    row = q.one(COUNT_OF, (owner,))
    return row["n"] if row else 0


def is_taken(q: Query, name: str) -> bool:
    """Tell whether a name is in use."""
    return q.one(BY_NAME, (name,)) is not None


def next_id(q: Query) -> int:
    """Return the number that the next schedule will have."""
    row = q.one(NEXT_ID)
    return row["id"] if row else 1

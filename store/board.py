"""The board at a glance: what wants attention, and figures over all of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from kernel.states import TaskState
from kernel.tasks import Attempt, AttemptOutcome, Task
from store import attempts, tasks
from store.units import Query

# CROSS JOIN keeps the order: from the few that may fit to their tasks, and never over all tasks.
FAILING = """
SELECT * FROM task INDEXED BY task_failing WHERE consecutive_failures >= 2 AND consecutive_failures >= ?
    AND state NOT IN ('done', 'cancelled') ORDER BY id LIMIT ?
"""
LAST_OUTCOMES = "SELECT state FROM attempt WHERE task_id = ? AND ended_at > 0 ORDER BY epoch DESC LIMIT ?"
OLD_IN_STATE = """
SELECT * FROM task INDEXED BY task_unfinished WHERE state = ? AND state NOT IN ('done', 'cancelled')
    AND entered_at <= ? ORDER BY entered_at LIMIT ?
"""
STALE_CLAIMS = """
SELECT task.* FROM attempt INDEXED BY attempt_live CROSS JOIN task ON task.id = attempt.task_id
WHERE (attempt.state = 'claimed' OR attempt.state = 'running' OR attempt.state = 'waiting')
    AND attempt.lease_until > 0 AND attempt.lease_until <= ?
ORDER BY task.id LIMIT ?
"""
UNREACHABLE = """
SELECT DISTINCT task.* FROM task AS needed INDEXED BY task_unfinished
CROSS JOIN dependency ON dependency.needs_id = needed.id CROSS JOIN task ON task.id = dependency.task_id
WHERE needed.state = 'failed' AND needed.state NOT IN ('done', 'cancelled') AND task.state = 'blocked'
ORDER BY task.id LIMIT ?
"""
NEEDS_CANCELLED = """
SELECT DISTINCT task.* FROM (SELECT id FROM task INDEXED BY task_unfinished
    WHERE state = 'blocked' AND state NOT IN ('done', 'cancelled') ORDER BY entered_at LIMIT ?) AS waiting
CROSS JOIN task ON task.id = waiting.id CROSS JOIN dependency ON dependency.task_id = task.id
CROSS JOIN task AS needed ON needed.id = dependency.needs_id
WHERE task.block_kind = 'dependencies' AND needed.state = 'cancelled'
ORDER BY task.id LIMIT ?
"""
SPENT = """
SELECT task.* FROM attempt INDEXED BY attempt_live CROSS JOIN task ON task.id = attempt.task_id
WHERE (attempt.state = 'claimed' OR attempt.state = 'running' OR attempt.state = 'waiting') AND (
    (budget_ms > 0 AND used_ms + ? - attempt.started_at >= budget_ms * ? AND attempt.started_at > 0)
    OR (budget_tokens > 0 AND used_tokens >= budget_tokens * ?)
    OR (budget_money > 0 AND used_money >= budget_money * ?))
ORDER BY task.id LIMIT ?
"""
LIMITED = """
SELECT attempt.task_id, attempt.epoch FROM attempt INDEXED BY attempt_live CROSS JOIN task ON task.id = attempt.task_id
WHERE (attempt.state = 'claimed' OR attempt.state = 'running' OR attempt.state = 'waiting')
    AND (budget_tokens > 0 OR budget_money > 0)
ORDER BY task.id LIMIT ?
"""
TRAIL = """
SELECT seq, at, kind, actor, body FROM event WHERE subject = ? AND (kind GLOB 'task.*' OR kind GLOB 'attempt.*')
ORDER BY seq DESC LIMIT ?
"""
OUTCOMES = """
SELECT state, count(*) AS n FROM attempt INDEXED BY attempt_ended WHERE ended_at > 0 AND ended_at > ? GROUP BY state
"""
FINISHED = """
SELECT count(*) AS n FROM task INDEXED BY task_ended WHERE ended_at > 0 AND ended_at > ? AND state = 'done'
"""
# How many blocked tasks are looked at for a dependency that was withdrawn, the longest waiting first.
LOOKED_AT = 2000


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a task's trail."""

    seq: int
    at: int
    kind: str
    actor: str
    body: str


def failing(q: Query, least: int, limit: int) -> list[Task]:
    """Return unfinished tasks with at least so many failures in a row (2 is the least that is kept track of)."""
    return [tasks.row_of(row) for row in q.all(FAILING, (least, limit))]


def last_outcomes(q: Query, task_id: int, count: int) -> list[AttemptOutcome]:
    """Return how the last attempts of a task ended, the latest first."""
    return [AttemptOutcome(row["state"]) for row in q.all(LAST_OUTCOMES, (task_id, count))]


def old_in(q: Query, states: Iterable[TaskState], before: int, limit: int) -> list[Task]:
    """Return tasks that have been in one of the states since before a time, the oldest first."""
    return [tasks.row_of(row) for state in states for row in q.all(OLD_IN_STATE, (state, before, limit))]


def stale_claims(q: Query, before: int, limit: int) -> list[Task]:
    """Return tasks whose lease ended before a time and that nobody took back."""
    return [tasks.row_of(row) for row in q.all(STALE_CLAIMS, (before, limit))]


def unreachable(q: Query, limit: int) -> list[Task]:
    """Return tasks that wait for one that failed or was cancelled."""
    found = [*q.all(UNREACHABLE, (limit,)), *q.all(NEEDS_CANCELLED, (LOOKED_AT, limit))]
    return list({row["id"]: tasks.row_of(row) for row in found}.values())


def nearly_spent(q: Query, now: int, part: float, limit: int) -> list[Task]:
    """Return tasks under way that have used a part of a budget."""
    return [tasks.row_of(row) for row in q.all(SPENT, (now, part, part, part, limit))]


def limited(q: Query, limit: int) -> list[tuple[Task, Attempt]]:
    """Return tasks under way that may use so many tokens or so much money, each with the attempt that holds it."""
    return [(tasks.get(q, row[0]), attempts.get(q, *row)) for row in q.all(LIMITED, (limit,))]


def trail(q: Query, task_id: int, limit: int = 200) -> list[Step]:
    """Return the latest events of a task and its attempts, the oldest first."""
    return [Step(*row) for row in reversed(q.all(TRAIL, (str(task_id), limit)))]


def outcomes(q: Query, since: int) -> dict[str, int]:
    """Return how attempts ended since a time."""
    return {row["state"]: row["n"] for row in q.all(OUTCOMES, (since,))}


def finished(q: Query, since: int) -> int:
    """Return how many tasks were finished since a time."""
    row = q.one(FINISHED, (since,))
    return row["n"] if row else 0

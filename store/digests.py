"""What happened in a stretch of time, in figures and short lists."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from store.units import Query

TURNS = """
SELECT count(*) AS n, coalesce(sum(state = 'failed'), 0) AS failed FROM turn WHERE started_at >= ?
"""
TASKS = """
SELECT id, title, state FROM task WHERE ended_at >= ? AND ended_at > 0 ORDER BY ended_at DESC LIMIT 50
"""
RUNS = "SELECT state, count(*) AS n FROM fire WHERE created_at >= ? GROUP BY state"
FAILURES = """
SELECT schedule.name, fire.error FROM fire JOIN schedule ON schedule.id = fire.schedule_id
WHERE fire.created_at >= ? AND fire.state IN ('failed', 'lost', 'missed') ORDER BY fire.id DESC LIMIT 20
"""
WAITING = """
SELECT short, action ->> 'text' AS text FROM approval WHERE state IN ('pending', 'held') ORDER BY created_at LIMIT 20
"""
COSTS = """
SELECT coalesce(sum(usage.cost), 0.0) AS cost, coalesce(sum(usage.input_tokens + usage.output_tokens), 0) AS tokens
FROM usage JOIN turn ON turn.id = usage.turn_id WHERE turn.started_at >= ?
"""
COMING = """
SELECT name, next_at AS at FROM schedule WHERE state = 'active' AND next_at IS NOT NULL ORDER BY next_at LIMIT 10
"""
DEAD = "SELECT count(*) AS n FROM outbox WHERE state = 'dead' AND created_at >= ?"


def digest(q: Query, since: int) -> Mapping[str, Any]:
    """Return what happened since a time, in milliseconds; the keys are those of ``cron.recipe.House.digest``."""
    turns, costs, dead = q.one(TURNS, (since,)), q.one(COSTS, (since,)), q.one(DEAD, (since,))
    assert turns is not None  # noqa: S101 - a count is always there
    assert costs is not None  # noqa: S101 - a sum is always there
    assert dead is not None  # noqa: S101 - a count is always there
    return {
        "turns": turns["n"],
        "failed_turns": turns["failed"],
        "tasks": _rows(q.all(TASKS, (since,))),
        "runs": {row["state"]: row["n"] for row in q.all(RUNS, (since,))},
        "failures": _rows(q.all(FAILURES, (since,))),
        "approvals": _rows(q.all(WAITING)),
        "cost": costs["cost"],
        "tokens": costs["tokens"],
        "upcoming": _rows(q.all(COMING)),
        "dead": dead["n"],
    }


def _rows(rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]

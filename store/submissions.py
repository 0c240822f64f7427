"""Submissions: each version of a task's work that was put up for review, with its verdict."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import NotFound, Stale
from store.units import Query, Unit

NEXT = "SELECT coalesce(max(version), 0) + 1 AS version FROM submission WHERE task_id = ?"
INSERT = """
INSERT INTO submission (task_id, version, summary, notes, author, epoch, reviewer, files, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
OF_TASK = "SELECT * FROM submission WHERE task_id = ? ORDER BY version"
ONE = "SELECT * FROM submission WHERE task_id = ? AND version = ?"
LATEST = "SELECT * FROM submission WHERE task_id = ? ORDER BY version DESC LIMIT 1"
OPEN = """
SELECT submission.* FROM submission INDEXED BY submission_open JOIN task ON task.id = submission.task_id
WHERE verdict = '' AND (task.state = 'in_review' OR (task.state = 'needs_human' AND task.return_state = 'in_review'))
ORDER BY submission.task_id, version LIMIT ?
"""
DECIDE = """
UPDATE submission SET verdict = ?, decided_by = ?, feedback = ?, points = ?, decided_at = ?
WHERE task_id = ? AND version = ? AND verdict = ''
"""
REVIEWER = "UPDATE submission SET reviewer = ? WHERE task_id = ? AND version = ? AND verdict = ''"
APPROVED = "SELECT 1 FROM submission WHERE task_id = ? AND verdict = 'approved' LIMIT 1"
ROUNDS = "SELECT count(*) AS n FROM submission WHERE task_id = ? AND verdict = 'changes'"


@dataclass(frozen=True, slots=True)
class Submission:
    """One version; ``files`` are the versions of the task's files as they were, ``verdict`` is empty while it waits."""

    task_id: int
    version: int
    summary: str
    notes: str
    author: str
    epoch: int
    reviewer: str
    files: Mapping[str, int]
    verdict: str = ""
    decided_by: str = ""
    feedback: str = ""
    points: tuple[str, ...] = ()
    at: int = 0
    decided_at: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer decided: ``"approved"``, ``"rejected"`` or ``"changes"``, with the points that have to change."""

    word: str
    by: str
    feedback: str = ""
    points: Sequence[str] = ()


def _row(row: sqlite3.Row) -> Submission:
    return Submission(
        row["task_id"], row["version"], row["summary"], row["notes"], row["author"], row["epoch"], row["reviewer"],
        json.loads(row["files"]), row["verdict"], row["decided_by"], row["feedback"],
        tuple(json.loads(row["points"])), row["at"], row["decided_at"],
    )  # fmt: skip


def add(tx: Unit, new: Submission) -> Submission:
    """Store the next version of a task's work."""
    row = tx.one(NEXT, (new.task_id,))
    version = row["version"] if row else 1
    files = json.dumps(dict(new.files), ensure_ascii=False)
    tx.run(
        INSERT,
        (new.task_id, version, new.summary, new.notes, new.author, new.epoch, new.reviewer, files, tx.now),
    )
    return get(tx, new.task_id, version)


def get(q: Query, task_id: int, version: int) -> Submission:
    """Return one version; raise NotFound."""
    row = q.one(ONE, (task_id, version))
    if row is None:
        raise NotFound(f"Task {task_id} has no version {version}.")
    return _row(row)


def latest(q: Query, task_id: int) -> Submission | None:
    """Return the newest version, or ``None``."""
    row = q.one(LATEST, (task_id,))
    return _row(row) if row else None


def of_task(q: Query, task_id: int) -> list[Submission]:
    """Return all versions of a task's work, the oldest first."""
    return [_row(row) for row in q.all(OF_TASK, (task_id,))]


def waiting(q: Query, limit: int = 100) -> list[Submission]:
    """Return what waits for a verdict."""
    return [_row(row) for row in q.all(OPEN, (limit,))]


def decide(tx: Unit, task_id: int, version: int, verdict: Verdict) -> None:
    """Store a verdict; raise Stale where somebody else has decided."""
    points = json.dumps(list(verdict.points), ensure_ascii=False)
    values = (verdict.word, verdict.by, verdict.feedback, points, tx.now, task_id, version)
    if tx.run(DECIDE, values) != 1:
        raise Stale(f"Version {version} of task {task_id} has been judged already.", remedy="Look again.")


def give(tx: Unit, task_id: int, version: int, reviewer: str) -> None:
    """Let somebody else review a version that waits."""
    tx.run(REVIEWER, (reviewer, task_id, version))


def approved(q: Query, task_id: int) -> bool:
    """Tell whether a review approved the work on a task."""
    return q.one(APPROVED, (task_id,)) is not None


def rounds(q: Query, task_id: int) -> int:
    """Return how often a review requested changes."""
    row = q.one(ROUNDS, (task_id,))
    return row["n"] if row else 0

"""What agents have earned: standings, awards, badges, evidence of skills, and why a task was given to one."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from store.units import Query, Unit

COUNTS = ("xp", "finished", "approved", "rejected", "changes", "failures", "fast", "reviews", "streak")
STANDING = "SELECT * FROM standing WHERE agent = ?"
STANDINGS = "SELECT * FROM standing ORDER BY xp DESC, agent"
OPEN_STANDING = "INSERT INTO standing (agent, updated_at) VALUES (?, ?) ON CONFLICT (agent) DO NOTHING"
AWARD = """
INSERT INTO award (task_id, agent, xp, terms, project, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (task_id, agent) DO NOTHING
"""
AWARDS = "SELECT * FROM award WHERE task_id = ? ORDER BY agent"
SHIPPED = """
SELECT award.*, task.title FROM award JOIN task ON task.id = award.task_id
WHERE (:agent = '' OR award.agent = :agent) ORDER BY award.at DESC, award.task_id DESC, award.agent LIMIT :limit
"""
AFFINITY = "SELECT agent, count(*) AS n FROM award WHERE project = ? GROUP BY agent"
ADD_BADGE = "INSERT INTO badge (agent, badge, task_id, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
BADGES = "SELECT agent, badge, task_id, at FROM badge WHERE (? = '' OR agent = ?1) ORDER BY at, badge"
EVIDENCE = """
INSERT INTO evidence (agent, skill, tasks) VALUES (?, ?, 1)
ON CONFLICT (agent, skill) DO UPDATE SET tasks = tasks + 1 RETURNING tasks, unlocked_at
"""
UNLOCK = "UPDATE evidence SET unlocked_at = ? WHERE agent = ? AND skill = ? AND unlocked_at = 0"
UNLOCKED = "SELECT agent, skill FROM evidence WHERE unlocked_at > 0 ORDER BY agent, skill"
EVIDENCE_OF = "SELECT skill, tasks, unlocked_at FROM evidence WHERE agent = ? ORDER BY skill"
WORKLOAD = """
SELECT assignee, count(*) AS n FROM task INDEXED BY task_assignee
WHERE assignee <> '' AND state <> 'done' AND state <> 'cancelled' AND state <> 'failed' GROUP BY assignee
"""
BUSY = """
SELECT agent, task_id FROM attempt INDEXED BY attempt_live
WHERE (state = 'claimed' OR state = 'running' OR state = 'waiting')
ORDER BY task_id
"""
CONTRIBUTORS = """
SELECT agent, max(lane) AS lane, max(state = 'succeeded' OR EXISTS (SELECT 1 FROM agent_handoff
    WHERE agent_handoff.task_id = attempt.task_id AND agent_handoff.epoch = attempt.epoch)) AS carried
FROM attempt WHERE task_id = ? AND started_at > 0 GROUP BY agent ORDER BY min(epoch)
"""
OUTCOMES = """
SELECT state, count(*) AS n, coalesce(sum(ended_at - started_at), 0) AS ms FROM attempt
WHERE agent = ? AND ended_at > 0 AND started_at > 0 GROUP BY state
"""
PUT_ASSIGNMENT = """
INSERT INTO assignment (task_id, agent, score, terms, reason, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (task_id) DO UPDATE SET agent = excluded.agent, score = excluded.score, terms = excluded.terms,
    reason = excluded.reason, at = excluded.at
"""
ASSIGNMENT = "SELECT agent, score, terms, reason, at FROM assignment WHERE task_id = ?"
UNASSIGNED = """
SELECT id FROM task INDEXED BY task_unfinished
WHERE state = 'open' AND state NOT IN ('done', 'cancelled') AND assignee = '' AND lane = 'agent'
    AND substr(queue, -3) <> '[]]'
ORDER BY id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of what became of an agent's work; ``streak`` are tasks since the last failure or rejection."""

    agent: str
    xp: int = 0
    finished: int = 0
    approved: int = 0
    rejected: int = 0
    changes: int = 0
    failures: int = 0
    fast: int = 0
    reviews: int = 0
    streak: int = 0


@dataclass(frozen=True, slots=True)
class Award:
    """What an agent got for a task; ``terms`` are words and points that sum to ``xp``."""

    task_id: int
    agent: str
    xp: int
    terms: tuple[tuple[str, float], ...]
    project: str
    at: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge of an agent, and the task that earned it."""

    agent: str
    name: str
    task_id: int
    at: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Finished tasks that asked for a skill, and since when it counts as the agent's (0: not yet)."""

    skill: str
    tasks: int
    unlocked_at: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """Why a task was given to an agent, or with an empty name to none; ``terms`` sum to ``score``."""

    agent: str
    score: float
    terms: tuple[tuple[str, float], ...]
    reason: str
    at: int = 0


def _standing(row: sqlite3.Row) -> Standing:
    return Standing(row["agent"], *(row[name] for name in COUNTS))


def _terms(text: str) -> tuple[tuple[str, float], ...]:
    return tuple((str(words), float(points)) for words, points in json.loads(text))


def standing(q: Query, agent: str) -> Standing:
    """Return an agent's counts; all 0 where nothing is known."""
    row = q.one(STANDING, (agent,))
    return _standing(row) if row else Standing(agent)


def standings(q: Query) -> list[Standing]:
    """Return the counts of every agent that has any, the most experienced first."""
    return [_standing(row) for row in q.all(STANDINGS)]


def count(tx: Unit, agent: str, *, fresh_streak: bool = False, **more: int) -> Standing:
    """Add to an agent's counts and return them; ``fresh_streak`` begins its streak anew."""
    assert set(more) <= set(COUNTS)  # noqa: S101 - our own code names them
    tx.run(OPEN_STANDING, (agent, tx.now))
    sets = ["updated_at = ?", *(f"{name} = {name} + ?" for name in more)]
    if fresh_streak:
        sets.append("streak = 0")
    # Names of columns are checked right above and cannot be bound as parameters.
    sql = f"UPDATE standing SET {', '.join(sets)} WHERE agent = ? RETURNING *"  # noqa: S608
    row = tx.one(sql, (tx.now, *more.values(), agent))
    return _standing(row) if row else Standing(agent)


def award(tx: Unit, new: Award) -> bool:
    """Store what an agent gets for a task and tell whether it was the first time."""
    terms = json.dumps(new.terms, ensure_ascii=False)
    return tx.run(AWARD, (new.task_id, new.agent, new.xp, terms, new.project, tx.now)) == 1


def _award(row: sqlite3.Row) -> Award:
    title = row["title"] if "title" in row.keys() else ""  # noqa: SIM118 - a row's own membership is that of its values
    return Award(
        row["task_id"], row["agent"], row["xp"], _terms(row["terms"]), row["project"], row["at"], title
    )


def awards(q: Query, task_id: int) -> list[Award]:
    """Return what agents got for a task."""
    return [_award(row) for row in q.all(AWARDS, (task_id,))]


def shipped(q: Query, agent: str = "", limit: int = 50) -> list[Award]:
    """Return finished work, the latest first, of one agent or of all."""
    return [_award(row) for row in q.all(SHIPPED, {"agent": agent, "limit": limit})]


def affinity(q: Query, project: str) -> dict[str, int]:
    """Return how many tasks of a project each agent has finished."""
    return {row["agent"]: row["n"] for row in q.all(AFFINITY, (project,))} if project else {}


def add_badge(tx: Unit, agent: str, name: str, task_id: int) -> bool:
    """Store a badge and tell whether it is new."""
    return tx.run(ADD_BADGE, (agent, name, task_id, tx.now)) == 1


def badges(q: Query, agent: str = "") -> list[Badge]:
    """Return the badges of an agent, or of all."""
    return [Badge(*row) for row in q.all(BADGES, (agent,))]


def prove(tx: Unit, agent: str, skill: str) -> Evidence:
    """Count a finished task as evidence of a skill."""
    row = tx.one(EVIDENCE, (agent, skill))
    return Evidence(skill, row["tasks"], row["unlocked_at"]) if row else Evidence(skill, 0, 0)


def unlock(tx: Unit, agent: str, skill: str) -> bool:
    """Let a skill count as an agent's own and tell whether that is new."""
    return tx.run(UNLOCK, (tx.now, agent, skill)) == 1


def unlocked(q: Query) -> dict[str, frozenset[str]]:
    """Return the skills that agents have unlocked."""
    found: dict[str, set[str]] = {}
    for row in q.all(UNLOCKED):
        found.setdefault(row["agent"], set()).add(row["skill"])
    return {agent: frozenset(skills) for agent, skills in found.items()}


def evidence(q: Query, agent: str) -> list[Evidence]:
    """Return what an agent has given evidence of."""
    return [Evidence(*row) for row in q.all(EVIDENCE_OF, (agent,))]


def workload(q: Query) -> dict[str, int]:
    """Return how many unfinished tasks each assignee has."""
    return {row["assignee"]: row["n"] for row in q.all(WORKLOAD)}


def busy(q: Query) -> dict[str, list[int]]:
    """Return which tasks each agent holds now, by its leases."""
    found: dict[str, list[int]] = {}
    for row in q.all(BUSY):
        found.setdefault(row["agent"], []).append(row["task_id"])
    return found


def contributors(q: Query, task_id: int) -> list[str]:
    """Return everybody who has begun to work on a task, in the order in which they did."""
    return [row["agent"] for row in q.all(CONTRIBUTORS, (task_id,))]


def carriers(q: Query, task_id: int) -> list[str]:
    """Return the agents and programs who have brought a task forward."""
    rows = q.all(CONTRIBUTORS, (task_id,))
    return [row["agent"] for row in rows if row["carried"] and row["lane"] in ("agent", "process")]


def outcomes(q: Query, agent: str) -> dict[str, tuple[int, int]]:
    """Return how an agent's attempts ended: how many, and their milliseconds together."""
    return {row["state"]: (row["n"], row["ms"]) for row in q.all(OUTCOMES, (agent,))}


def put_assignment(tx: Unit, task_id: int, made: Assignment) -> None:
    """Store why a task was given to an agent, or to none."""
    terms = json.dumps(made.terms, ensure_ascii=False)
    tx.run(PUT_ASSIGNMENT, (task_id, made.agent, made.score, terms, made.reason, tx.now))


def assignment(q: Query, task_id: int) -> Assignment | None:
    """Return why a task was given to whom it was given last."""
    row = q.one(ASSIGNMENT, (task_id,))
    return (
        Assignment(row["agent"], row["score"], _terms(row["terms"]), row["reason"], row["at"])
        if row
        else None
    )


def unassigned(q: Query, limit: int) -> list[int]:
    """Return open tasks of agents that are nobody's, the oldest first."""
    return [row["id"] for row in q.all(UNASSIGNED, (limit,))]


def as_counts(found: Standing) -> Mapping[str, int]:
    """Return an agent's counts by name."""
    return {name: getattr(found, name) for name in COUNTS}

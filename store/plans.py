"""Plans of tasks: the template as it was when the task was made, and how far the task is in it."""

from dataclasses import dataclass

from store.units import Query, Unit

FIND = "SELECT plan, stage, reviews_id, reviews_version FROM task_plan WHERE task_id = ?"
INSERT = "INSERT INTO task_plan (task_id, plan, reviews_id, reviews_version) VALUES (?, ?, ?, ?)"
REPLACE = """
INSERT INTO task_plan (task_id, plan) VALUES (?, ?)
ON CONFLICT (task_id) DO UPDATE SET plan = excluded.plan, stage = 0
"""
ADVANCE = "UPDATE task_plan SET stage = ? WHERE task_id = ?"


@dataclass(frozen=True, slots=True)
class Row:
    """A task's plan as JSON, the number of its stage, and the task and version that it reviews (0: none)."""

    plan: str
    stage: int
    reviews: tuple[int, int]


def find(q: Query, task_id: int) -> Row | None:
    """Return a task's plan, or ``None``."""
    row = q.one(FIND, (task_id,))
    return Row(row["plan"], row["stage"], (row["reviews_id"], row["reviews_version"])) if row else None


def add(tx: Unit, task_id: int, plan: str, reviews: tuple[int, int] = (0, 0)) -> None:
    """Store the plan of a new task."""
    tx.run(INSERT, (task_id, plan, *reviews))


def put(tx: Unit, task_id: int, plan: str) -> None:
    """Store the plan of a task in the place of the one that it had; it begins at the first stage."""
    tx.run(REPLACE, (task_id, plan))


def advance(tx: Unit, task_id: int, stage: int) -> None:
    """Store which stage a task is in."""
    tx.run(ADVANCE, (stage, task_id))

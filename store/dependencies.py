"""What tasks wait for: edges without a circle, and a count of the unmet ones on each task."""

import sqlite3

from kernel.errors import InvalidInput
from kernel.states import TaskState
from kernel.tasks import Task
from store import tasks
from store.units import Query, Unit

INSERT = "INSERT INTO dependency (task_id, needs_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
DELETE = "DELETE FROM dependency WHERE task_id = ? AND needs_id = ?"
NEEDS = "SELECT task.* FROM dependency JOIN task ON task.id = needs_id WHERE task_id = ? ORDER BY task.id"
NEEDED_BY = (
    "SELECT task.* FROM dependency JOIN task ON task.id = task_id WHERE needs_id = ? ORDER BY task.id LIMIT ?"
)
# Whether ``:task`` is among all that ``:needs`` waits for, however far away.
REACHES = """
WITH RECURSIVE before (id) AS (
    SELECT :needs
    UNION
    SELECT dependency.needs_id FROM dependency JOIN before ON dependency.task_id = before.id
)
SELECT 1 FROM before WHERE id = :task LIMIT 1
"""
COUNT = "UPDATE task SET unmet = unmet + ? WHERE id = ? RETURNING *"
MET = """
UPDATE task SET unmet = unmet - 1 WHERE id IN (SELECT task_id FROM dependency WHERE needs_id = ?) RETURNING *
"""
NEEDED = "SELECT 1 FROM dependency WHERE needs_id = ? LIMIT 1"


def add(tx: Unit, task_id: int, needs_id: int) -> bool:
    """Let a task wait for another; raise InvalidInput for a circle. Tell whether it now waits for one more."""
    if task_id == needs_id:
        raise InvalidInput(f"Task {task_id} cannot wait for itself.")
    needed = tasks.get(tx, needs_id)
    if tx.one(REACHES, {"needs": needs_id, "task": task_id}) is not None:
        raise InvalidInput(
            f"Task {needs_id} waits for task {task_id} already, directly or through others.",
            remedy="A circle of dependencies would never end.",
        )
    if tx.run(INSERT, (task_id, needs_id)) == 0 or needed.state is TaskState.DONE:
        return False
    tx.run(COUNT, (1, task_id))
    return True


def remove(tx: Unit, task_id: int, needs_id: int) -> Task:
    """Let a task no longer wait for another; return the task as it is now."""
    needed = tasks.get(tx, needs_id)
    if tx.run(DELETE, (task_id, needs_id)) == 1 and needed.state is not TaskState.DONE:
        tx.run(COUNT, (-1, task_id))
    return tasks.get(tx, task_id)


def satisfy(tx: Unit, done_id: int) -> list[Task]:
    """Tell those that wait for a task that it is done; return those that now wait for nothing."""
    # Nearly always nothing waits, and looking is cheaper than an update of nothing.
    if tx.one(NEEDED, (done_id,)) is None:
        return []
    rows: list[sqlite3.Row] = tx.all(MET, (done_id,))
    return [tasks.row_of(row) for row in rows if row["unmet"] == 0]


def needs(q: Query, task_id: int) -> list[Task]:
    """Return what a task waits for, done or not."""
    return [tasks.row_of(row) for row in q.all(NEEDS, (task_id,))]


def needed_by(q: Query, task_id: int, limit: int = 500) -> list[Task]:
    """Return what waits for a task."""
    return [tasks.row_of(row) for row in q.all(NEEDED_BY, (task_id, limit))]

"""Tasks: the rows that move, and their texts."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kernel.errors import NotFound, Stale
from kernel.events import Scalar
from kernel.messages import Address
from kernel.states import TaskState
from kernel.tasks import Brief, Budget, Importance, Task, Used, Workspace
from kernel.transitions import TASK
from store.units import Query, Unit, Value

INSERT = """
INSERT INTO task (state, title, lane, assignee, template, priority, queue, not_before, unmet, parent_id, root_id,
    failure_limit, budget_attempts, budget_ms, budget_tokens, budget_money, max_run_ms, due_at, block_kind, session_id,
    entered_at, created_at, created_by, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_BRIEF = """
INSERT INTO task_brief (task_id, description, acceptance, skills, labels, project, workspace, host, capabilities,
    origin, place, behalf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
BY_ID = "SELECT * FROM task WHERE id = ?"
BRIEF = "SELECT * FROM task_brief WHERE task_id = ?"
STATE_OF = "SELECT state, epoch FROM task WHERE id = ?"
BY_SESSION = "SELECT * FROM task WHERE session_id = ? ORDER BY id DESC LIMIT 1"
CHILDREN = "SELECT * FROM task WHERE parent_id = ? ORDER BY id LIMIT ?"
GROW = "UPDATE task SET tree_size = tree_size + 1 WHERE id = ? RETURNING tree_size"
BLAME = "UPDATE task SET tree_failures = tree_failures + 1 WHERE id = ? RETURNING tree_failures"
FORGIVE = "UPDATE task SET tree_failures = 0 WHERE id = ?"
TREE_FAILURES = "SELECT tree_failures FROM task WHERE id = ?"
MARK = "SELECT block_mark FROM task WHERE id = ?"
FIND = """
SELECT task.* FROM task LEFT JOIN task_brief ON task_brief.task_id = task.id AND :texts
WHERE (:states = '' OR instr(:states, ' ' || state || ' '))
    AND (:lane = '' OR lane = :lane) AND (:assignee = '' OR assignee = :assignee)
    AND (:parent = 0 OR parent_id = :parent) AND (:root = 0 OR root_id = :root OR task.id = :root)
    AND (:by = '' OR created_by = :by OR task_brief.behalf = :by)
    AND (:label = '' OR EXISTS (SELECT 1 FROM json_each(task_brief.labels) WHERE value = :label))
    AND (:words = '' OR instr(lower(title), lower(:words)) OR instr(lower(task_brief.description), lower(:words)))
    AND (:since = 0 OR updated_at >= :since) AND (:before = 0 OR task.id < :before)
ORDER BY task.id DESC LIMIT :limit
"""
# The unfinished ones have an index of their own, so that a million finished tasks cost a list nothing.
FIND_UNFINISHED = FIND.replace(
    "FROM task LEFT JOIN", "FROM task INDEXED BY task_unfinished LEFT JOIN"
).replace("WHERE (:states", "WHERE state NOT IN ('done', 'cancelled') AND (:states")
COUNTS = """
SELECT state, count(*) AS n FROM task WHERE state NOT IN ('done', 'cancelled') GROUP BY state
"""
STRAYS = """
SELECT id FROM task WHERE state = ? AND state NOT IN ('done', 'cancelled')
    AND NOT (state = 'needs_human' AND return_state = 'in_review')
    AND NOT EXISTS (SELECT 1 FROM attempt
        WHERE task_id = task.id
            AND (attempt.state = 'claimed' OR attempt.state = 'running' OR attempt.state = 'waiting'))
"""
ENDED = "SELECT count(*) AS n FROM task WHERE state = ?"
TIMES = "json_set(times, '$.' || state, coalesce(times ->> state, 0) + max(0, ? - entered_at))"


# Enumerations by value; calling the class looks the value up more slowly.
STATES = {str(state): state for state in TaskState}
PRIORITIES = tuple(Importance)


@dataclass(frozen=True, slots=True)
class New:
    """A task that is to be stored; the fields are those of a ``Task``."""

    title: str
    lane: str
    queue: str
    template: str
    created_by: str
    state: TaskState = TaskState.OPEN
    assignee: str = ""
    priority: Importance = Importance.NORMAL
    not_before: int = 0
    unmet: int = 0
    parent_id: int = 0
    root_id: int = 0
    failure_limit: int = 0
    budget: Budget = field(default_factory=Budget)
    max_run_ms: int = 0
    due_at: int = 0
    block_kind: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks to list; empty fields do not matter. ``before`` is the id that the next page begins below."""

    states: tuple[TaskState, ...] = ()
    unfinished: bool = False
    lane: str = ""
    assignee: str = ""
    parent: int = 0
    root: int = 0
    by: str = ""
    label: str = ""
    words: str = ""
    since: int = 0
    before: int = 0
    limit: int = 50


def row_of(row: sqlite3.Row) -> Task:
    """Map a row of the table.

    The columns are taken in the table's order: looking 45 of them up by name takes longer than the move itself.
    """
    (
        id, state, title, lane, assignee, template, priority, _queue, not_before, unmet, epoch, parent_id, root_id,
        revision, failures, error, outcome, tree_failures, tree_size, failure_limit, attempts, most_attempts, most_ms,
        most_tokens, most_money, used_ms, used_tokens, used_money, max_run_ms, due_at, return_state, question,
        block_kind, block_reason, block_owner, _block_mark, session_id, times, entered_at, created_at, created_by,
        updated_at, ended_at,
    ) = row  # fmt: skip
    return Task(
        id, STATES[state], title, lane, assignee, template, PRIORITIES[priority], not_before, unmet, epoch,
        parent_id or 0, root_id or id, revision, failures, error, outcome, tree_failures, tree_size, failure_limit,
        attempts, Budget(most_attempts, most_ms, most_tokens, most_money), Used(used_ms, used_tokens, used_money),
        max_run_ms, due_at, return_state, question, block_kind, block_reason, block_owner, session_id or "",
        json.loads(times) if times != "{}" else {}, entered_at, created_at, created_by, updated_at, ended_at,
    )  # fmt: skip


def brief_of(row: sqlite3.Row) -> Brief:
    """Map a row of the texts."""
    return Brief(
        row["description"],
        row["acceptance"],
        _names(row["skills"]),
        _names(row["labels"]),
        row["project"],
        Workspace(row["workspace"]),
        row["host"],
        _names(row["capabilities"]),
        _address(row["origin"]),
        _address(row["place"]),
        row["behalf"],
        row["result"],
        row["feedback"],
    )


def _names(text: str) -> tuple[str, ...]:
    # Most lists are empty.
    return () if text == "[]" else tuple(json.loads(text))


def _address(text: str | None) -> Address | None:
    return Address(*json.loads(text)) if text else None


def add(tx: Unit, new: New, brief: Brief, *, actor: str) -> int:
    """Store a task and return its id; a child counts as part of its root's tree."""
    budget = new.budget
    id = tx.insert(
        INSERT,
        (
            new.state,
            new.title,
            new.lane,
            new.assignee,
            new.template,
            new.priority,
            new.queue,
            new.not_before,
            new.unmet,
            new.parent_id or None,
            new.root_id or None,
            new.failure_limit,
            budget.attempts,
            budget.ms,
            budget.tokens,
            budget.money,
            new.max_run_ms,
            new.due_at,
            new.block_kind,
            new.session_id or None,
            tx.now,
            tx.now,
            new.created_by,
            tx.now,
        ),
    )
    tx.run(INSERT_BRIEF, (id, *_brief_values(brief)))
    tx.emit(
        "task.create",
        str(id),
        actor=actor,
        state=str(new.state),
        lane=new.lane,
        parent=new.parent_id or None,
        to=new.assignee or None,
    )
    return id


def _brief_values(brief: Brief) -> tuple[Value, ...]:
    return (
        brief.description,
        brief.acceptance,
        json.dumps(brief.skills),
        json.dumps(brief.labels),
        brief.project,
        brief.workspace,
        brief.host,
        json.dumps(brief.capabilities),
        json.dumps(brief.origin) if brief.origin else None,
        json.dumps(brief.place) if brief.place else None,
        brief.behalf,
    )


def grow(tx: Unit, root_id: int) -> int:
    """Count one more task in a tree and return how many it has."""
    row = tx.one(GROW, (root_id,))
    return row["tree_size"] if row else 0


def find(q: Query, id: int) -> Task | None:
    """Return one task, or ``None``."""
    row = q.one(BY_ID, (id,))
    return row_of(row) if row else None


def get(q: Query, id: int) -> Task:
    """Return one task; raise NotFound."""
    found = find(q, id)
    if found is None:
        raise NotFound(f"There is no task {id}.", remedy="`hermes tasks list` shows what there is.")
    return found


def brief(q: Query, id: int) -> Brief:
    """Return the texts of a task; raise NotFound."""
    row = q.one(BRIEF, (id,))
    if row is None:
        raise NotFound(f"There is no task {id}.", remedy="`hermes tasks list` shows what there is.")
    return brief_of(row)


def by_session(q: Query, session_id: str) -> Task | None:
    """Return the latest task whose conversation a session holds."""
    row = q.one(BY_SESSION, (session_id,))
    return row_of(row) if row else None


def children(q: Query, id: int, limit: int = 500) -> list[Task]:
    """Return the children of a task, the oldest first."""
    return [row_of(row) for row in q.all(CHILDREN, (id, limit))]


def listed(q: Query, wanted: Filter) -> list[Task]:
    """Return tasks, the newest first."""
    states = f" {' '.join(wanted.states)} " if wanted.states else ""
    values: dict[str, Value] = {
        "states": states,
        "texts": bool(wanted.label or wanted.words or wanted.by),
        "lane": wanted.lane,
        "assignee": wanted.assignee,
        "parent": wanted.parent,
        "root": wanted.root,
        "by": wanted.by,
        "label": wanted.label,
        "words": wanted.words,
        "since": wanted.since,
        "before": wanted.before,
        "limit": wanted.limit,
    }
    sql = FIND_UNFINISHED if wanted.unfinished else FIND
    return [row_of(row) for row in q.all(sql, values)]


def counts(q: Query) -> dict[str, int]:
    """Return how many unfinished tasks are in each state."""
    return {row["state"]: row["n"] for row in q.all(COUNTS)}


def strays(q: Query, state: TaskState) -> list[int]:
    """Return the tasks in a state of being worked on that no attempt holds."""
    return [row["id"] for row in q.all(STRAYS, (state,))]


def ended(q: Query, state: TaskState) -> int:
    """Return how many tasks are over in a state."""
    row = q.one(ENDED, (state,))
    return row["n"] if row else 0


_moves: dict[tuple[str, tuple[str, ...], bool], tuple[str, TaskState]] = {}


def any_of(states: Iterable[str]) -> str:
    """Return the condition that a row is in one of the states.

    Compared one by one: for a list of three or more, SQLite makes a table anew in every execution.
    """
    return "(" + " OR ".join(f"state = '{state}'" for state in states) + ")"


def _statement(event: str, columns: tuple[str, ...], *, guarded: bool) -> tuple[str, TaskState]:
    """Return the statement of a guarded move and the state it leads to."""
    key = (event, columns, guarded)
    if key not in _moves:
        sets = ", ".join(("state = ?", f"times = {TIMES}", "entered_at = ?", "updated_at = ?",
                          *(f"{name} = ?" for name in columns)))  # fmt: skip
        epoch = " AND epoch = ?" if guarded else ""
        # Names of columns and states are written in our own code and cannot be bound as parameters.
        sources = any_of(TASK.sources(event))
        sql = f"UPDATE task SET {sets} WHERE id = ? AND {sources}{epoch} RETURNING *"  # noqa: S608
        _moves[key] = (sql, TASK.target(event))
    return _moves[key]


def move(
    tx: Unit,
    id: int,
    event: str,
    *,
    actor: str = "system",
    epoch: int | None = None,
    body: Mapping[str, Scalar] | None = None,
    **columns: Value,
) -> Task:
    """Move a task, note how long it was where it was, set ``columns`` with it, and emit ``"task.event"``.

    ``epoch`` is given by whoever executes it. Raises NotFound where there is no such task, Stale where it is in none of
    the event's source states or the epoch is over.
    """
    sql, target = _statement(event, tuple(columns), guarded=epoch is not None)
    guard = () if epoch is None else (epoch,)
    row = tx.one(sql, (target, tx.now, tx.now, tx.now, *columns.values(), id, *guard))
    if row is None:
        raise _refusal(tx, id, event, epoch)
    tx.emit(f"task.{event}", str(id), actor=actor, **(body or {}))
    return row_of(row)


def _refusal(q: Query, id: int, event: str, epoch: int | None) -> Stale | NotFound:
    row = q.one(STATE_OF, (id,))
    if row is None:
        return NotFound(f"There is no task {id}.", remedy="`hermes tasks list` shows what there is.")
    if epoch is not None and row["epoch"] != epoch:
        return over(id, epoch)
    return Stale(f"Task {id} is {row['state']}: {event} is not possible now.", remedy="Look again.")


def over(id: int, epoch: int) -> Stale:
    """Return the error for a worker whose time is over."""
    return Stale(
        f"Attempt {epoch} of task {id} is over; what it still writes is refused.",
        remedy="Stop working on it.",
    )


def change(tx: Unit, id: int, **columns: Value) -> Task:
    """Set columns of a task without moving it."""
    sets = ", ".join(f"{name} = ?" for name in ("updated_at", *columns))
    # Names of columns are written in our own code and cannot be bound as parameters.
    row = tx.one(f"UPDATE task SET {sets} WHERE id = ? RETURNING *", (tx.now, *columns.values(), id))  # noqa: S608
    if row is None:
        raise NotFound(f"There is no task {id}.", remedy="`hermes tasks list` shows what there is.")
    return row_of(row)


TEXTS = frozenset({"description", "acceptance", "project", "host", "result", "feedback", "behalf"})
LISTS = frozenset({"skills", "labels", "capabilities", "origin", "place"})


def rewrite(tx: Unit, id: int, **columns: str | Sequence[str | None]) -> Brief:
    """Set texts of a task."""
    assert set(columns) <= TEXTS | LISTS | {"workspace"}  # noqa: S101 - our own code names them
    values = [json.dumps(value) if name in LISTS else str(value) for name, value in columns.items()]
    sets = ", ".join(f"{name} = ?" for name in columns)
    # Names of columns are checked right above and cannot be bound as parameters.
    tx.run(f"UPDATE task_brief SET {sets} WHERE task_id = ?", (*values, id))  # noqa: S608
    return brief(tx, id)


def blame(tx: Unit, root_id: int) -> int:
    """Count a failure in a tree and return how many there were since the last fresh budget."""
    row = tx.one(BLAME, (root_id,))
    return row["tree_failures"] if row else 0


def forgive(tx: Unit, root_id: int) -> None:
    """Give a tree a fresh budget of failures."""
    tx.run(FORGIVE, (root_id,))


def tree_failures(q: Query, root_id: int) -> int:
    """Return how many failures a tree has had since its last fresh budget."""
    row = q.one(TREE_FAILURES, (root_id,))
    return row["tree_failures"] if row else 0


def block_mark(q: Query, id: int) -> str:
    """Return what a task was last blocked for."""
    row = q.one(MARK, (id,))
    return row["block_mark"] if row else ""


def queue_of(lane: str, assignee: str, brief: Brief) -> str:
    """Return the key of those who may take a task: its lane, its assignee, and what they must have."""
    # Whoever is named is trusted to be able; what the machine must have is asked for all the same.
    needs = sorted({*(() if assignee else brief.skills), *brief.capabilities})
    # The lane of a coding agent names who works; a stage's own agent is a part that it plays.
    assignee = "" if lane.startswith("acp:") else assignee
    return json.dumps([lane, assignee, brief.host, needs], separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's key, read: who may take its tasks."""

    key: str
    lane: str
    assignee: str
    host: str
    needs: tuple[str, ...]


def parse_queue(key: str) -> Queue:
    """Read what ``queue_of`` wrote."""
    lane, assignee, host, needs = json.loads(key)
    return Queue(key, lane, assignee, host, tuple(needs))

"""Attempts: the executions of tasks, with the lease that each of them holds."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import NotFound, Stale
from kernel.events import Scalar
from kernel.states import AttemptState
from kernel.tasks import Attempt, AttemptOutcome
from kernel.transitions import ATTEMPT, READY, TASK
from kernel.transitions import LIVE as LIVE_STATES
from store import tasks
from store.tasks import TIMES, any_of
from store.units import Query, Unit, Value

# The conditions of the indexes, word for word: only then is an index taken.
_READY, _LIVE = any_of(READY), any_of(LIVE_STATES)

# The head of every queue is one step in the index; the best of the heads is taken, whatever waits behind them.
HEAD = f"""
SELECT head.id FROM json_each(:queues) AS served JOIN task AS head ON head.id = (
    SELECT id FROM task WHERE queue = served.value AND {_READY} AND not_before = 0
    ORDER BY priority DESC, id LIMIT 1)
ORDER BY head.priority DESC, head.id LIMIT 1
"""  # noqa: S608 - our own constants
_CLAIM = f"""
UPDATE task SET state = 'claimed', epoch = epoch + 1, attempts = attempts + 1,
    times = {TIMES.replace("?", ":now")}, entered_at = :now, updated_at = :now, question = '',
    block_kind = '', block_reason = '', block_owner = '', return_state = ''
"""  # noqa: S608 - our own constants
CLAIM_NEXT = f"{_CLAIM} WHERE id = ({HEAD}) RETURNING id, epoch, lane"
# With one queue, which is the rule, its head is the best.
CLAIM_FIRST = f"""
{_CLAIM} WHERE id = (SELECT id FROM task WHERE queue = :queue AND {_READY} AND not_before = 0
    ORDER BY priority DESC, id LIMIT 1) RETURNING id, epoch, lane
"""  # noqa: S608 - our own constants
CLAIM_ONE = f"{_CLAIM} WHERE id = :id AND {_READY} RETURNING id, epoch, lane"
INSERT = """
INSERT INTO attempt (task_id, epoch, state, lane, agent, host, log, claimed_at, active_at, lease_until)
VALUES (?, ?, 'claimed', ?, ?, ?, ?, ?, ?, ?)
"""
# One step in the index for each different queue, however many tasks wait in it.
QUEUES = f"""
WITH RECURSIVE found (queue) AS (
    SELECT min(queue) FROM task WHERE {_READY} AND not_before = 0
    UNION ALL
    SELECT (SELECT min(queue) FROM task WHERE queue > found.queue AND {_READY} AND not_before = 0)
    FROM found WHERE found.queue IS NOT NULL
)
SELECT queue FROM found WHERE queue IS NOT NULL
"""  # noqa: S608 - our own constants
RIPEN = f"""
UPDATE task SET not_before = 0 WHERE {_READY} AND not_before > 0 AND not_before <= ?
"""  # noqa: S608 - our own constants
NEXT_RIPE = f"SELECT min(not_before) AS due FROM task WHERE {_READY} AND not_before > 0"  # noqa: S608
BY_KEY = "SELECT * FROM attempt WHERE task_id = ? AND epoch = ?"
LIVE_OF = f"SELECT * FROM attempt WHERE task_id = ? AND {_LIVE}"  # noqa: S608 - our own constant
LIVE = f"SELECT * FROM attempt INDEXED BY attempt_live WHERE {_LIVE} ORDER BY task_id"  # noqa: S608 - our own constant
OF_TASK = "SELECT * FROM attempt WHERE task_id = ? ORDER BY epoch DESC LIMIT ?"
OF_SESSION = """
SELECT * FROM attempt WHERE session_id = ? AND inbox_id > 0 AND inbox_id <= ? ORDER BY inbox_id DESC LIMIT 1
"""
FIRST_MESSAGE = "SELECT min(id) AS id FROM inbox WHERE turn_id = ?"
HEARTBEAT = f"""
UPDATE attempt SET lease_until = ?, active_at = max(active_at, ?)
WHERE task_id = ? AND epoch = ? AND {_LIVE}
"""  # noqa: S608 - our own constant
LEND = """
UPDATE attempt SET lease_until = ?, deadline_at = iif(? > 0, deadline_at, 0) WHERE task_id = ? AND epoch = ?
"""
TOUCH = "UPDATE attempt SET active_at = ? WHERE task_id = ? AND epoch = ?"
LOAD = f"""
SELECT lane, agent, count(*) AS n FROM ({LIVE}) WHERE state <> 'waiting' GROUP BY lane, agent
"""  # noqa: S608 - our own constant


# The move that a claim makes with a statement of its own.
CLAIMED = f"{TASK.name}.claim"
STATES = {str(state): state for state in AttemptState}


@dataclass(frozen=True, slots=True)
class Claim:
    """Who takes a task, and until when it must have started: the lease is in milliseconds from now."""

    agent: str
    host: str
    lease_ms: int
    log: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that was taken: what a claim needs to tell, and no more, since everybody waits for the writer."""

    id: int
    epoch: int
    lane: str


def row_of(row: sqlite3.Row) -> Attempt:
    """Map a row of the table, whose columns stand in its order."""
    task_id, epoch, state, lane, agent, host, pid, pid_mark, session_id, *rest = row
    return Attempt(task_id, epoch, STATES[state], lane, agent, host, pid, pid_mark, session_id or "", *rest)


def queues(q: Query) -> list[str]:
    """Return the different queues in which something is ready."""
    return [row["queue"] for row in q.all(QUEUES)]


def ripen(tx: Unit) -> int:
    """Make ready what had to wait until now; return how many tasks that are."""
    return tx.run(RIPEN, (tx.now,))


def next_ripe(q: Query) -> int:
    """Return when the next waiting task becomes ready, or 0."""
    row = q.one(NEXT_RIPE)
    return (row["due"] or 0) if row else 0


def claim_next(tx: Unit, served: Sequence[str], claim: Claim) -> Claimed | None:
    """Take the most important ready task of the served queues, the oldest first; ``None`` where there is none."""
    if len(served) == 1:
        row = tx.one(CLAIM_FIRST, {"queue": served[0], "now": tx.now})
    else:
        row = tx.one(CLAIM_NEXT, {"queues": json.dumps(served), "now": tx.now})
    return _claimed(tx, row, claim) if row else None


def claim_one(tx: Unit, id: int, claim: Claim) -> Claimed:
    """Take one task; raise Stale where it is not ready and NotFound where there is none."""
    row = tx.one(CLAIM_ONE, {"id": id, "now": tx.now})
    if row is None:
        found = tasks.get(tx, id)
        raise Stale(f"Task {id} is {found.state} and cannot be taken.", remedy="Look again.")
    return _claimed(tx, row, claim)


def _claimed(tx: Unit, row: sqlite3.Row, claim: Claim) -> Claimed:
    (id, epoch, lane), now = row, tx.now
    log = f"{claim.log}/{id}-{epoch}.log" if claim.log else ""
    lease = now + claim.lease_ms
    tx.run(INSERT, (id, epoch, lane, claim.agent, claim.host, log, now, now, lease))
    tx.emit(CLAIMED, str(id), actor=claim.agent, epoch=epoch, lane=lane)
    return Claimed(id, epoch, lane)


def get(q: Query, task_id: int, epoch: int) -> Attempt:
    """Return one attempt; raise NotFound."""
    row = q.one(BY_KEY, (task_id, epoch))
    if row is None:
        raise NotFound(f"Task {task_id} has no attempt {epoch}.")
    return row_of(row)


def live_of(q: Query, task_id: int) -> Attempt | None:
    """Return the attempt that holds a task now."""
    row = q.one(LIVE_OF, (task_id,))
    return row_of(row) if row else None


def live(q: Query) -> list[Attempt]:
    """Return every attempt that holds a task now."""
    return [row_of(row) for row in q.all(LIVE)]


def of_task(q: Query, task_id: int, limit: int = 100) -> list[Attempt]:
    """Return the attempts of a task, the latest first."""
    return [row_of(row) for row in q.all(OF_TASK, (task_id, limit))]


def of_turn(q: Query, session_id: str, turn_id: str) -> Attempt | None:
    """Return the attempt that a turn belongs to: the latest that had begun when the turn's first message came."""
    first = q.one(FIRST_MESSAGE, (turn_id,))
    if first is None or first["id"] is None:
        return None
    row = q.one(OF_SESSION, (session_id, first["id"]))
    return row_of(row) if row else None


def load(q: Query) -> dict[tuple[str, str], int]:
    """Return how many attempts are at work, by lane and agent."""
    return {(row["lane"], row["agent"]): row["n"] for row in q.all(LOAD)}


def heartbeat(tx: Unit, task_id: int, epoch: int, lease_ms: int, active_at: int = 0) -> None:
    """Renew a lease; raise Stale where the attempt is over. A heartbeat is no event."""
    if tx.run(HEARTBEAT, (tx.now + lease_ms, active_at or tx.now, task_id, epoch)) != 1:
        raise tasks.over(task_id, epoch)


def renew(tx: Unit, task_id: int, epoch: int, lease_ms: int) -> bool:
    """Renew the lease of an attempt that is seen to be alive; tell whether it holds its task."""
    return tx.run(HEARTBEAT, (tx.now + lease_ms, 0, task_id, epoch)) == 1


def lend(tx: Unit, task_id: int, epoch: int, lease_ms: int) -> None:
    """Set the lease of somebody elsewhere; 0 never ends, and then there is no deadline either."""
    until = tx.now + lease_ms if lease_ms else 0
    tx.run(LEND, (until, until, task_id, epoch))


def touch(tx: Unit, task_id: int, epoch: int) -> None:
    """Note a sign of life of an attempt."""
    tx.run(TOUCH, (tx.now, task_id, epoch))


_moves: dict[tuple[str, tuple[str, ...]], tuple[str, AttemptState]] = {}


def _statement(event: str, columns: tuple[str, ...]) -> tuple[str, AttemptState]:
    """Return the statement of a guarded move and the state it leads to."""
    key = (event, columns)
    if key not in _moves:
        sources = any_of(ATTEMPT.sources(event))
        sets = ", ".join(f"{name} = ?" for name in ("state", *columns))
        # Names of columns and states are written in our own code and cannot be bound as parameters.
        sql = f"UPDATE attempt SET {sets} WHERE task_id = ? AND epoch = ? AND {sources} RETURNING *"  # noqa: S608
        _moves[key] = (sql, ATTEMPT.target(event))
    return _moves[key]


def move(
    tx: Unit, task_id: int, epoch: int, event: str, *, actor: str = "system", body: dict[str, Scalar] | None = None,
    **columns: Value,
) -> Attempt:  # fmt: skip
    """Move an attempt, set ``columns`` with it and emit ``"attempt.event"`` about its task; raise Stale when over."""
    sql, target = _statement(event, tuple(columns))
    row = tx.one(sql, (target, *columns.values(), task_id, epoch))
    if row is None:
        get(tx, task_id, epoch)
        raise tasks.over(task_id, epoch)
    tx.emit(f"attempt.{event}", str(task_id), actor=actor, epoch=epoch, **(body or {}))
    return row_of(row)


def end(
    tx: Unit, task_id: int, epoch: int, outcome: AttemptOutcome, *, error: str = "", tokens: int = 0,
    money: float = 0.0, actor: str = "system",
) -> Attempt:  # fmt: skip
    """End an attempt; raise Stale when it is over already."""
    return move(
        tx, task_id, epoch, str(outcome), actor=actor, error=error, tokens=tokens, money=money,
        ended_at=tx.now, lease_until=0, deadline_at=0,
    )  # fmt: skip

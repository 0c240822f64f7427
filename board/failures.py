"""The one funnel for every failure, and the circuit breaker behind it.

``record_task_failure`` is the only place that counts. What counts, when a task is given up, how long it waits before
the next attempt: all of it is decided here, in the unit that stores how the attempt ended.
"""

from dataclasses import dataclass, field
from typing import Any

from board import limits
from board.creating import rest
from board.crew import merit, plans
from board.settings import BoardSettings
from board.working import spent_columns
from kernel.tasks import Attempt, AttemptOutcome, Task, Used
from kernel.transitions import READY, UNDER_WAY
from store import attempts, tasks
from store.units import Unit

ERROR_LENGTH = 2000
MARK_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Extra:
    """What else is known of a failure.

    ``epoch`` is the attempt's, mandatory for whoever executes it; 0 is the board itself, which means the live one.
    ``lasting`` says that trying again cannot help. ``retry_after`` are the seconds a provider asked to wait: nobody
    failed and nothing is counted. ``action`` is what somebody has to do, ``owner`` who; ``assignee`` takes over what
    was handed off.
    """

    epoch: int = 0
    used: Used = field(default_factory=Used)
    lasting: bool = False
    retry_after: float = 0.0
    action: str = ""
    owner: str = ""
    assignee: str = ""
    actor: str = "system"


def record_task_failure(
    tx: Unit,
    settings: BoardSettings,
    task: int,
    error: str,
    outcome: AttemptOutcome,
    *,
    release_claim: bool = True,
    end_run: bool = True,
    extra: Extra | None = None,
) -> Task:
    """Store that an attempt ended without a result, and decide what becomes of the task.

    ``end_run`` ends the attempt with ``outcome`` as an event of its own; ``release_claim`` puts the task back to where
    it can be taken again, after a pause that doubles with each failure. ``spawn_failed``, ``timed_out``, ``crashed``,
    ``lost`` and ``failed`` are counted, on the task and on the root of its tree. At a limit the task is blocked with
    ``gave_up``; with its attempts used up it has failed. Raises Stale for an epoch that is over.
    """
    extra = extra or Extra()
    found = tasks.get(tx, task)
    attempt = _ended(tx, found, error, outcome, extra) if end_run else None
    if found.state not in (*READY, *UNDER_WAY):
        return found
    spent: dict[str, Any] = {}
    if attempt is not None:
        spent.update(spent_columns(found, attempt, extra.used, tx.now))
    if not outcome.counts or extra.retry_after:
        held = not release_claim or attempts.live_of(tx, task) is not None
        return _kept(tx, found, spent) if held else _deferred(tx, found, extra, spent)
    counted = _count(tx, found, error, outcome, spent)
    if attempt is not None and attempt.lane in ("agent", "process"):
        merit.failed(tx, attempt.agent)
    if not end_run and _goes_on(tx, settings, counted):
        return counted
    if not end_run:
        _ended(tx, counted, error, outcome, extra)
    return _judged(tx, settings, counted, error, extra, release_claim=release_claim)


def _goes_on(tx: Unit, settings: BoardSettings, task: Task) -> bool:
    """Tell whether an attempt that failed at something may try on: until a limit is reached, which ends it."""
    return attempts.live_of(tx, task.id) is not None and not _tripped(tx, settings, task)


def _ended(tx: Unit, task: Task, error: str, outcome: AttemptOutcome, extra: Extra) -> Attempt | None:
    """End the live attempt; a worker whose epoch is over is refused, the board finds nothing to end."""
    attempt = attempts.live_of(tx, task.id)
    if extra.epoch and (attempt is None or attempt.epoch != extra.epoch):
        raise tasks.over(task.id, extra.epoch)
    if attempt is None:
        return None
    return attempts.end(
        tx,
        task.id,
        attempt.epoch,
        outcome,
        error=error[:ERROR_LENGTH],
        tokens=extra.used.tokens,
        money=extra.used.money,
        actor=extra.actor,
    )


def _count(tx: Unit, task: Task, error: str, outcome: AttemptOutcome, spent: dict[str, Any]) -> Task:
    tasks.blame(tx, task.root_id)
    return tasks.change(
        tx,
        task.id,
        consecutive_failures=task.consecutive_failures + 1,
        last_failure_error=error[:ERROR_LENGTH],
        last_failure_outcome=str(outcome),
        **spent,
    )


def _kept(tx: Unit, task: Task, spent: dict[str, Any]) -> Task:
    return tasks.change(tx, task.id, **spent) if spent else task


def _deferred(tx: Unit, task: Task, extra: Extra, spent: dict[str, Any]) -> Task:
    """Put back what nobody failed at: at once, after the wait that was asked for, or for whoever takes over."""
    if extra.action:
        return block(tx, task, extra.action, extra.owner, actor=extra.actor, **spent)
    if task.state in READY:
        return _kept(tx, task, spent)
    later = tx.now + int(extra.retry_after * 1000) if extra.retry_after else 0
    if extra.assignee:
        queue = plans.queue_of(tx, task, extra.assignee)
        task = tasks.change(tx, task.id, assignee=extra.assignee, queue=queue)
    return rest(tx, task, actor=extra.actor, not_before=later, **spent)


def _judged(
    tx: Unit, settings: BoardSettings, task: Task, error: str, extra: Extra, *, release_claim: bool
) -> Task:
    spent = task.budget.attempts and task.attempts >= task.budget.attempts
    if spent and release_claim:
        return tasks.move(
            tx, task.id, "fail", actor=extra.actor, body={"attempts": task.attempts}, ended_at=tx.now
        )
    if reason := _tripped(tx, settings, task):
        return _given_up(tx, task, reason, error, actor=extra.actor)
    if extra.lasting:
        return block(tx, task, extra.action or error, extra.owner, actor=extra.actor)
    if not release_claim or task.state in READY:
        return task
    pause = settings.backoff_ms(task.consecutive_failures)
    return rest(tx, task, actor=extra.actor, not_before=tx.now + pause if pause else 0)


def _tripped(tx: Unit, settings: BoardSettings, task: Task) -> str:
    if task.consecutive_failures >= limits.failures(settings, task):
        return f"Given up after {task.consecutive_failures} failures in a row."
    if (count := tasks.tree_failures(tx, task.root_id)) >= settings.tree_limit:
        return f"Given up after {count} failures in the tree of task {task.root_id}."
    return ""


def _given_up(tx: Unit, task: Task, reason: str, error: str, *, actor: str) -> Task:
    given = tasks.move(
        tx,
        task.id,
        "gave_up",
        actor=actor,
        body={"failures": task.consecutive_failures, "outcome": task.last_failure_outcome},
        block_kind="owner",
        block_reason=f"{reason} The last one: {error[:ERROR_LENGTH]}",
        block_owner="operator",
        question="",
    )
    return _again(tx, given, f"gave up: {task.last_failure_outcome}: {error}", actor=actor)


def block(tx: Unit, task: Task, action: str, owner: str, *, actor: str, **columns: Any) -> Task:
    """Block a task until somebody acts; the same block a second time is for a person to look at."""
    blocked = tasks.move(
        tx,
        task.id,
        "block",
        actor=actor,
        body={"for": owner or "operator"},
        block_kind="owner",
        block_reason=action[:ERROR_LENGTH],
        block_owner=owner or "operator",
        question="",
        **columns,
    )
    return _again(tx, blocked, action, actor=actor)


def _again(tx: Unit, task: Task, reason: str, *, actor: str) -> Task:
    mark = " ".join("#" if word.isdigit() else word for word in reason.casefold().split())[:MARK_LENGTH]
    if tasks.block_mark(tx, task.id) == mark:
        return tasks.move(tx, task.id, "triage", actor=actor, body={"why": "the same block again"})
    return tasks.change(tx, task.id, block_mark=mark)

"""What a worker may write about the task it executes; every unit here takes its epoch, and an old one is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from board import limits
from board.creating import completed
from board.crew import plans
from board.passing import Passing, next_stage, pass_on, put_up, undecided
from board.settings import BoardSettings
from kernel.errors import InvalidInput
from kernel.states import AttemptState, TaskState
from kernel.tasks import Attempt, AttemptOutcome, Task, Used
from kernel.transitions import PHASES, WORKING
from store import attempts, remarks, tasks
from store.units import Query, Unit


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of an attempt that runs now; the fields are those of an ``Attempt``."""

    pid: int = 0
    pid_mark: str = ""
    session_id: str = ""
    inbox_id: int = 0
    workspace: str = ""


def held(q: Query, task_id: int, epoch: int) -> Attempt:
    """Return the live attempt of a worker; raise Stale where its time is over."""
    attempt = attempts.live_of(q, task_id)
    if attempt is None or attempt.epoch != epoch:
        tasks.get(q, task_id)
        raise tasks.over(task_id, epoch)
    return attempt


def start(tx: Unit, settings: BoardSettings, task_id: int, epoch: int, given: Start) -> Task:
    """Store that an attempt runs: its lease and its deadline begin, and the failures before it stay counted."""
    held(tx, task_id, epoch)
    task = tasks.get(tx, task_id)
    attempts.move(
        tx,
        task_id,
        epoch,
        "start",
        pid=given.pid,
        pid_mark=given.pid_mark,
        session_id=given.session_id or None,
        inbox_id=given.inbox_id,
        workspace=given.workspace,
        started_at=tx.now,
        active_at=tx.now,
        lease_until=tx.now + settings.lease_ms,
        deadline_at=tx.now + limits.run_ms(settings, task),
    )
    phase = plans.template_of(tx, task).first
    columns: dict[str, Any] = {"session_id": given.session_id} if given.session_id else {}
    return tasks.move(tx, task_id, PHASES[phase], epoch=epoch, body={"epoch": epoch}, **columns)


def phase(tx: Unit, task_id: int, epoch: int, state: TaskState, *, actor: str = "system") -> Task:
    """Move to another working state of the task's template; raise InvalidInput where it does not pass it."""
    held(tx, task_id, epoch)
    task = tasks.get(tx, task_id)
    if state not in plans.template_of(tx, task).phases:
        names = ", ".join(plans.template_of(tx, task).phases)
        raise InvalidInput(f"Task {task_id} does not pass {state}.", remedy=f"It passes {names}.")
    if task.state is state:
        return task
    return tasks.move(tx, task_id, PHASES[state], epoch=epoch, actor=actor)


def wait(tx: Unit, task_id: int, epoch: int, question: str) -> Task:
    """Let an attempt wait for a person: its clocks stand, and it gives its place to others."""
    attempt = held(tx, task_id, epoch)
    task = tasks.get(tx, task_id)
    if attempt.state is AttemptState.WAITING:
        return tasks.change(tx, task_id, question=question)
    left = max(0, attempt.deadline_at - tx.now)
    attempts.move(tx, task_id, epoch, "wait", lease_until=0, deadline_at=0, left_ms=left)
    return tasks.move(tx, task_id, "ask", epoch=epoch, question=question, return_state=task.state)


def go_on(tx: Unit, settings: BoardSettings, task_id: int, epoch: int) -> Task:
    """Let an attempt work again where it waited; one that works already is left alone."""
    attempt = held(tx, task_id, epoch)
    task = tasks.get(tx, task_id)
    if attempt.state is not AttemptState.WAITING:
        return task
    attempts.move(
        tx, task_id, epoch, "resume", lease_until=tx.now + settings.lease_ms,
        deadline_at=tx.now + attempt.left_ms, active_at=tx.now,
    )  # fmt: skip
    back = TaskState(task.return_state) if task.return_state else plans.template_of(tx, task).first
    event = PHASES[back if back in WORKING else plans.template_of(tx, task).first]
    return tasks.move(tx, task_id, event, epoch=epoch, question="", return_state="")


def milestone(tx: Unit, task_id: int, epoch: int, text: str, *, kind: str = "named", actor: str) -> int:
    """Store a milestone of an attempt, which is also a sign of life."""
    held(tx, task_id, epoch)
    attempts.touch(tx, task_id, epoch)
    return remarks.add_milestone(tx, task_id, epoch, text, kind=kind, actor=actor)


def finish(
    tx: Unit,
    task_id: int,
    epoch: int,
    result: str,
    used: Used,
    *,
    actor: str = "system",
    notes: str = "",
    reviewer: str = "",
) -> Task:
    """Store what an attempt brought: the task goes to its next stage, or to a review where its template has one, or
    it is done.

    Failures before it no longer count. What waited for the task becomes ready in the same unit.
    """
    attempt = held(tx, task_id, epoch)
    task = tasks.get(tx, task_id)
    attempts.end(
        tx, task_id, epoch, AttemptOutcome.SUCCEEDED, tokens=used.tokens, money=used.money, actor=actor
    )
    if result:
        tasks.rewrite(tx, task_id, result=result)
    columns = {**CLEARED, **spent_columns(task, attempt, used, tx.now)}
    found = plans.progress(tx, task)
    given = Passing(attempt.agent, epoch, result, notes, reviewer)
    if found is not None and found.following is not None:
        return next_stage(tx, task, found, given, columns, actor=attempt.agent)
    body = {"epoch": epoch}
    if plans.template_of(tx, task).review:
        submitted = tasks.move(tx, task_id, "submit", epoch=epoch, actor=actor, body=body, **columns)
        return put_up(tx, submitted, given, actor=attempt.agent)
    done = tasks.move(
        tx, task_id, "complete", epoch=epoch, actor=actor, body=body, ended_at=tx.now, **columns
    )
    completed(tx, done, actor=actor)
    if found is not None and found.plan.name == plans.REVIEW:
        undecided(tx, found, actor=attempt.agent)
    return done


def hand_off(
    tx: Unit, task_id: int, epoch: int, receiver: str, summary: str, used: Used, lane: str = ""
) -> Task:
    """Pass a task on in the middle of the work, with everything that belongs to it; nobody has failed."""
    attempt = held(tx, task_id, epoch)
    task = tasks.get(tx, task_id)
    error = f"handed to {receiver}"
    attempts.end(
        tx, task_id, epoch, AttemptOutcome.HANDED_OFF, error=error, tokens=used.tokens, money=used.money,
        actor=attempt.agent,
    )  # fmt: skip
    columns = {"question": "", "return_state": "", **spent_columns(task, attempt, used, tx.now)}
    given = Passing(attempt.agent, epoch, summary)
    return pass_on(tx, task, receiver, given, columns, actor=attempt.agent, lane=lane)


# What only a completion or an operator's fresh budget takes away.
CLEARED: Mapping[str, Any] = {
    "consecutive_failures": 0,
    "last_failure_error": "",
    "last_failure_outcome": "",
    "question": "",
    "return_state": "",
    "block_mark": "",
}


def spent_columns(task: Task, attempt: Attempt, used: Used, now: int) -> dict[str, Any]:
    """Return what a task has used with an attempt that ends; waiting for people is no work."""
    worked = used.ms or (max(0, now - attempt.started_at) if attempt.started_at else 0)
    return {
        "used_ms": task.used.ms + worked,
        "used_tokens": task.used.tokens + used.tokens,
        "used_money": task.used.money + used.money,
    }

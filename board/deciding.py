"""What people and programs decide about tasks: units of work that need no lease."""

from board.creating import rest, unblock_dependants
from board.failures import block
from board.templates import template
from board.working import CLEARED
from kernel.errors import InvalidInput, Stale
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Task
from kernel.transitions import PHASES, UNDER_WAY
from store import attempts, remarks, tasks
from store.units import Unit


def assign(tx: Unit, id: int, assignee: str, lane: str, *, actor: str) -> Task:
    """Give a task to somebody, or with an empty name to anybody; what is being worked on is stopped first."""
    task = tasks.get(tx, id)
    if task.state in (TaskState.DONE, TaskState.CANCELLED, TaskState.IN_REVIEW, TaskState.FAILED):
        raise Stale(f"Task {id} is {task.state} and cannot be assigned.", remedy="Look again.")
    queue = tasks.queue_of(lane or task.lane, assignee, tasks.brief(tx, id))
    end_attempt(tx, task, AttemptOutcome.HANDED_OFF, f"assigned to {assignee or 'anybody'}", actor=actor)
    changed = tasks.change(tx, id, assignee=assignee, lane=lane or task.lane, queue=queue)
    if task.state is TaskState.BLOCKED and task.block_kind == "owner":
        tx.emit("task.change", str(id), actor=actor, fields="assignee")
        return changed
    if task.state is TaskState.OPEN and not assignee:
        return changed
    return rest(tx, changed, actor=actor)


def end_attempt(tx: Unit, task: Task, outcome: AttemptOutcome, why: str, *, actor: str) -> None:
    """End the attempt that holds a task, where there is one; who runs it finds out by its epoch."""
    live = attempts.live_of(tx, task.id)
    if live is not None:
        attempts.end(tx, task.id, live.epoch, outcome, error=why, actor=actor)


def hold(tx: Unit, id: int, action: str, owner: str, *, actor: str) -> Task:
    """Block a task until somebody has acted; what is being worked on is stopped first."""
    task = tasks.get(tx, id)
    end_attempt(tx, task, AttemptOutcome.RELEASED, action, actor=actor)
    return block(tx, task, action, owner, actor=actor)


def triage(tx: Unit, id: int, *, actor: str) -> Task:
    """Ask a person to look at a task first."""
    task = tasks.get(tx, id)
    end_attempt(tx, task, AttemptOutcome.RELEASED, "triage", actor=actor)
    return tasks.move(tx, id, "triage", actor=actor)


def release(tx: Unit, id: int, *, actor: str) -> Task:
    """Let a task go on from triage or a block, without a fresh budget."""
    return rest(tx, tasks.get(tx, id), actor=actor)


def reclaim(tx: Unit, id: int, *, actor: str) -> Task:
    """Take a task back and give it, and its tree, a fresh budget of failures and attempts."""
    task = tasks.get(tx, id)
    end_attempt(tx, task, AttemptOutcome.RELEASED, "reclaimed", actor=actor)
    tasks.forgive(tx, task.root_id)
    fresh = {name: value for name, value in CLEARED.items() if name != "block_mark"}
    taken = tasks.move(
        tx, id, "reclaim", actor=actor, attempts=0, not_before=0, ended_at=0, block_kind="", block_reason="",
        block_owner="", **fresh,
    )  # fmt: skip
    if taken.unmet or taken.assignee:
        return rest(tx, taken, actor=actor)
    return taken


def cancel(tx: Unit, id: int, *, actor: str, reason: str = "") -> Task:
    """Withdraw a task and what descends from it; it always gets through, whatever state it is in."""
    task = tasks.get(tx, id)
    if task.state is TaskState.CANCELLED:
        return task
    end_attempt(tx, task, AttemptOutcome.CANCELLED, reason or "cancelled", actor=actor)
    cancelled = tasks.move(tx, id, "cancel", actor=actor, ended_at=tx.now, question="")
    if reason:
        remarks.add_comment(tx, id, reason, author=actor)
    for child in tasks.children(tx, id):
        if child.state not in (TaskState.DONE, TaskState.CANCELLED):
            cancel(tx, child.id, actor=actor)
    return cancelled


def accept(tx: Unit, id: int, *, actor: str) -> Task:
    """Accept what was submitted; what waited for the task becomes ready."""
    done = tasks.move(tx, id, "accept", actor=actor, ended_at=tx.now, **CLEARED)
    unblock_dependants(tx, id, actor=actor)
    return done


def request_changes(tx: Unit, id: int, feedback: str, *, actor: str) -> Task:
    """Send what was submitted back with a review; it is ready to be taken again."""
    if not feedback.strip():
        raise InvalidInput("Say what has to change.")
    task = tasks.get(tx, id)
    tasks.rewrite(tx, id, feedback=feedback)
    return tasks.move(
        tx, id, "request_changes", actor=actor, revision=task.revision + 1, not_before=0,
        body={"revision": task.revision + 1},
    )  # fmt: skip


def submit(tx: Unit, id: int, *, actor: str) -> Task:
    """Put a task that somebody works on up for review."""
    task = tasks.get(tx, id)
    end_attempt(tx, task, AttemptOutcome.RELEASED, "submitted by hand", actor=actor)
    return tasks.move(tx, id, "submit", actor=actor)


def complete(tx: Unit, id: int, *, actor: str) -> Task:
    """Complete a task by hand; one whose template has a review is submitted and accepted instead."""
    task = tasks.get(tx, id)
    if task.state is TaskState.IN_REVIEW:
        return accept(tx, id, actor=actor)
    if template(task.template).review:
        raise Stale(f"Task {id} ends with a review.", remedy="Move it to in_review first, then to done.")
    end_attempt(tx, task, AttemptOutcome.RELEASED, "completed by hand", actor=actor)
    done = tasks.move(tx, id, "complete", actor=actor, ended_at=tx.now, **CLEARED)
    unblock_dependants(tx, id, actor=actor)
    return done


def fail(tx: Unit, id: int, *, actor: str) -> Task:
    """Give a task up for good."""
    task = tasks.get(tx, id)
    end_attempt(tx, task, AttemptOutcome.RELEASED, "given up", actor=actor)
    return tasks.move(tx, id, "fail", actor=actor, ended_at=tx.now, question="")


def work(tx: Unit, id: int, state: TaskState, *, actor: str) -> Task:
    """Move a task that is under way to another working state by hand."""
    task = tasks.get(tx, id)
    if task.state not in UNDER_WAY:
        raise Stale(f"Task {id} is {task.state}; nobody works on it.", remedy=f"hermes tasks claim {id}")
    return tasks.move(tx, id, PHASES[state], actor=actor)

"""What people and programs decide about tasks: units of work that need no lease."""

from collections.abc import Sequence
from dataclasses import replace

from board.creating import completed, rest
from board.crew import merit, plans
from board.failures import block
from board.passing import Passing, put_up
from board.working import CLEARED
from kernel.errors import AccessDenied, InvalidInput, Stale
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Task
from kernel.transitions import PHASES, UNDER_WAY, UNFINISHED
from store import attempts, crew, remarks, submissions, tasks
from store.submissions import Verdict
from store.units import Unit


def assign(tx: Unit, id: int, assignee: str, lane: str, *, actor: str) -> Task:
    """Give a task to somebody, or with an empty name to anybody; what is being worked on is stopped first."""
    task = tasks.get(tx, id)
    if task.state in (TaskState.DONE, TaskState.CANCELLED, TaskState.IN_REVIEW, TaskState.FAILED):
        raise Stale(f"Task {id} is {task.state} and cannot be assigned.", remedy="Look again.")
    queue = plans.queue_of(tx, replace(task, lane=lane or task.lane), assignee)
    end_attempt(tx, task, AttemptOutcome.HANDED_OFF, f"assigned to {assignee or 'anybody'}", actor=actor)
    changed = tasks.change(tx, id, assignee=assignee, lane=lane or task.lane, queue=queue)
    if task.state is TaskState.BLOCKED:
        tx.emit("task.change", str(id), actor=actor, fields="assignee", to=assignee)
    if task.state is TaskState.BLOCKED and task.block_kind == "owner":
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


def accept(tx: Unit, id: int, *, actor: str, feedback: str = "") -> Task:
    """Accept what was submitted; what waited for the task becomes ready."""
    _judged(tx, id, Verdict("approved", actor, feedback))
    done = tasks.move(tx, id, "accept", actor=actor, ended_at=tx.now, **CLEARED)
    completed(tx, done, actor=actor)
    return done


def request_changes(tx: Unit, id: int, feedback: str, points: Sequence[str] = (), *, actor: str) -> Task:
    """Send what was submitted back with a review, point by point; it is ready to be taken again."""
    if not feedback.strip() and not points:
        raise InvalidInput("Say what has to change.")
    return _sent_back(tx, id, Verdict("changes", actor, feedback, points), actor=actor)


def reject(tx: Unit, id: int, feedback: str, receiver: str, *, actor: str) -> Task:
    """Send what was submitted back with the reason, to somebody else; an empty receiver is anybody."""
    if not feedback.strip():
        raise InvalidInput("Say why it is rejected.")
    task = _sent_back(tx, id, Verdict("rejected", actor, feedback), actor=actor)
    tasks.change(tx, id, assignee=receiver, queue=plans.queue_of(tx, task, receiver))
    return rest(tx, tasks.get(tx, id), actor=actor)


def _sent_back(tx: Unit, id: int, verdict: Verdict, *, actor: str) -> Task:
    task = _judged(tx, id, verdict)
    said = [verdict.feedback.strip(), *(f"{n}. {point}" for n, point in enumerate(verdict.points, 1))]
    tasks.rewrite(tx, id, feedback="\n".join(line for line in said if line))
    return tasks.move(
        tx, id, "request_changes", actor=actor, revision=task.revision + 1, not_before=0,
        body={"revision": task.revision + 1},
    )  # fmt: skip


def escalated(task: Task) -> bool:
    """Tell whether a review waits for a person, because the others did not come to an end."""
    return task.state is TaskState.NEEDS_HUMAN and task.return_state == TaskState.IN_REVIEW.value


def _judged(tx: Unit, id: int, verdict: Verdict) -> Task:
    """Store a verdict on the newest version; whoever has worked on a task judges nothing of it."""
    task = tasks.get(tx, id)
    if task.state is not TaskState.IN_REVIEW and not escalated(task):
        raise Stale(f"Task {id} is {task.state}: nothing waits for a review.", remedy="Look again.")
    if verdict.by in crew.contributors(tx, id):
        raise AccessDenied(f"{verdict.by} has worked on task {id}; somebody else reviews it.")
    if task.state is not TaskState.IN_REVIEW:
        task = tasks.move(tx, id, "submit", actor=verdict.by, question="", return_state="")
    version = submissions.latest(tx, id)
    if version is not None and not version.verdict:
        submissions.decide(tx, id, version.version, verdict)
        merit.judged(tx, version.author, verdict.word)
        tx.emit("task.verdict", str(id), actor=verdict.by, version=version.version, verdict=verdict.word)
    _withdraw_reviews(tx, id, verdict.by)
    return task


def _withdraw_reviews(tx: Unit, id: int, decider: str) -> None:
    """End the reviews of agents that somebody else has been quicker than."""
    for child in tasks.children(tx, id):
        mine = child.assignee == decider and attempts.live_of(tx, child.id) is not None
        if child.template == plans.REVIEW and child.state in UNFINISHED and not mine:
            cancel(tx, child.id, actor=decider)


def submit(tx: Unit, id: int, *, actor: str, summary: str = "", notes: str = "", reviewer: str = "") -> Task:
    """Put a task that somebody works on up for review by an agent, by ``people``, or (empty) as its template says.

    Raises InvalidInput where nobody has said what was done.
    """
    task = tasks.get(tx, id)
    live = attempts.live_of(tx, id)
    if not (said := summary or tasks.brief(tx, id).result):
        raise InvalidInput(
            "A review needs a summary: say what was done.", remedy=f"hermes tasks submit {id} SUMMARY"
        )
    if reviewer in crew.contributors(tx, id):
        raise AccessDenied(f"{reviewer} has worked on task {id}; somebody else reviews it.")
    end_attempt(tx, task, AttemptOutcome.RELEASED, "submitted by hand", actor=actor)
    moved = tasks.move(tx, id, "submit", actor=actor, question="", return_state="")
    author, epoch = (live.agent, live.epoch) if live is not None else (actor, task.epoch)
    return put_up(tx, moved, Passing(author, epoch, said, notes, reviewer), actor=actor)


def complete(tx: Unit, id: int, *, actor: str) -> Task:
    """Complete a task by hand; one whose template has a review is submitted and accepted instead."""
    task = tasks.get(tx, id)
    if task.state is TaskState.IN_REVIEW or escalated(task):
        return accept(tx, id, actor=actor)
    if plans.template_of(tx, task).review:
        raise Stale(f"Task {id} ends with a review.", remedy="Move it to in_review first, then to done.")
    end_attempt(tx, task, AttemptOutcome.RELEASED, "completed by hand", actor=actor)
    done = tasks.move(tx, id, "complete", actor=actor, ended_at=tx.now, **CLEARED)
    completed(tx, done, actor=actor)
    return done


def fail(tx: Unit, id: int, *, actor: str) -> Task:
    """Give a task up for good."""
    task = tasks.get(tx, id)
    end_attempt(tx, task, AttemptOutcome.RELEASED, "given up", actor=actor)
    return tasks.move(tx, id, "fail", actor=actor, ended_at=tx.now, question="")


def work(tx: Unit, id: int, state: TaskState, *, actor: str) -> Task:
    """Move a task that is under way to another working state by hand."""
    task = tasks.get(tx, id)
    if task.state not in UNDER_WAY or escalated(task):
        raise Stale(f"Task {id} is {task.state}; nobody works on it.", remedy=f"hermes tasks claim {id}")
    return tasks.move(tx, id, PHASES[state], actor=actor)

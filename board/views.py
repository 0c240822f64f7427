"""Tasks as programs, pages and the command line see them; secrets are replaced by ``[redacted]``."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from board.crew import plans
from board.diagnostics import Finding
from kernel.events import Scalar
from kernel.states import TaskState
from kernel.tasks import Attempt, Brief, Budget, Task, Used
from store import agentwork, artifacts, attempts, board, dependencies, remarks, tasks
from store.artifacts import Artifact
from store.remarks import Comment, Milestone
from store.units import Query

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Reference:
    """Another task, in short."""

    id: int
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task in a list; times are in milliseconds since the epoch, ``sentence`` says how it stands.

    ``times`` are milliseconds per state, the present one included. ``milestone`` is the latest, ``active_at`` the last
    sign of life of its attempt.
    """

    id: int
    title: str
    state: str
    sentence: str
    priority: str
    lane: str
    assignee: str
    template: str
    labels: Sequence[str]
    parent: int
    unmet: int
    attempts: int
    consecutive_failures: int
    last_failure_outcome: str
    last_failure_error: str
    question: str
    block_reason: str
    block_owner: str
    milestone: str
    agent: str
    epoch: int
    active_at: int
    not_before: int
    due_at: int
    used: Used
    budget: Budget
    times: Mapping[str, int]
    created_at: int
    created_by: str
    updated_at: int
    ended_at: int


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One execution of a task; ``seconds`` counts from its claim."""

    epoch: int
    state: str
    lane: str
    agent: str
    host: str
    pid: int
    workspace: str
    log: str
    error: str
    tokens: int
    money: float
    seconds: float
    claimed_at: int
    started_at: int
    ended_at: int
    active_at: int
    lease_until: int
    deadline_at: int


@dataclass(frozen=True, slots=True)
class StepView:
    """Something that happened to a task; ``seq`` is the event's number."""

    seq: int
    at: int
    kind: str
    actor: str
    body: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class FindingView:
    """Something that wants attention: the rule, a title, and what to do."""

    task: int
    task_title: str
    rule: str
    title: str
    sentence: str
    action: str
    data: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task with everything that is known of it."""

    task: TaskRow
    description: str
    acceptance: str
    skills: Sequence[str]
    project: str
    workspace: str
    host: str
    capabilities: Sequence[str]
    origin: str
    place: str
    behalf: str
    session: str
    result: str
    feedback: str
    revision: int
    root: int
    tree_size: int
    tree_failures: int
    failure_limit: int
    max_run_ms: int
    phases: Sequence[str]
    review: bool
    needs: Sequence[Reference]
    needed_by: Sequence[Reference]
    children: Sequence[Reference]
    attempts: Sequence[AttemptView]
    milestones: Sequence[Milestone]
    comments: Sequence[Comment]
    artifacts: Sequence[Artifact]
    trail: Sequence[StepView]
    attention: Sequence[FindingView] = field(default_factory=tuple[FindingView, ...])


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything of a task that is read in one snapshot."""

    task: Task
    brief: Brief
    live: Attempt | None
    attempts: list[Attempt]
    milestones: list[Milestone]


def whole(q: Query, id: int) -> Whole:
    """Read a task with its attempts, each with what it has used so far; raise NotFound."""
    live = attempts.live_of(q, id)
    live = spending(q, live) if live is not None else None
    tried = [live if live and one.epoch == live.epoch else one for one in attempts.of_task(q, id)]
    return Whole(tasks.get(q, id), tasks.brief(q, id), live, tried, remarks.milestones(q, id))


def spending(q: Query, live: Attempt) -> Attempt:
    """Return a live attempt with what it has used so far: that is booked when it ends."""
    if not live.session_id or not live.inbox_id:
        return live
    used = agentwork.spending(q, live.session_id, live.inbox_id)
    return replace(live, tokens=used.tokens, money=used.money)


def rows(q: Query, found: Sequence[Task], now: int, redact: Redact) -> list[TaskRow]:
    """Return tasks as rows of a list."""
    return [
        row(task, tasks.brief(q, task.id), attempts.live_of(q, task.id), _latest(q, task.id), now, redact)
        for task in found
    ]


def _latest(q: Query, id: int) -> str:
    found = remarks.milestones(q, id, 1)
    return found[-1].text if found else ""


def row(task: Task, brief: Brief, live: Attempt | None, milestone: str, now: int, redact: Redact) -> TaskRow:
    """Return a task as a row of a list."""
    return TaskRow(
        id=task.id,
        title=redact(task.title),
        state=str(task.state),
        sentence=task.state.sentence,
        priority=task.priority.word,
        lane=task.lane,
        assignee=task.assignee,
        template=task.template,
        labels=brief.labels,
        parent=task.parent_id,
        unmet=task.unmet,
        attempts=task.attempts,
        consecutive_failures=task.consecutive_failures,
        last_failure_outcome=task.last_failure_outcome,
        last_failure_error=redact(task.last_failure_error),
        question=redact(task.question),
        block_reason=redact(task.block_reason),
        block_owner=task.block_owner,
        milestone=redact(milestone),
        agent=live.agent if live else "",
        epoch=task.epoch,
        active_at=live.active_at if live else 0,
        not_before=task.not_before,
        due_at=task.due_at,
        used=task.used,
        budget=task.budget,
        times=times_of(task, now),
        created_at=task.created_at,
        created_by=task.created_by,
        updated_at=task.updated_at,
        ended_at=task.ended_at,
    )


def times_of(task: Task, now: int) -> dict[str, int]:
    """Return how long a task has been in each state, the present one included while it is not over."""
    times = dict(task.times)
    if task.state not in (TaskState.DONE, TaskState.CANCELLED, TaskState.FAILED):
        times[str(task.state)] = times.get(str(task.state), 0) + max(0, now - task.entered_at)
    return times


def attempt_view(attempt: Attempt, now: int, redact: Redact) -> AttemptView:
    """Return an attempt as it is shown."""
    return AttemptView(
        attempt.epoch,
        str(attempt.state),
        attempt.lane,
        attempt.agent,
        attempt.host,
        attempt.pid,
        attempt.workspace,
        attempt.log,
        redact(attempt.error),
        attempt.tokens,
        attempt.money,
        max(0, (attempt.ended_at or now) - attempt.claimed_at) / 1000,
        attempt.claimed_at,
        attempt.started_at,
        attempt.ended_at,
        attempt.active_at,
        attempt.lease_until,
        attempt.deadline_at,
    )


def finding_view(finding: Finding, redact: Redact) -> FindingView:
    """Return what wants attention as it is shown."""
    data = {name: redact(value) if isinstance(value, str) else value for name, value in finding.data.items()}
    return FindingView(
        finding.task.id,
        redact(finding.task.title),
        finding.rule,
        finding.title,
        redact(finding.sentence),
        finding.action,
        data,
    )


def view(q: Query, id: int, now: int, redact: Redact, findings: Sequence[Finding] = ()) -> TaskView:
    """Return one task with everything; raise NotFound."""
    found = whole(q, id)
    task, brief = found.task, found.brief
    latest = found.milestones[-1].text if found.milestones else ""
    passed = plans.whole(q, task)
    return TaskView(
        task=row(task, brief, found.live, latest, now, redact),
        description=redact(brief.description),
        acceptance=redact(brief.acceptance),
        skills=brief.skills,
        project=brief.project,
        workspace=str(brief.workspace),
        host=brief.host,
        capabilities=brief.capabilities,
        origin=str(brief.origin or ""),
        place=str(brief.place or ""),
        behalf=brief.behalf,
        session=task.session_id,
        result=redact(brief.result),
        feedback=redact(brief.feedback),
        revision=task.revision,
        root=task.root_id,
        tree_size=task.tree_size,
        tree_failures=task.tree_failures,
        failure_limit=task.failure_limit,
        max_run_ms=task.max_run_ms,
        phases=[str(state) for state in passed.phases],
        review=passed.review,
        needs=_references(dependencies.needs(q, id), redact),
        needed_by=_references(dependencies.needed_by(q, id), redact),
        children=_references(tasks.children(q, id), redact),
        attempts=[attempt_view(one, now, redact) for one in found.attempts],
        milestones=[_redacted(one, redact) for one in found.milestones],
        comments=[_redacted(one, redact) for one in remarks.comments(q, id)],
        artifacts=artifacts.of_task(q, id),
        trail=steps(q, id),
        attention=[finding_view(one, redact) for one in findings],
    )


def _redacted(remark: Any, redact: Redact) -> Any:
    values = {name: getattr(remark, name) for name in remark.__slots__}
    return type(remark)(**{**values, "text": redact(remark.text)})


def _references(found: Sequence[Task], redact: Redact) -> list[Reference]:
    return [Reference(task.id, redact(task.title), str(task.state)) for task in found]


def steps(q: Query, id: int) -> list[StepView]:
    """Return the trail of a task."""
    return [
        StepView(step.seq, step.at, step.kind, step.actor, json.loads(step.body))
        for step in board.trail(q, id)
    ]


def log_text(attempt: Attempt, limit: int) -> str:
    """Return the end of an attempt's log file, at most ``limit`` bytes; empty where there is none."""
    try:
        with Path(attempt.log).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - limit))
            return file.read().decode(errors="replace")
    except OSError:
        return ""

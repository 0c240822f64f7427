"""Work that passes on: to the agent of the next stage, to another agent in the middle, or to a reviewer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from board.creating import rest
from board.crew import merit, plans
from board.crew.plans import Progress
from board.crew.rules import RULES
from kernel.events import Scalar
from kernel.states import TaskState
from kernel.tasks import Brief, Task, Workspace
from store import agent_handoffs, crew, submissions, tasks
from store import plans as stored_plans
from store.agent_handoffs import Handoff
from store.submissions import Submission
from store.tasks import New
from store.units import Unit

MOST_HANDOFFS = 50
# Chosen as a reviewer: people, and no agent.
PEOPLE = "people"
NOTHING_SAID = "Nothing was said about it."
TITLE_SHOWN = 150
REVIEW_PLAN = plans.load().by_name[plans.REVIEW]


@dataclass(frozen=True, slots=True)
class Passing:
    """What one agent leaves to the next; ``epoch`` is the attempt that ended with it.

    ``reviewer`` is the agent who was chosen to review it, ``people``, or empty for whom the template names.
    """

    sender: str
    epoch: int
    summary: str
    notes: str = ""
    reviewer: str = ""


def next_stage(
    tx: Unit, task: Task, found: Progress, given: Passing, columns: Mapping[str, Any], *, actor: str
) -> Task:
    """Pass a task whose stage is finished to the agent of the next one."""
    stage = found.stage + 1
    stored_plans.advance(tx, task.id, stage)
    following = replace(found, stage=stage).current
    return pass_on(tx, task, following.agent, given, columns, actor=actor, stage=stage, lane=following.lane)


def pass_on(
    tx: Unit,
    task: Task,
    receiver: str,
    given: Passing,
    columns: Mapping[str, Any],
    *,
    actor: str,
    stage: int = -1,
    lane: str = "",
) -> Task:
    """Pass a task on with its whole context, kept as a handoff with an id of its own; an empty lane stays the same."""
    found = plans.progress(tx, task)
    at = stage if stage >= 0 else (found.stage if found else 0)
    into = replace(task, lane=lane or task.lane)
    queue = plans.queue_of(tx, into, receiver)
    changed = tasks.change(tx, task.id, assignee=receiver, lane=into.lane, queue=queue)
    gate = found.plan.stages[at].gate if found is not None and stage >= 0 else ""
    moved = (
        _wait(tx, changed, gate, columns, actor=actor) if gate else rest(tx, changed, actor=actor, **columns)
    )
    number = len(agent_handoffs.of_task(tx, task.id)) + 1
    id = f"h{task.id}-{number}"
    body: dict[str, Scalar] = {"id": id, "sender": given.sender, "to": receiver, "stage": at}
    seq = tx.emit("task.hand_off", str(task.id), actor=actor, epoch=given.epoch, **body)
    session = task.session_id
    agent_handoffs.add(
        tx,
        Handoff(
            id, task.id, given.epoch, seq, given.sender, receiver, at, given.summary, given.notes, session,
            agent_handoffs.head(tx, session), agent_handoffs.files(tx, task.id),
        ),
    )  # fmt: skip
    return moved


def _wait(tx: Unit, task: Task, gate: str, columns: Mapping[str, Any], *, actor: str) -> Task:
    """Let a task wait until a person says that its next stage may begin."""
    owner = tasks.brief(tx, task.id).behalf or "operator"
    return tasks.move(
        tx, task.id, "block", actor=actor, body={"for": owner}, **columns,
        block_kind="owner", block_reason=gate, block_owner=owner,
    )  # fmt: skip


def put_up(tx: Unit, task: Task, given: Passing, *, actor: str) -> Task:
    """Put what was made up for review: a new version, and whoever reviews it is asked at once.

    After so many rounds of requested changes (``review.rounds``) a person has to decide.
    """
    found = plans.progress(tx, task)
    escalated = submissions.rounds(tx, task.id) >= RULES["review"]["rounds"]
    reviewer = _reviewer(tx, task, found, given.reviewer) if not escalated else ""
    summary = given.summary or NOTHING_SAID
    files = agent_handoffs.files(tx, task.id)
    new = Submission(task.id, 0, summary, given.notes, given.sender, given.epoch, reviewer, files)
    stored = submissions.add(tx, new)
    tx.emit("task.version", str(task.id), actor=actor, version=stored.version, reviewer=reviewer)
    if reviewer and reviewer != plans.APPROVAL:
        _review_task(tx, task, stored)
    if escalated:
        question = f"Changes were requested {RULES['review']['rounds']} times. Is version {stored.version} good enough?"
        return tasks.move(
            tx, task.id, "escalate", actor=actor, question=question, return_state=str(TaskState.IN_REVIEW)
        )
    return task


def _reviewer(tx: Unit, task: Task, found: Progress | None, chosen: str) -> str:
    """Return the agent who reviews a task; nobody who has worked on it, and then people are asked."""
    wanted = chosen or (found.plan.reviewer if found is not None else "")
    return "" if wanted == PEOPLE or wanted in crew.contributors(tx, task.id) else wanted


def _review_task(tx: Unit, task: Task, version: Submission) -> None:
    """Make the task of an agent who reviews another one's work."""
    brief = tasks.brief(tx, task.id)
    said = Brief(
        description=_asked(task, brief, version),
        project=brief.project,
        workspace=Workspace.NONE if brief.workspace is Workspace.NONE else Workspace.DIRECTORY,
        host=brief.host,
        origin=brief.origin,
        behalf=brief.behalf,
    )
    title = f"Review version {version.version} of task {task.id}: {task.title}"[:TITLE_SHOWN]
    new = New(
        title, "agent", tasks.queue_of("agent", version.reviewer, said), plans.REVIEW, "system",
        TaskState.ASSIGNED, version.reviewer, task.priority, parent_id=task.id, root_id=task.root_id,
    )  # fmt: skip
    tasks.grow(tx, task.root_id)
    id = tasks.add(tx, new, said, actor="system")
    stored_plans.add(tx, id, plans.text_of(REVIEW_PLAN), (task.id, version.version))


def _asked(task: Task, brief: Brief, version: Submission) -> str:
    parts = [
        f"Review version {version.version} of task {task.id}: {task.title}",
        f"What was asked for:\n{brief.description}" if brief.description else "",
        f"It is done when: {brief.acceptance}" if brief.acceptance else "",
        f"What {version.author} says of it:\n{version.summary}",
        f"Notes: {version.notes}" if version.notes else "",
        f"Files: {', '.join(f'{name} (version {n})' for name, n in version.files.items())}"
        if version.files
        else "",
        f"The review before asked for: {brief.feedback}" if brief.feedback else "",
    ]
    return "\n\n".join(part for part in parts if part)


def undecided(tx: Unit, found: Progress, *, actor: str) -> None:
    """Ask people where an agent's review ended without a verdict."""
    id, number = found.reviews
    version = submissions.get(tx, id, number)
    if version.verdict:
        merit.reviewed(tx, id, actor, actor=actor)
        return
    submissions.give(tx, id, number, "")
    tx.emit("task.version", str(id), actor=actor, version=number, reviewer="")

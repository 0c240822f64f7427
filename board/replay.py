"""A task as it was at any of its events, told from the trail alone; and all that was ever done with it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.approvals import Approval
from kernel.events import Scalar
from kernel.transitions import ATTEMPT, TASK
from store import (
    agent_handoffs,
    approvals,
    artifacts,
    attempts,
    crew,
    remarks,
    submissions,
    task_texts,
    tasks,
    trail,
)
from store.agent_handoffs import Handoff
from store.artifacts import Artifact
from store.crew import Award
from store.remarks import Comment, Milestone
from store.submissions import Submission
from store.trail import Event, Raw
from store.units import Query

LIVE = ("claimed", "running", "waiting")
MOST = 100_000
# The events of a task that move it, each with the one state it leads to.
TARGETS: Mapping[str, str] = {f"task.{event}": str(TASK.target(event)) for event in TASK.events}
ATTEMPTS: Mapping[str, str] = {f"attempt.{event}": str(ATTEMPT.target(event)) for event in ATTEMPT.events}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task as it was right behind the event ``seq``.

    ``attempt`` is the state of the latest attempt, ``agent`` who made it; what follows ``stage`` are numbers of things.
    """

    seq: int = 0
    at: int = 0
    state: str = ""
    assignee: str = ""
    epoch: int = 0
    agent: str = ""
    attempt: str = ""
    revision: int = 0
    stage: int = 0
    artifacts: int = 0
    comments: int = 0
    milestones: int = 0
    versions: int = 0
    handoffs: int = 0
    awards: int = 0


@dataclass(slots=True)
class _Folding:
    """What changes while events are read."""

    state: str = ""
    assignee: str = ""
    epoch: int = 0
    agent: str = ""
    attempt: str = ""
    revision: int = 0
    stage: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])


COUNTED = {
    "task.comment": "comments",
    "task.milestone": "milestones",
    "task.hand_off": "handoffs",
    "task.artifact": "artifacts",
    "agent.award": "awards",
}


def fold(events: Iterable[Raw]) -> Snapshot:
    """Return what a task was after events, given from its first one on; bodies are read where they matter."""
    now, seq, at = _Folding(), 0, 0
    for seq, at, kind, actor, body in events:  # noqa: B007 - the last ones are needed behind the loop
        _apply(now, kind, actor, body)
    return Snapshot(
        seq, at, now.state, now.assignee, now.epoch, now.agent, now.attempt, now.revision, now.stage,
        **now.counts,
    )  # fmt: skip


def _apply(now: _Folding, kind: str, actor: str, body: str) -> None:
    if kind in TARGETS:
        now.state = TARGETS[kind]
    elif kind in ATTEMPTS:
        now.attempt = ATTEMPTS[kind]
    if kind in COUNTED:
        now.counts[COUNTED[kind]] = now.counts.get(COUNTED[kind], 0) + 1
    if (change := CHANGES.get(kind)) is not None:
        change(now, actor, json.loads(body))


def _created(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    now.state, now.assignee = str(body["state"]), str(body.get("to") or "")


def _assigned(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    now.assignee = str(body.get("to") or "")


def _opened(now: _Folding, _actor: str, _body: Mapping[str, Scalar]) -> None:
    now.assignee = ""


def _claimed(now: _Folding, actor: str, body: Mapping[str, Scalar]) -> None:
    now.epoch, now.agent, now.attempt = int(str(body["epoch"])), actor, "claimed"


def _revised(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    now.revision = int(str(body["revision"]))


def _passed(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    now.stage, now.assignee = int(str(body["stage"])), str(body["to"])


def _confirmed(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    now.stage = int(str(body["stage"]))


def _version(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    now.counts["versions"] = int(str(body["version"]))


def _changed(now: _Folding, _actor: str, body: Mapping[str, Scalar]) -> None:
    if "to" in body:
        now.assignee = str(body["to"])


CHANGES = {
    "task.create": _created,
    "task.assign": _assigned,
    "task.open": _opened,
    "task.claim": _claimed,
    "task.request_changes": _revised,
    "task.hand_off": _passed,
    "task.confirm": _confirmed,
    "task.version": _version,
    "task.change": _changed,
}


@dataclass(frozen=True, slots=True)
class Texts:
    """What a task said."""

    title: str
    description: str
    acceptance: str
    skills: list[str]
    template: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A task at an event: what it was and said, and the context that whoever worked on it then had.

    ``conversation`` are the entries, as JSON texts, that its attempts had exchanged by then.
    """

    snapshot: Snapshot
    texts: Texts
    handoffs: list[Handoff]
    versions: list[Submission]
    files: list[Artifact]
    comments: list[Comment]
    milestones: list[Milestone]
    conversation: list[str]


def replay(q: Query, id: int, at: int = 0, redact: Callable[[str], str] = str) -> Scene:
    """Return a task as it was right behind one of its events (0: the last), without secrets; raise NotFound."""
    tasks.get(q, id)
    snapshot = fold(trail.raw(q, id, at))
    handoffs = [plain_handoff(one, redact) for one in agent_handoffs.of_task(q, id)[: snapshot.handoffs]]
    versions = [
        plain_version(_as_of(one, snapshot.at, at), redact)
        for one in submissions.of_task(q, id)[: snapshot.versions]
    ]
    kept = sorted(artifacts.of_task(q, id), key=lambda one: one.at)[: snapshot.artifacts]
    said = [replace(one, text=redact(one.text)) for one in remarks.comments(q, id, MOST)[: snapshot.comments]]
    reached = remarks.milestones(q, id, MOST)[: snapshot.milestones]
    spoken = [redact(one) for one in trail.conversation(q, _head(q, id, snapshot, handoffs))]
    return Scene(
        snapshot, _texts(q, id, snapshot.seq, redact), handoffs, versions, kept, said, reached, spoken
    )


def _texts(q: Query, id: int, seq: int, redact: Callable[[str], str]) -> Texts:
    """Return what a task said behind an event: what it says now, with the later changes taken back."""
    task, brief = tasks.get(q, id), tasks.brief(q, id)
    said: dict[str, Any] = {
        "title": task.title,
        "description": brief.description,
        "acceptance": brief.acceptance,
        "skills": list(brief.skills),
        "template": task.template,
    }
    for change in task_texts.since(q, id, seq):
        said |= change.before
    plain = {name: redact(said[name]) for name in ("title", "description", "acceptance")}
    return Texts(**plain, skills=said["skills"], template=said["template"])


def _head(q: Query, id: int, now: Snapshot, handoffs: list[Handoff]) -> str:
    """Return the last entry of the conversation at an event; a handoff has kept its own."""
    if handoffs and handoffs[-1].seq == now.seq:
        return handoffs[-1].entry_id
    if not now.epoch:
        return ""
    return trail.head_at(q, attempts.get(q, id, now.epoch).session_id, now.at)


@dataclass(frozen=True, slots=True)
class Passed:
    """A handoff with all that went along: the files in their versions, and the conversation as JSON texts."""

    handoff: Handoff
    files: list[Artifact]
    conversation: list[str]


def passed(q: Query, id: str, redact: Callable[[str], str] = str) -> Passed:
    """Return a handoff, without secrets; raise NotFound."""
    found = agent_handoffs.get(q, id)
    kept = [one for one in artifacts.of_task(q, found.task_id) if found.files.get(one.name) == one.version]
    spoken = [redact(one) for one in trail.conversation(q, found.entry_id)]
    return Passed(plain_handoff(found, redact), kept, spoken)


def plain_handoff(one: Handoff, redact: Callable[[str], str]) -> Handoff:
    """Return a handoff without secrets."""
    return replace(one, summary=redact(one.summary), notes=redact(one.notes))


def plain_version(one: Submission, redact: Callable[[str], str]) -> Submission:
    """Return a version without secrets."""
    points = tuple(redact(point) for point in one.points)
    said = {"summary": redact(one.summary), "notes": redact(one.notes), "feedback": redact(one.feedback)}
    return replace(one, points=points, **said)


def _as_of(version: Submission, now: int, at: int) -> Submission:
    """Return a version without a verdict that came later."""
    if not at or not version.verdict or version.decided_at <= now:
        return version
    return replace(version, verdict="", decided_by="", feedback="", points=(), decided_at=0)


@dataclass(frozen=True, slots=True)
class Asked:
    """Something risky that an attempt asked for, by the number that a person types, and who decided how and when."""

    short: str
    tool: str
    tier: str
    digest: str
    state: str
    decided_by: str
    decided_how: str
    asked_at: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole life of a task.

    Every event, who passed it on, every version with its verdict, what was earned, and what was risky and who allowed
    it.
    """

    id: int
    title: str
    created_by: str
    created_at: int
    state: str
    ended_at: int
    times: Mapping[str, int]
    contributors: list[str]
    events: list[Event]
    handoffs: list[Handoff]
    versions: list[Submission]
    awards: list[Award]
    approvals: list[Asked]


def audit(q: Query, id: int, redact: Callable[[str], str] = str) -> Audit:
    """Return the whole life of a task, without secrets; raise NotFound."""
    task = tasks.get(q, id)
    return Audit(
        task.id, redact(task.title), task.created_by, task.created_at, str(task.state), task.ended_at, task.times,
        crew.contributors(q, id), trail.steps(q, id),
        [plain_handoff(one, redact) for one in agent_handoffs.of_task(q, id)],
        [plain_version(one, redact) for one in submissions.of_task(q, id)], crew.awards(q, id), _approvals(q, id),
    )  # fmt: skip


def _approvals(q: Query, id: int) -> list[Asked]:
    """Return what the attempts of a task asked for, the oldest first."""
    made = attempts.of_task(q, id)
    sessions = dict.fromkeys(one.session_id for one in reversed(made) if one.session_id)
    found = [one for session in sessions for one in approvals.of_session(q, session)]
    began = min((one.started_at for one in made if one.started_at), default=0)
    return [_asked(one) for one in found if one.created_at >= began]


def _asked(one: Approval) -> Asked:
    return Asked(
        one.short, one.action.tool, str(one.tier), one.digest, str(one.state), one.decided_by, one.decided_how,
        one.created_at, one.decided_at or 0,
    )  # fmt: skip

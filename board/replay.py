"""A task as it was at any of its events, told from the trail alone; and all that was ever done with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kernel.events import Scalar
from kernel.transitions import ATTEMPT, TASK
from store import agent_handoffs, artifacts, crew, remarks, submissions, tasks, trail
from store.agent_handoffs import Handoff
from store.artifacts import Artifact
from store.crew import Award
from store.remarks import Comment, Milestone
from store.submissions import Submission
from store.trail import Event
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


def fold(events: Iterable[Event]) -> Snapshot:
    """Return what a task was after events, given from its first one on."""
    now, last = _Folding(), Event(0, 0, "", "", {})
    for event in events:
        last = event
        _apply(now, event.kind, event.actor, event.body)
    return Snapshot(
        last.seq, last.at, now.state, now.assignee, now.epoch, now.agent, now.attempt, now.revision, now.stage,
        **now.counts,
    )  # fmt: skip


def _apply(now: _Folding, kind: str, actor: str, body: Mapping[str, Scalar]) -> None:
    if kind in TARGETS:
        now.state = TARGETS[kind]
    elif kind in ATTEMPTS:
        now.attempt = ATTEMPTS[kind]
    if kind in COUNTED:
        now.counts[COUNTED[kind]] = now.counts.get(COUNTED[kind], 0) + 1
    if (change := CHANGES.get(kind)) is not None:
        change(now, actor, body)


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
    "task.version": _version,
    "task.change": _changed,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A task at an event: what it was, and the context that whoever worked on it then had."""

    snapshot: Snapshot
    handoffs: list[Handoff]
    versions: list[Submission]
    files: list[Artifact]
    comments: list[Comment]
    milestones: list[Milestone]


def replay(q: Query, id: int, at: int = 0) -> Scene:
    """Return a task as it was right behind one of its events (0: the last); raise NotFound."""
    tasks.get(q, id)
    snapshot = fold(trail.steps(q, id, at))
    handoffs = agent_handoffs.of_task(q, id)[: snapshot.handoffs]
    versions = [_as_of(one, snapshot.at, at) for one in submissions.of_task(q, id)[: snapshot.versions]]
    kept = sorted(artifacts.of_task(q, id), key=lambda one: one.at)[: snapshot.artifacts]
    said = remarks.comments(q, id, MOST)[: snapshot.comments]
    reached = remarks.milestones(q, id, MOST)[: snapshot.milestones]
    return Scene(snapshot, handoffs, versions, kept, said, reached)


def _as_of(version: Submission, now: int, at: int) -> Submission:
    """Return a version without a verdict that came later."""
    if not at or not version.verdict or version.decided_at <= now:
        return version
    return replace(version, verdict="", decided_by="", feedback="", points=(), decided_at=0)


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole life of a task: every event, who passed it on, every version with its verdict, and what was earned."""

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


def audit(q: Query, id: int) -> Audit:
    """Return the whole life of a task; raise NotFound."""
    task = tasks.get(q, id)
    return Audit(
        task.id, task.title, task.created_by, task.created_at, str(task.state), task.ended_at, task.times,
        crew.contributors(q, id), trail.steps(q, id), agent_handoffs.of_task(q, id), submissions.of_task(q, id),
        crew.awards(q, id),
    )  # fmt: skip

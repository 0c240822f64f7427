"""The operations of the crew: who its agents are, what waits for a review, and how a task came to be as it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from board import crew_views, deciding, replay, review, views
from board.crew import choosing
from board.crew.rules import complexity, experience
from board.crew_views import AgentRow, AgentView, Score, Shipped, TemplateView, score
from board.inputs import LONGEST, Given, Nothing, OneTask
from board.replay import Audit, Scene
from board.review import Decision, Judgement
from board.room import Room
from board.service import Board
from board.views import TaskRow
from kernel.errors import AccessDenied, NotFound
from kernel.people import Principal, Role, Scope
from kernel.specs import Operation
from store import crew, submissions, tasks
from store.submissions import Submission
from store.units import Query


class OneAgent(Given):
    """Which agent."""

    name: str = Field(min_length=1, max_length=100, description="The agent's name.")


class ShipLog(Given):
    """Which finished work."""

    agent: str = Field(default="", max_length=100, description="Only of this agent.")
    limit: int = Field(default=50, ge=1, le=200, description="At most this many.")


class SubmitTask(OneTask):
    """Put a task that somebody works on up for review."""

    summary: str = Field(min_length=1, max_length=LONGEST, description="What was done, and what was not.")
    notes: str = Field(default="", max_length=LONGEST, description="For the reviewer.")


class ReviewTask(OneTask):
    """A decision about what was put up for review."""

    decision: Literal["approve", "changes", "reject"] = Field(description="approve, changes or reject.")
    feedback: str = Field(
        default="", max_length=20_000, description="What is said of it; a rejection's reason."
    )
    points: list[str] = Field(default=[], max_length=50, description="What has to change, point by point.")
    version: int = Field(default=0, ge=0, description="The version that was looked at; 0: the newest.")

    @model_validator(mode="after")
    def _said(self) -> Self:
        if self.decision != "approve" and not self.feedback.strip() and not self.points:
            raise ValueError("say why, or what has to change")
        return self


class CompareVersions(OneTask):
    """Which two versions to compare."""

    before: int = Field(default=0, ge=0, description="The older version; 0: the one before the newer.")
    after: int = Field(default=0, ge=0, description="The newer version; 0: the newest.")


class ReplayTask(OneTask):
    """Up to which event."""

    at: int = Field(default=0, ge=0, description="The event's number; 0: the last.")


@dataclass(frozen=True, slots=True)
class Agents:
    """The crew, the most experienced first."""

    agents: list[AgentRow]


@dataclass(frozen=True, slots=True)
class Ships:
    """Finished work, the latest first."""

    shipped: list[Shipped]


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates in files."""

    templates: list[TemplateView]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that waits for a review, with its task."""

    task: TaskRow
    version: Submission


@dataclass(frozen=True, slots=True)
class Reviews:
    """What waits for a review, the oldest task first."""

    waiting: list[Waiting]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two versions: a unified diff of the summaries and of the files that differ."""

    before: int
    after: int
    verdict: str
    feedback: str
    points: list[str]
    diff: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """An agent who could get a task, with the score; or with the reason why not."""

    agent: str
    score: Score
    refused: str


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Why a task went to whom it went, what everybody would score now, and what it brings to whom."""

    assignee: str
    reason: str
    chosen: Score
    candidates: list[CandidateView]
    complexity: int
    worth: Score
    awards: list[Shipped]


def operations(board: Board) -> Sequence[Operation]:
    """Return the operations of the crew."""
    desk = CrewDesk(board)
    read, write = Scope.READ, Scope.TASKS
    return (
        Operation("agents.list", "List the crew.", read, Nothing, Agents, desk.agents, "GET", "/agents"),
        Operation(
            "agents.shiplog", "List finished work.", read, ShipLog, Ships, desk.shiplog, "GET", "/agents/shiplog"
        ),
        Operation(
            "agents.templates", "List the templates of tasks.", read, Nothing, Templates, desk.templates,
            "GET", "/agents/templates",
        ),
        Operation("agents.show", "Show one agent.", read, OneAgent, AgentView, desk.agent, "GET", "/agents/{name}"),
        Operation(
            "reviews.list", "List what waits for a review.", read, Nothing, Reviews, desk.reviews, "GET", "/reviews"
        ),
        Operation(
            "reviews.decide", "Approve, send back or reject what was put up for review.", write, ReviewTask, TaskRow,
            desk.decide, "POST", "/tasks/{id}/review",
        ),
        Operation(
            "reviews.compare", "Compare two versions of a task's work.", read, CompareVersions, Comparison,
            desk.compare, "GET", "/tasks/{id}/compare",
        ),
        Operation(
            "tasks.submit", "Put a task up for review.", write, SubmitTask, TaskRow, desk.submit,
            "POST", "/tasks/{id}/submit",
        ),
        Operation(
            "tasks.score", "Explain who gets a task and what it is worth.", read, OneTask, TaskScore, desk.score,
            "GET", "/tasks/{id}/score",
        ),
        Operation(
            "tasks.replay", "Show a task as it was at one of its events.", read, ReplayTask, Scene, desk.replay,
            "GET", "/tasks/{id}/replay",
        ),
        Operation(
            "tasks.audit", "Show the whole life of a task.", read, OneTask, Audit, desk.audit,
            "GET", "/tasks/{id}/audit",
        ),
    )  # fmt: skip


class CrewDesk:
    """Carries the operations out; they are for operators and owners."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def agents(self, principal: Principal, _asked: Nothing) -> Agents:
        """Return the crew."""
        _operator(principal)
        room = self._board.room
        return Agents(await room.database.read(crew_views.rows, room.roster, room.settings.agents))

    async def agent(self, principal: Principal, asked: OneAgent) -> AgentView:
        """Return one agent."""
        _operator(principal)
        room = self._board.room
        found = await room.database.read(
            crew_views.view, room.roster, asked.name, room.settings.agents, room.redact
        )
        if found is None:
            raise NotFound(
                f"There is no agent {asked.name!r}.", remedy="`hermes agents list` shows who there is."
            )
        return found

    async def shiplog(self, principal: Principal, asked: ShipLog) -> Ships:
        """Return finished work."""
        _operator(principal)
        found = await self._board.room.database.read(crew.shipped, asked.agent, asked.limit)
        return Ships([crew_views.shipped(one, self._board.room.redact) for one in found])

    async def templates(self, principal: Principal, _asked: Nothing) -> Templates:
        """Return the templates in files."""
        _operator(principal)
        return Templates(crew_views.templates(self._board.room.plans))

    async def reviews(self, principal: Principal, _asked: Nothing) -> Reviews:
        """Return what waits for a review."""
        _operator(principal)
        return await self._board.room.database.read(_reviews, self._board.room)

    async def decide(self, principal: Principal, asked: ReviewTask) -> TaskRow:
        """Carry a decision out."""
        _operator(principal)
        redact = self._board.room.redact
        points = [redact(point.strip()) for point in asked.points if point.strip()]
        made = Judgement(Decision(asked.decision), redact(asked.feedback.strip()), points, asked.version)
        await self._board.judge(asked.id, made, actor=principal.id)
        return await self._row(asked.id)

    async def compare(self, principal: Principal, asked: CompareVersions) -> Comparison:
        """Compare two versions."""
        _operator(principal)
        room = self._board.room
        first, last, changed = await room.database.read(review.compared, asked.id, asked.before, asked.after)
        diff = await asyncio.to_thread(review.difference, first, last, changed)
        return Comparison(
            first.version, last.version, first.verdict, first.feedback, list(first.points), room.redact(diff)
        )

    async def submit(self, principal: Principal, asked: SubmitTask) -> TaskRow:
        """Put a task up for review."""
        _operator(principal)
        room = self._board.room
        said, notes = room.redact(asked.summary.strip()), room.redact(asked.notes.strip())
        await room.database.write(deciding.submit, asked.id, actor=principal.id, summary=said, notes=notes)
        return await self._row(asked.id)

    async def score(self, principal: Principal, asked: OneTask) -> TaskScore:
        """Explain who gets a task."""
        _operator(principal)
        return await self._board.room.database.read(_score, self._board.room, asked.id)

    async def replay(self, principal: Principal, asked: ReplayTask) -> Scene:
        """Return a task as it was."""
        _operator(principal)
        return await self._board.room.database.read(
            replay.replay, asked.id, asked.at, self._board.room.redact
        )

    async def audit(self, principal: Principal, asked: OneTask) -> Audit:
        """Return a task's life."""
        _operator(principal)
        return await self._board.room.database.read(replay.audit, asked.id, self._board.room.redact)

    async def _row(self, id: int) -> TaskRow:
        room = self._board.room
        return await room.database.read(_row, id, room)


def _operator(principal: Principal) -> None:
    if principal.role < Role.OPERATOR:
        raise AccessDenied("The board is for operators and owners.")


def _row(q: Query, id: int, room: Room) -> TaskRow:
    return views.rows(q, [tasks.get(q, id)], room.clock.now(), room.redact)[0]


def _reviews(q: Query, room: Room) -> Reviews:
    return Reviews(
        [
            Waiting(_row(q, one.task_id, room), replay.plain_version(one, room.redact))
            for one in submissions.waiting(q)
        ]
    )


def _score(q: Query, room: Room, id: int) -> TaskScore:
    task, brief, made = tasks.get(q, id), tasks.brief(q, id), crew.assignment(q, id)
    asked = choosing.wanted(q, task)
    found = choosing.candidates(room.roster, asked, choosing.scene(q, asked.project))
    planned = choosing.progress(q, task)
    level = complexity(brief, planned.plan.complexity if planned is not None else 0)
    return TaskScore(
        task.assignee,
        made.reason if made is not None else ("given by name" if task.assignee else "not given to anybody"),
        score(made.terms if made is not None else ()),
        [CandidateView(one.agent, score(one.terms), one.refused) for one in found],
        level,
        score(experience(level, task.used.ms, approved=submissions.approved(q, id))),
        [crew_views.shipped(one) for one in crew.awards(q, id)],
    )

"""The operations of the crew: who its agents are, who gets a task, and how a task came to be as it is."""

from collections.abc import Sequence

from board import crew_views, replay, review_operations
from board.crew import choosing
from board.crew.rules import complexity, experience
from board.crew_views import AgentView, score
from board.desk import Desk, operator
from board.inputs import Nothing, OneAgent, OneHandoff, OneTask, ReplayTask, ShipLog
from board.outputs import Agents, CandidateView, Ships, TaskScore, Templates
from board.replay import Audit, Passed, Scene
from board.room import Room
from board.service import Board
from kernel.errors import NotFound
from kernel.people import Principal, Scope
from kernel.specs import Operation
from store import crew, submissions, tasks
from store.units import Query


def operations(board: Board) -> Sequence[Operation]:
    """Return the operations of the crew, and those of reviews and of triage."""
    desk, read = CrewDesk(board), Scope.READ
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
        Operation(
            "tasks.handoff", "Show a handoff between agents with all that went along.", read, OneHandoff, Passed,
            desk.handoff, "GET", "/tasks/handoffs/{handoff}",
        ),
        *review_operations.operations(board),
    )  # fmt: skip


class CrewDesk(Desk):
    """Carries the operations out; they are for operators and owners."""

    async def agents(self, principal: Principal, _asked: Nothing) -> Agents:
        """Return the crew."""
        operator(principal)
        room = self._room
        return Agents(await room.database.read(crew_views.rows, room.roster, room.settings.agents))

    async def agent(self, principal: Principal, asked: OneAgent) -> AgentView:
        """Return one agent."""
        operator(principal)
        room = self._room
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
        operator(principal)
        found = await self._room.database.read(crew.shipped, asked.agent, asked.limit)
        return Ships([crew_views.shipped(one, self._room.redact) for one in found])

    async def templates(self, principal: Principal, _asked: Nothing) -> Templates:
        """Return the templates in files."""
        operator(principal)
        return Templates(crew_views.templates(self._room.plans))

    async def score(self, principal: Principal, asked: OneTask) -> TaskScore:
        """Explain who gets a task."""
        operator(principal)
        return await self._room.database.read(_score, self._room, asked.id)

    async def replay(self, principal: Principal, asked: ReplayTask) -> Scene:
        """Return a task as it was."""
        operator(principal)
        return await self._room.database.read(replay.replay, asked.id, asked.at, self._room.redact)

    async def handoff(self, principal: Principal, asked: OneHandoff) -> Passed:
        """Return a handoff between agents."""
        operator(principal)
        return await self._room.database.read(replay.passed, asked.handoff, self._room.redact)

    async def audit(self, principal: Principal, asked: OneTask) -> Audit:
        """Return a task's life."""
        operator(principal)
        return await self._room.database.read(replay.audit, asked.id, self._room.redact)


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

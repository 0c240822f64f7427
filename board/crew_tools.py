"""What agents may do with one another's work: pass their own task on, and judge what they are asked to review."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from board import review, working
from board.crew import triage
from board.crew.triage import Suggestion
from board.passing import MOST_HANDOFFS
from board.review import Decision, Judgement
from board.room import Room
from board.service import Board
from board.workers.agents import SUBMISSION
from kernel.errors import AccessDenied, InvalidInput
from kernel.specs import Tool
from kernel.tasks import Attempt, Task
from kernel.turns import ToolContext, TurnRequest
from store import agent_handoffs, attempts, marks, plans
from store.units import Unit


class CrewTools:
    """Carries the tools of the crew out."""

    def __init__(self, board: Board) -> None:
        self._room = board.room

    async def _current(self, request: TurnRequest) -> Attempt:
        """Return the attempt that a turn belongs to; raise InvalidInput where it works on no task."""
        found = await self._room.database.read(attempts.of_turn, request.session_id, request.id)
        if found is None:
            raise InvalidInput("This conversation works on no task.")
        return found

    async def task_hand_off(
        self,
        context: ToolContext,
        to: Annotated[str, Field(description="The agent's name, such as coder.")],
        notes: Annotated[str, Field(description="What is done, what is left, and what they must know.")],
    ) -> str:
        """Pass the task you work on to another agent, with the conversation, its files and your notes."""
        attempt = await self._current(context.request)
        known = [name for name in self._agents() if name != attempt.agent]
        if to not in known:
            raise InvalidInput(
                f"There is no agent {to!r} to pass it to.", remedy=f"There are: {', '.join(known)}."
            )
        if not notes.strip():
            raise InvalidInput("Say what is done and what is left.")
        said = {"summary": self._room.redact(notes.strip()), "outcome": "handed_off", "owner": to}
        await self._room.database.write(_hand_off, attempt, json.dumps(said, ensure_ascii=False))
        return f"It goes to {to} at the end of this turn."

    async def task_review(
        self,
        context: ToolContext,
        task: Annotated[int, Field(description="The number of the task whose work you review.")],
        verdict: Literal["approve", "changes", "reject"],
        feedback: Annotated[
            str, Field(description="What you say of it; the reason, where you reject it.")
        ] = "",
        points: Annotated[
            list[str], Field(description="For changes: each point, where it is and what is wrong.")
        ] = [],  # noqa: B006 - not changed
    ) -> str:
        """Judge the work that your own task is the review of."""
        attempt = await self._current(context.request)
        redact = self._room.redact
        made = Judgement(Decision(verdict), redact(feedback.strip()), [redact(one.strip()) for one in points])
        judged = await self._room.database.write(_review, self._room, attempt, task, made)
        return f"Task {task} is {judged.state}."

    async def task_suggest(
        self,
        context: ToolContext,
        task: Annotated[int, Field(description="The number of the task in triage.")],
        template: Annotated[str, Field(description="The template; empty: what the rules find.")] = "",
        agent: Annotated[str, Field(description="Who does it; empty: what the rules find.")] = "",
        acceptance: Annotated[
            str, Field(description="When it counts as done, so that anybody can check it.")
        ] = "",
        skills: Annotated[list[str], Field(description="What its worker must be able to do.")] = [],  # noqa: B006 - not changed
        reason: Annotated[str, Field(description="Why, in a sentence or two.")] = "",
    ) -> str:
        """Suggest how a task in triage goes on; a person confirms it by a button."""
        attempt = await self._current(context.request)
        redact = self._room.redact
        if agent and agent not in self._agents():
            raise InvalidInput(
                f"There is no agent {agent!r}.", remedy=f"There are: {', '.join(self._agents())}."
            )
        made = Suggestion(
            0,
            attempt.agent,
            template.strip(),
            agent,
            tuple(skills),
            redact(acceptance.strip()),
            redact(reason.strip()),
        )
        kept = await self._room.database.write(_suggest, self._room, attempt, task, made)
        return (
            f"Suggestion {kept.number} for task {task}: {kept.template}, by {kept.agent or 'anybody able'}."
        )

    def _agents(self) -> list[str]:
        return sorted({*self._room.roster.profiles, *self._room.settings.agents})


def _suggest(tx: Unit, room: Room, attempt: Attempt, task: int, made: Suggestion) -> Suggestion:
    _asked_about(tx, attempt, task, f"You were not asked about task {task}.")
    return triage.suggest(tx, room.house, task, made)


def _asked_about(tx: Unit, attempt: Attempt, task: int, refusal: str) -> int:
    """Return which version of a task an attempt was asked about; raise AccessDenied where it was not."""
    working.held(tx, attempt.task_id, attempt.epoch)
    row = plans.find(tx, attempt.task_id)
    if row is None or row.reviews[0] != task:
        raise AccessDenied(refusal)
    return row.reviews[1]


def _hand_off(tx: Unit, attempt: Attempt, said: str) -> None:
    working.held(tx, attempt.task_id, attempt.epoch)
    if len(agent_handoffs.of_task(tx, attempt.task_id)) >= MOST_HANDOFFS:
        raise InvalidInput(
            f"Task {attempt.task_id} was passed on {MOST_HANDOFFS} times; somebody has to end it."
        )
    marks.put(tx, marks.of_session(attempt.session_id, f"{SUBMISSION}:{attempt.epoch}"), said)


def _review(tx: Unit, room: Room, attempt: Attempt, task: int, made: Judgement) -> Task:
    version = _asked_about(tx, attempt, task, f"You were not asked to review task {task}.")
    return review.decide(tx, room.roster, task, replace(made, version=version), actor=attempt.agent)


def crew_tools(board: Board) -> Sequence[Tool]:
    """Return the tools of the crew."""
    tools = CrewTools(board)
    return (
        Tool(
            "task_hand_off", tools.task_hand_off, idempotent=True,
            label=lambda arguments: f"passing the task to {arguments.get('to', '')}",
        ),
        Tool(
            "task_review", tools.task_review, idempotent=False,
            label=lambda arguments: f"reviewing task {arguments.get('task', '')}",
        ),
        Tool(
            "task_suggest", tools.task_suggest, idempotent=True,
            label=lambda arguments: f"sorting task {arguments.get('task', '')}",
        ),
    )  # fmt: skip

"""What agents may do with tasks: make them, look at them, and speak about the one they work on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from board import views, working
from board.crew import plans
from board.files import Given, keep
from board.inputs import CreateTask
from board.passing import PEOPLE
from board.room import Room
from board.service import Board
from board.wishes import wanted_of
from board.workers.agents import SUBMISSION
from kernel.errors import InvalidInput
from kernel.people import Role
from kernel.specs import Tool
from kernel.tasks import Attempt, Task
from kernel.turns import ToolContext, TurnRequest
from store import attempts, crew, marks, remarks, tasks
from store.tasks import Filter
from store.units import Query, Unit

LISTED = 50
Number = Annotated[int, Field(description="The task's number.")]


class TaskTools:
    """Carries the tools of the board out."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._room = board.room

    async def _current(self, request: TurnRequest) -> Attempt:
        """Return the attempt that a turn belongs to; raise InvalidInput where it works on no task."""
        found = await self._room.database.read(attempts.of_turn, request.session_id, request.id)
        if found is None:
            raise InvalidInput("This conversation works on no task.")
        return found

    async def task_create(
        self,
        context: ToolContext,
        title: Annotated[str, Field(description="What it is, in a line.", max_length=200)],
        description: Annotated[str, Field(description="Everything its worker must know.")] = "",
        acceptance: Annotated[str, Field(description="When it counts as done.")] = "",
        needs: Annotated[list[int], Field(description="Tasks that must be done first.")] = [],  # noqa: B006 - not changed
        assignee: Annotated[str, Field(description="Who is to do it; empty for anybody able.")] = "",
        priority: Literal["low", "normal", "high", "urgent"] = "normal",
    ) -> str:
        """Put a task on the board; somebody else works on it. Inside a task it becomes a part of that one."""
        request = context.request
        attempt = await self._room.database.read(attempts.of_turn, request.session_id, request.id)
        asked = CreateTask(
            title=title,
            description=description,
            acceptance=acceptance,
            needs=needs,
            assignee=assignee,
            priority=priority,
            parent=attempt.task_id if attempt else 0,
        )
        wanted = wanted_of(
            asked, request.principal, self._room.settings.lane, "", origin=request.address, room=self._room
        )
        task = await self._board.create(wanted, actor=request.principal.id)
        return f"Task {task.id} is on the board; it is {task.state}."

    async def task_list(
        self,
        context: ToolContext,
        words: Annotated[str, Field(description="Words to look for; empty for all.")] = "",
        everything: Annotated[bool, Field(description="Also those that are over.")] = False,
    ) -> str:
        """List the tasks on the board, the newest first."""
        del context
        wanted = Filter(unfinished=not everything, words=words.strip(), limit=LISTED)
        found = await self._room.database.read(tasks.listed, wanted)
        return "\n".join(self._room.redact(_line(task)) for task in found) or "There is no such task."

    async def task_read(self, context: ToolContext, task: Number) -> str:
        """Read one task: its texts, state, milestones, comments and result."""
        del context
        shown = await self._room.database.read(views.view, task, self._room.clock.now(), self._room.redact)
        return _described(shown)

    async def task_comment(
        self, context: ToolContext, task: Number, text: Annotated[str, Field(description="What to say.")]
    ) -> str:
        """Comment on a task, for people and for whoever works on it."""
        if not text.strip():
            raise InvalidInput("The comment is empty.")
        author = context.request.principal.id
        await self._room.database.write(_comment, task, self._room.redact(text), f"agent for {author}")
        return f"The comment on task {task} is stored."

    async def task_milestone(
        self,
        context: ToolContext,
        text: Annotated[str, Field(description="What was reached, in a line.", max_length=500)],
    ) -> str:
        """Name something that the task you work on has reached; the person who asked for it hears of it."""
        attempt = await self._current(context.request)
        await self._board.milestone(attempt.task_id, attempt.epoch, text.strip(), actor=attempt.agent)
        return "Noted."

    async def task_submit(
        self,
        context: ToolContext,
        summary: Annotated[str, Field(description="What changed and what was not done; or why it is stuck.")],
        outcome: Annotated[
            Literal["done", "blocked", "failed"],
            Field(
                description="done; blocked where somebody has to act first; failed where it cannot be done."
            ),
        ] = "done",
        owner: Annotated[str, Field(description="For blocked: who has to act.")] = "",
        notes: Annotated[str, Field(description="For whoever reviews it or goes on with it.")] = "",
        reviewer: Annotated[
            str, Field(description="Who reviews it: an agent or people; empty: as its template says.")
        ] = "",
        files: Annotated[list[str], Field(description="Files of the workspace to keep as results.")] = [],  # noqa: B006 - not changed
    ) -> str:
        """End your work on the task: its result counts from the end of this turn."""
        if not summary.strip():
            raise InvalidInput("Say what was done.")
        attempt = await self._current(context.request)
        await self._room.database.read(_checked_reviewer, self._room, attempt.task_id, reviewer)
        for name in files:
            path = _inside(context.request.workspace, name)
            await keep(self._room, attempt.task_id, Given(path, "artifact", attempt.agent, attempt.epoch))
        said = {"summary": self._room.redact(summary.strip()), "outcome": outcome, "owner": owner.strip()}
        said |= {"notes": self._room.redact(notes.strip()), "reviewer": reviewer}
        await self._room.database.write(_submit, attempt, json.dumps(said, ensure_ascii=False))
        return "It counts from the end of this turn; say goodbye in a sentence."


def task_tools(board: Board) -> Sequence[Tool]:
    """Return the tools of the board."""
    tools = TaskTools(board)
    return (
        Tool(
            "task_create", tools.task_create, idempotent=False, role=Role.OPERATOR,
            label=lambda arguments: f"creating the task {arguments.get('title', '')}",
        ),
        Tool("task_list", tools.task_list, idempotent=True, role=Role.OPERATOR, label=lambda _: "looking at the board"),
        Tool(
            "task_read", tools.task_read, idempotent=True, role=Role.OPERATOR,
            label=lambda arguments: f"reading task {arguments.get('task', '')}",
        ),
        Tool(
            "task_comment", tools.task_comment, idempotent=False, role=Role.OPERATOR,
            label=lambda arguments: f"commenting on task {arguments.get('task', '')}",
        ),
        Tool(
            "task_milestone", tools.task_milestone, idempotent=False,
            label=lambda arguments: str(arguments.get("text", "")),
        ),
        Tool("task_submit", tools.task_submit, idempotent=True, label=lambda _: "submitting the task"),
    )  # fmt: skip


def _line(task: Task) -> str:
    waits = f", waits for {task.unmet} task{'s' if task.unmet > 1 else ''}" if task.unmet else ""
    return f"{task.id}  {task.state}  {task.priority.word}  {task.title}{waits}"


def _described(shown: views.TaskView) -> str:
    task = shown.task
    parts = [
        f"Task {task.id}: {task.title} ({task.state}; {task.sentence})",
        shown.description,
        f"Done when: {shown.acceptance}" if shown.acceptance else "",
        *(f"Waits for: {one.id} {one.title} ({one.state})" for one in shown.needs),
        *(f"Part: {one.id} {one.title} ({one.state})" for one in shown.children),
        *(f"Milestone: {one.text}" for one in shown.milestones),
        *(f"{one.author}: {one.text}" for one in shown.comments),
        f"Review: {shown.feedback}" if shown.feedback else "",
        f"Last failure: {task.last_failure_error}" if task.last_failure_error else "",
        f"Result: {shown.result}" if shown.result else "",
    ]
    return "\n".join(part for part in parts if part)


def _comment(tx: Unit, id: int, text: str, author: str) -> None:
    tasks.get(tx, id)
    remarks.add_comment(tx, id, text, author=author)


def _checked_reviewer(q: Query, room: Room, id: int, reviewer: str) -> None:
    """Raise InvalidInput for a reviewer who does not exist or has worked on the task."""
    worked = crew.contributors(q, id)
    known = sorted({*room.roster.profiles, *room.settings.agents, PEOPLE} - set(worked))
    if reviewer and reviewer not in known:
        raise InvalidInput(f"{reviewer} cannot review it.", remedy=f"These can: {', '.join(known)}.")


def _submit(tx: Unit, attempt: Attempt, said: str) -> None:
    """Keep what an attempt submits until its turn ends; one whose time is over is refused."""
    working.held(tx, attempt.task_id, attempt.epoch)
    found = plans.progress(tx, tasks.get(tx, attempt.task_id))
    if found is not None and found.current.ends_with:
        raise InvalidInput(f"This part ends with {found.current.ends_with} alone.")
    marks.put(tx, marks.of_session(attempt.session_id, f"{SUBMISSION}:{attempt.epoch}"), said)


def _inside(workspace: Path, name: str) -> Path:
    path = (workspace / name).resolve()
    if not path.is_relative_to(workspace.resolve()) or not path.is_file():
        raise InvalidInput(f"{name} is no file of the workspace.")
    return path

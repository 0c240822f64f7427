"""The operations of judgement: what waits for a review or in triage, what a person decides, and what changed."""

import asyncio
from collections.abc import Sequence

from board import deciding, replay, review, triaging
from board.crew import triage
from board.desk import Desk, operator, row
from board.inputs import CompareVersions, ConfirmTask, Nothing, ReviewTask, SubmitTask
from board.outputs import Comparison, Reviews, Sorted, Triages, Waiting
from board.passing import PEOPLE
from board.review import Decision, Judgement
from board.room import Room
from board.service import Board
from board.views import TaskRow
from kernel.errors import InvalidInput
from kernel.people import Principal, Scope
from kernel.specs import Operation
from store import submissions
from store.units import Query


def operations(board: Board) -> Sequence[Operation]:
    """Return the operations of reviews and of triage."""
    desk = ReviewDesk(board)
    read, write = Scope.READ, Scope.TASKS
    return (
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
            "triage.list", "List what is in triage, with what is suggested.", read, Nothing, Triages, desk.triage,
            "GET", "/triage",
        ),
        Operation(
            "triage.confirm", "Let a task in triage go on, as suggested or as it is.", write, ConfirmTask, TaskRow,
            desk.confirm, "POST", "/tasks/{id}/confirm", mcp=False,
        ),
    )  # fmt: skip


class ReviewDesk(Desk):
    """Carries the operations out; they are for operators and owners."""

    async def reviews(self, principal: Principal, _asked: Nothing) -> Reviews:
        """Return what waits for a review."""
        operator(principal)
        return await self._room.database.read(_reviews, self._room)

    async def decide(self, principal: Principal, asked: ReviewTask) -> TaskRow:
        """Carry a decision out."""
        operator(principal)
        redact = self._room.redact
        points = [redact(point.strip()) for point in asked.points if point.strip()]
        made = Judgement(Decision(asked.decision), redact(asked.feedback.strip()), points, asked.version)
        await self._board.judge(asked.id, made, actor=principal.id)
        return await self._row(asked.id)

    async def compare(self, principal: Principal, asked: CompareVersions) -> Comparison:
        """Compare two versions."""
        operator(principal)
        room = self._room
        first, last, changed = await room.database.read(review.compared, asked.id, asked.before, asked.after)
        diff = await asyncio.to_thread(review.difference, first, last, changed)
        return Comparison(
            first.version, last.version, first.verdict, first.feedback, list(first.points), room.redact(diff)
        )

    async def submit(self, principal: Principal, asked: SubmitTask) -> TaskRow:
        """Put a task up for review."""
        operator(principal)
        room = self._room
        known = sorted({*room.roster.profiles, *room.settings.agents, PEOPLE})
        if asked.reviewer and asked.reviewer not in known:
            raise InvalidInput(
                f"There is no reviewer {asked.reviewer!r}.", remedy=f"There are: {', '.join(known)}."
            )
        said, notes = room.redact(asked.summary.strip()), room.redact(asked.notes.strip())
        await room.database.write(
            deciding.submit, asked.id, actor=principal.id, summary=said, notes=notes, reviewer=asked.reviewer
        )
        return await self._row(asked.id)

    async def triage(self, principal: Principal, _asked: Nothing) -> Triages:
        """Return what is in triage."""
        operator(principal)
        return await self._room.database.read(_triages, self._room)

    async def confirm(self, principal: Principal, asked: ConfirmTask) -> TaskRow:
        """Let a task in triage go on."""
        if asked.decision == "as_it_is":
            return await self._decide(principal, asked.id, triaging.as_it_is, asked.id)
        return await self._decide(
            principal, asked.id, triaging.confirm, self._room.house, asked.id, asked.number
        )


def _reviews(q: Query, room: Room) -> Reviews:
    return Reviews(
        [
            Waiting(row(q, one.task_id, room), replay.plain_version(one, room.redact))
            for one in submissions.waiting(q)
        ]
    )


def _triages(q: Query, room: Room) -> Triages:
    return Triages([_sorted(q, room, id) for id in triaging.waiting(q)])


def _sorted(q: Query, room: Room, id: int) -> Sorted:
    made, found = triage.standing(q, room.house, id)
    return Sorted(row(q, id, room), found, triage.plain(made, room.redact))

"""Commands about the crew: who there is, who leads, what was finished, and reviews."""

import asyncio
from collections.abc import Sequence

from board import crew_views, review
from board.crew_views import AgentRow
from board.review import Decision, Judgement
from board.service import Board
from gateway.crew.buttons import CrewButtons
from kernel.errors import InvalidInput
from kernel.people import Role
from kernel.specs import Command, CommandCall, CommandReply
from store import crew, submissions, tasks
from store.units import Query

LISTED = 10
DIFF_SHOWN = 3000
SUMMARY_SHOWN = 200
WORDS = {
    "approve": Decision.APPROVE,
    "changes": Decision.CHANGES,
    "reject": Decision.REJECT,
}
USAGE = "Write /review, or /review TASK approve, /review TASK changes WHAT | point | point, /review TASK reject WHY."


class CrewCommands:
    """``/agents /leaderboard /shiplog /review``."""

    def __init__(self, board: Board, buttons: CrewButtons) -> None:
        self._board = board
        self._buttons = buttons

    def commands(self) -> Sequence[Command]:
        """Return the commands in the order of the help."""
        operator = Role.OPERATOR
        return (
            Command("agents", "Show the crew, or one of it.", self.agents, "[NAME]", role=operator),
            Command("leaderboard", "Show who has earned most.", self.leaderboard, role=operator),
            Command("shiplog", "Show finished work.", self.shiplog, "[NAME]", role=operator),
            Command(
                "review",
                "List what waits for a review, or decide.",
                self.review,
                "[TASK [approve | changes WHAT | reject WHY | diff]]",
                role=operator,
            ),
        )

    async def _rows(self) -> list[AgentRow]:
        room = self._board.room
        return await room.database.read(crew_views.rows, room.roster, room.settings.agents)

    async def agents(self, call: CommandCall) -> CommandReply:
        """Show who is there and who is busy, or one agent."""
        if name := call.args.strip():
            return await self._agent(name)
        lines = [
            f"- **{one.name}** {_doing(one)}: {', '.join(one.skills) or 'no skills named'}"
            for one in await self._rows()
        ]
        return CommandReply("\n".join(lines))

    async def _agent(self, name: str) -> CommandReply:
        room = self._board.room
        found = await room.database.read(crew_views.view, room.roster, name, room.settings.agents)
        if found is None:
            raise InvalidInput(f"There is no agent {name!r}.", remedy="/agents shows who there is.")
        row, terms = found.agent, found.reputation.terms
        lines = [
            f"**{row.title}** ({row.name}), {_doing(row)}",
            f"Level {row.level} {row.level_name}, {row.xp} XP; reputation {row.reputation:g} = "
            + " ".join(f"{term.points:+g} ({term.words})" for term in terms),
            f"Skills: {', '.join(_skill(one.name, given=one.given, unlocked=one.unlocked) for one in found.skills)}",
            f"Badges: {', '.join(one.title for one in found.badges) or 'none yet'}",
        ]
        return CommandReply("\n".join(lines))

    async def leaderboard(self, call: CommandCall) -> CommandReply:
        """Show who has earned most."""
        del call
        found = [one for one in await self._rows() if one.xp][:LISTED]
        lines = [
            f"{place}. **{one.name}** {one.xp} XP, level {one.level} {one.level_name}, reputation {one.reputation:g}, "
            f"{one.finished} finished"
            for place, one in enumerate(found, 1)
        ]
        return CommandReply("\n".join(lines) or "Nobody has finished anything yet.")

    async def shiplog(self, call: CommandCall) -> CommandReply:
        """Show finished work."""
        room = self._board.room
        found = await room.database.read(crew.shipped, call.args.strip(), LISTED)
        lines = [f"- {one.task_id} {room.redact(one.title)}: {one.agent}, {one.xp} XP" for one in found]
        return CommandReply("\n".join(lines) or "Nothing was finished yet.")

    async def review(self, call: CommandCall) -> CommandReply:
        """List what waits, or decide about one task."""
        number, _, rest = call.args.strip().partition(" ")
        if not number:
            return await self._waiting()
        if not number.isdecimal():
            raise InvalidInput("Which task?", remedy=USAGE)
        verb, _, said = rest.strip().partition(" ")
        if not verb:
            return await self._card(int(number))
        if verb == "diff":
            return await self._diff(int(number))
        if verb not in WORDS:
            raise InvalidInput(f"{verb} is no decision.", remedy=USAGE)
        return await self._decide(call, int(number), WORDS[verb], said)

    async def _decide(self, call: CommandCall, task: int, decision: Decision, said: str) -> CommandReply:
        redact = self._board.room.redact
        feedback, *points = [redact(part.strip()) for part in said.split("|")]
        made = Judgement(decision, feedback, [point for point in points if point])
        done = await self._board.judge(task, made, actor=call.principal.id)
        return CommandReply(f"Task {done.id} is {done.state}.")

    async def _waiting(self) -> CommandReply:
        lines = await self._board.room.database.read(_waiting)
        return CommandReply(self._board.room.redact("\n".join(lines)) or "Nothing waits for a review.")

    async def _card(self, task: int) -> CommandReply:
        room = self._board.room
        newest = await room.database.read(submissions.latest, task)
        if newest is None:
            raise InvalidInput(
                f"Nothing of task {task} was put up for review.", remedy="/review lists what was."
            )
        text = f"Task {task}, version {newest.version} by {newest.author}:\n{newest.summary}"
        if newest.verdict:
            return CommandReply(
                room.redact(f"{text}\n\n{newest.decided_by} decided: {newest.verdict}. {newest.feedback}")
            )
        return CommandReply(room.redact(text), (self._buttons.row(task, newest.version),))

    async def _diff(self, task: int) -> CommandReply:
        room = self._board.room
        first, last, changed = await room.database.read(review.compared, task)
        diff = await asyncio.to_thread(review.difference, first, last, changed)
        shown = room.redact(diff)[:DIFF_SHOWN].replace("```", "'''")
        return CommandReply(f"```diff\n{shown}\n```" if shown else "The versions do not differ.")


def _doing(one: AgentRow) -> str:
    return f"works on {', '.join(map(str, one.tasks))}" if one.busy else "idle"


def _skill(name: str, *, given: bool, unlocked: bool) -> str:
    return f"{name} (unlocked)" if unlocked and not given else name if given else f"{name} (being shown)"


def _waiting(q: Query) -> list[str]:
    return [
        f"- {one.task_id} version {one.version}, {tasks.get(q, one.task_id).title}: {one.reviewer or 'you'}; "
        f"{one.author} says: {one.summary[:SUMMARY_SHOWN]}"
        for one in submissions.waiting(q, LISTED)
    ]

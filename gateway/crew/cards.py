"""Cards that ask people for a review: owed as soon as something is put up, and after a restart for what still waits."""

import asyncio
from collections.abc import Callable

from board.review import Decision, Judgement
from board.service import Board
from gateway.crew.buttons import CrewButtons, Verb
from gateway.crew.owing import Owing, places
from kernel.bus import Bus
from kernel.messages import Outbound, Priority
from kernel.people import Principal, Role
from store import outbox, submissions, tasks
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed
from store.submissions import Submission
from store.units import Query, Unit

SUMMARY_SHOWN = 1500
HEARD = "task.version"


class ReviewCards:
    """Owes the cards, and carries out what is tapped on them."""

    def __init__(self, database: Database, bus: Bus, board: Board, buttons: CrewButtons) -> None:
        self._board = board
        self._buttons = buttons
        self._owing = Owing(database, bus, HEARD, self._owe)

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to ask for reviews."""
        self._owing.open(group, "cards of reviews")

    def _owe(self, tx: Unit) -> None:
        owe(tx, self._buttons, self._board.room.redact)

    async def tapped(self, row: InboxRow, principal: Principal) -> str | None:
        """Carry out a tap: approve at once; what needs words is written as a command."""
        pressed = self._buttons.read(row.inbound.tap)
        if pressed is None:
            return "This button belongs to something that is over."
        if principal.role < Role.OPERATOR:
            return "Reviews are for operators and owners."
        if pressed.verb is Verb.CHANGES:
            return f"Write: /review {pressed.task} changes what is wrong | point | point"
        if pressed.verb is Verb.REJECT:
            return f"Write: /review {pressed.task} reject the reason"
        made = Judgement(Decision.APPROVE, version=pressed.number)
        task = await self._board.judge(pressed.task, made, actor=principal.id)
        return f"Task {task.id} is {task.state}."


def owe(tx: Unit, buttons: CrewButtons, redact: Callable[[str], str]) -> None:
    """Owe a card for each version that waits for people; one that was owed before is not owed again."""
    for version in submissions.waiting(tx):
        if version.reviewer:
            continue
        row, text = buttons.row(version.task_id, version.version), redact(_text(tx, version))
        for address in places(tx, version.task_id):
            key = f"review:{version.task_id}:{version.version}:{address.platform}"
            outbox.add(tx, Owed(key, Outbound(address, text, buttons=(row,)), Priority.QUESTION))


def _text(q: Query, version: Submission) -> str:
    task = tasks.get(q, version.task_id)
    files = ", ".join(f"{name} (version {number})" for name, number in version.files.items())
    parts = [
        f"🔎 **Review: task {task.id}, version {version.version}**\n{task.title}",
        f"{version.author}: {version.summary[:SUMMARY_SHOWN]}",
        f"Notes: {version.notes[:SUMMARY_SHOWN]}" if version.notes else "",
        f"Files: {files}" if files else "",
        task.question,
    ]
    return "\n\n".join(part for part in parts if part)

"""Triage in the chats: a card with what is suggested for a task, its buttons, and the command ``/triage``."""

import asyncio
from collections.abc import Callable, Sequence

from board import triaging
from board.crew import triage
from board.crew.triage import House
from board.service import Board
from gateway.crew.buttons import CrewButtons, Pressed, Verb
from gateway.crew.owing import Owing, places
from kernel.bus import Bus
from kernel.errors import InvalidInput
from kernel.messages import Outbound, Priority
from kernel.people import Principal, Role
from kernel.specs import Command, CommandCall, CommandReply
from kernel.tasks import Task
from store import outbox, tasks
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed
from store.units import Query, Unit

TEXT_SHOWN = 1500
HEARD = "task.suggest"
WORDS = {"accept": Verb.ACCEPT, "open": Verb.AS_IT_IS, "cancel": Verb.WITHDRAW}
USAGE = "Write /triage, or /triage TASK accept, /triage TASK open, /triage TASK cancel."


class TriageDesk:
    """Owes the cards, and carries out what is tapped on them or written."""

    def __init__(self, database: Database, bus: Bus, board: Board, buttons: CrewButtons) -> None:
        self._database = database
        self._board = board
        self._buttons = buttons
        self._owing = Owing(database, bus, HEARD, self._owe)

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to show what is suggested."""
        self._owing.open(group, "cards of triage")

    def _owe(self, tx: Unit) -> None:
        owe(tx, self._board.room.house, self._buttons, self._board.room.redact)

    def commands(self) -> Sequence[Command]:
        """Return the command."""
        summary = "List what is in triage, or decide how it goes on."
        return (
            Command("triage", summary, self.triage, "[TASK [accept | open | cancel]]", role=Role.OPERATOR),
        )

    async def tapped(self, row: InboxRow, principal: Principal) -> str | None:
        """Carry out a tap."""
        pressed = self._buttons.read(row.inbound.tap)
        if pressed is None:
            return "This button belongs to something that is over."
        if principal.role < Role.OPERATOR:
            return "Triage is for operators and owners."
        return await self._done(pressed, principal.id)

    async def triage(self, call: CommandCall) -> CommandReply:
        """List what is in triage, or decide about one task."""
        number, _, verb = call.args.strip().partition(" ")
        if not number:
            return await self._waiting()
        if not number.isdecimal():
            raise InvalidInput("Which task?", remedy=USAGE)
        if not verb:
            return await self._card(int(number))
        if verb.strip() not in WORDS:
            raise InvalidInput(f"{verb} is no decision.", remedy=USAGE)
        pressed = Pressed(int(number), 0, WORDS[verb.strip()])
        return CommandReply(await self._done(pressed, call.principal.id))

    async def _done(self, pressed: Pressed, actor: str) -> str:
        task = await self._database.write(_decided, self._board.room.house, pressed, actor)
        by = f", for {task.assignee}" if task.assignee else ""
        return f"Task {task.id} is {task.state}{by}."

    async def _waiting(self) -> CommandReply:
        room = self._board.room
        lines = await self._database.read(_lines, room.house)
        return CommandReply(room.redact("\n".join(lines)) or "Nothing is in triage.")

    async def _card(self, id: int) -> CommandReply:
        room = self._board.room
        text, number = await self._database.read(_shown, room.house, id)
        return CommandReply(room.redact(text), (self._buttons.row(id, number),))


def _decided(tx: Unit, house: House, pressed: Pressed, actor: str) -> Task:
    match pressed.verb:
        case Verb.ACCEPT:
            return triaging.confirm(tx, house, pressed.task, pressed.number, actor=actor)
        case Verb.AS_IT_IS:
            return triaging.as_it_is(tx, pressed.task, actor=actor)
        case _:
            return triaging.withdraw(tx, pressed.task, actor=actor)


def owe(tx: Unit, house: House, buttons: CrewButtons, redact: Callable[[str], str]) -> None:
    """Owe a card for each suggestion that waits for people; one that was owed before is not owed again."""
    for id in triaging.waiting(tx):
        text, number = _shown(tx, house, id)
        if not number:
            continue
        since = tasks.get(tx, id).entered_at
        for address in places(tx, id):
            key = f"triage:{id}:{since}:{number}:{address.platform}"
            message = Outbound(address, redact(text), buttons=(buttons.row(id, number),))
            outbox.add(tx, Owed(key, message, Priority.QUESTION))


def _shown(q: Query, house: House, id: int) -> tuple[str, int]:
    """Return the text of a card, and the number of the suggestion on it (0: the rules', which nobody made yet)."""
    task, (made, found) = tasks.get(q, id), triage.standing(q, house, id)
    parts = [
        f"🧭 **Triage: task {id}**\n{task.title}",
        task.block_reason,
        "\n".join(f"- {one.sentence}" for one in found),
        f"{made.author} suggests: template **{made.template}**, by **{made.agent or 'anybody able'}**"
        + (f", with {', '.join(made.skills)}" if made.skills else ""),
        f"Done when: {made.acceptance[:TEXT_SHOWN]}",
        f"Why: {made.reason[:TEXT_SHOWN]}" if made.reason else "",
    ]
    return "\n\n".join(part for part in parts if part), made.number


def _lines(q: Query, house: House) -> list[str]:
    found = [(tasks.get(q, id), triage.standing(q, house, id)[0]) for id in triaging.waiting(q)]
    return [
        f"- {task.id} {task.title}: {made.template}, by {made.agent or 'anybody able'} ({made.author})"
        for task, made in found
    ]

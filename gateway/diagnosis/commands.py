"""``/diagnose``, the buttons of diagnoses, and the tool through which an agent begins one."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from board import deciding
from board.diagnosis import cases
from board.service import Board
from gateway.diagnosis.buttons import Buttons, Pressed, Verb
from gateway.diagnosis.fixing import Fixer
from gateway.diagnosis.following import waits_for_word
from gateway.diagnosis.service import Asked, Diagnoses
from gateway.diagnosis.telling import Teller
from kernel.errors import AccessDenied, InvalidInput, Stale
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.specs import Command, CommandCall, CommandReply, Tool
from kernel.states import TaskState
from kernel.turns import ToolContext
from store import tasks
from store.inbox import InboxRow
from store.units import Unit

USAGE = "WORDS [in CHANNEL] | folder CHANNEL FOLDER"
IN = re.compile(r"^(.*)\s+in\s+(\S+)$", re.DOTALL | re.IGNORECASE)
FOLDER = re.compile(r"^folder\s+(\S+)\s+(.+)$", re.DOTALL)
CASE = re.compile(r"[0-9a-f]{10}")
NOT_OURS = "This button belongs to something that is over."


class DiagnosisCommands:
    """Carries commands and taps out."""

    def __init__(
        self, board: Board, diagnoses: Diagnoses, fixer: Fixer, teller: Teller, buttons: Buttons
    ) -> None:
        self._board = board
        self._database = board.room.database
        self._diagnoses = diagnoses
        self._fixer = fixer
        self._teller = teller
        self._buttons = buttons

    def commands(self) -> Sequence[Command]:
        """Return the command."""
        summary = "Have a bug diagnosed that was reported in a channel."
        return (Command("diagnose", summary, self.diagnose, USAGE, role=Role.OPERATOR),)

    def tools(self) -> Sequence[Tool]:
        """Return the tool."""
        return (
            Tool(
                "diagnose", self.diagnose_report, idempotent=True, role=Role.OPERATOR,
                label=lambda arguments: f"looking for the report in {arguments.get('channel') or 'the channel'}",
            ),
        )  # fmt: skip

    async def diagnose(self, call: CommandCall) -> CommandReply:
        """Carry out ``/diagnose``."""
        args = call.args.strip()
        if found := FOLDER.match(args):
            take = self._diagnoses.folder if CASE.fullmatch(found[1]) else self._diagnoses.folder_of
            return await take(found[1], found[2], call.principal)
        if not args:
            raise InvalidInput("Which bug, and where was it reported?", remedy=f"/diagnose {USAGE}")
        named = IN.match(args)
        words, channel = (named[1], named[2]) if named else (args, "")
        asked = Asked(call.principal, call.address, f"inbox:{call.inbox_id}", words, channel)
        return await self._diagnoses.begin(asked)

    async def diagnose_report(
        self,
        context: ToolContext,
        words: Annotated[str, Field(description="Words of the report, as few as tell it apart: auth login.")],
        channel: Annotated[
            str,
            Field(
                description="Where it was reported: #name, nickname or platform:chat; empty: as last time."
            ),
        ] = "",
    ) -> str:
        """Have a bug diagnosed that somebody reported in a channel: it becomes a task, and its result comes here."""
        request = context.request
        key = f"turn:{request.id}:{context.call_key}"
        asked = Asked(request.principal, request.address, key, words, channel)
        reply = await self._diagnoses.begin(asked)
        if not reply.buttons:
            return f"{reply.text}\nNothing more has to be done for it."
        await self._database.write(self._owe, request.address, f"asked:{key}", reply)
        return "The person is asked with buttons, and it goes on by itself once they choose. Say no more about it."

    def _owe(self, tx: Unit, place: Address, key: str, reply: CommandReply) -> None:
        self._teller.say(tx, place, key, reply.text, reply.buttons)

    async def tapped(self, row: InboxRow, principal: Principal) -> str:
        """Carry out a button and return a sentence for the one who tapped."""
        pressed = self._buttons.read(row.inbound.tap)
        if pressed is None:
            return NOT_OURS
        if principal.role < Role.OPERATOR:
            raise AccessDenied("Diagnoses are for operators and owners.")
        if pressed.verb in (Verb.REPORT, Verb.FOLDER):
            return await self._chosen(row, pressed, principal)
        if not self._buttons.holds(pressed):
            return NOT_OURS
        try:
            return await self._decided(int(pressed.subject), pressed.verb, principal)
        except Stale as stale:
            return stale.message

    async def _chosen(self, row: InboxRow, pressed: Pressed, principal: Principal) -> str:
        """Take the choice of a report or a folder, and owe what comes next."""
        if pressed.verb is Verb.REPORT:
            if not self._buttons.holds(pressed, ""):
                return NOT_OURS
            reply = await self._diagnoses.report(pressed.subject, pressed.number, principal)
        else:
            offered = await self._diagnoses.folders(principal)
            chosen = offered[pressed.number] if pressed.number < len(offered) else ""
            if not chosen or not self._buttons.holds(pressed, chosen):
                return "The folders are others by now; /diagnose asks again."
            reply = await self._diagnoses.folder(pressed.subject, chosen, principal)
        await self._database.write(self._owe, row.inbound.address, f"tap:{row.id}", reply)
        return ""

    async def _decided(self, task_id: int, verb: Verb, principal: Principal) -> str:
        match verb:
            case Verb.FIX:
                return await self._database.write(_fix, task_id, principal.id)
            case Verb.TELL:
                return await self._database.write(self._tell, task_id, principal.id)
            case Verb.AGAIN:
                fresh = await self._fixer.again(task_id, principal.id)
                return "It is tested, and you are asked again." if fresh else "It does not wait for that."
            case _:
                task = await self._board.cancel(task_id, actor=principal.id, reason="closed")
                return f"Task {task.id} is {task.state}."

    def _tell(self, tx: Unit, task_id: int, actor: str) -> str:
        case, diagnosis = cases.of_task(tx, task_id), cases.found(tx, task_id)
        if case is None or diagnosis is None:
            return NOT_OURS
        fresh = self._teller.reporter(tx, case, diagnosis, actor)
        return f"It goes to {case.report.address}." if fresh else "They were told already."


def _fix(tx: Unit, task_id: int, actor: str) -> str:
    task = tasks.get(tx, task_id)
    if not waits_for_word(task):
        over = task.state in (TaskState.DONE, TaskState.CANCELLED)
        return f"Task {task_id} is {task.state}." if over else "It is being fixed."
    deciding.release(tx, task_id, actor=actor)
    return "The fix begins; you are asked before anything is pushed."

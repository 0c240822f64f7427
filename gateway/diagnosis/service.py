"""From a few words to a task: the report is found, its folder known, and the Diagnostician's task put on the board.

Each step is stored before it is answered, and a step that is taken again leads to what it led to.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path

from board import creating, workspaces
from board.creating import Wanted
from board.diagnosis import cases
from board.diagnosis.cases import Case
from board.diagnosis.sources import Sources
from board.diagnosis.tools import planned
from board.inputs import CreateTask
from board.service import Board
from board.wishes import wanted_of
from board.workspaces import BASE
from gateway.diagnosis import words
from gateway.diagnosis.buttons import Buttons, Verb
from gateway.diagnosis.finding import Finder
from kernel.crashpoints import crashpoint
from kernel.errors import InvalidInput, NotFound
from kernel.messages import Address, Button
from kernel.people import Principal
from kernel.specs import CommandReply
from kernel.tasks import Task
from store.units import Unit

FOLDERS_OFFERED = 8
ID_LENGTH = 10
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants: their words, the channel (empty: the one they had searched last), and where they ask.

    ``key`` names the message or the call, so that the same one leads to the same case.
    """

    principal: Principal
    place: Address
    key: str
    words: str
    channel: str = ""


class Diagnoses:
    """Takes wishes for a diagnosis step by step; ``note(task)`` hears of each task that is made."""

    def __init__(
        self,
        board: Board,
        finder: Finder,
        sources: Sources,
        buttons: Buttons,
        zone: tzinfo,
        note: Callable[[int], None],
    ) -> None:
        self._board = board
        self._room = board.room
        self._finder = finder
        self._sources = sources
        self._buttons = buttons
        self._note = note
        self._zone = zone

    async def begin(self, asked: Asked) -> CommandReply:
        """Look for the report and go on as far as nobody has to be asked."""
        if len(asked.words) > LONGEST:
            raise InvalidInput("A few words of the report are enough.")
        id = sha256(asked.key.encode()).hexdigest()[:ID_LENGTH]
        known = await self._room.database.read(cases.find, id)
        if known is None:
            known = await self._opened(id, asked)
        return await self._go_on(known, asked.principal)

    async def _opened(self, id: str, asked: Asked) -> Case:
        last = await self._room.database.read(cases.channel_of, asked.principal.id)
        if not asked.channel.strip() and not last:
            raise InvalidInput(
                "In which channel was it reported?", remedy="/diagnose WORDS in CHANNEL, such as in #bugs."
            )
        channel = await self._finder.channel(asked.channel.strip() or last)
        here = (asked.place, asked.place.parent)
        reports = await self._finder.reports(asked.principal, channel, asked.words, here=here)
        if not reports:
            raise NotFound(
                f"Nothing in {await self._finder.called(channel)} has one of these words.",
                remedy="Use words that stand in the report.",
            )
        chosen = 0 if len(reports) == 1 else -1
        called = await self._finder.called(channel)
        case = Case(id, asked.principal.id, asked.place, asked.words, channel, called, reports, chosen)
        await self._room.database.write(_open, case)
        crashpoint("diagnosis.after_case")
        return case

    async def _found(self, id: str) -> Case:
        case = await self._room.database.read(cases.find, id)
        if case is None:
            raise NotFound("There is no such diagnosis.", remedy="/diagnose WORDS in CHANNEL begins one.")
        return case

    async def report(self, id: str, number: int, principal: Principal) -> CommandReply:
        """Take one of several messages for the report."""
        case = await self._found(id)
        if case.chosen < 0 and number < len(case.reports):
            case = replace(case, chosen=number)
            await self._room.database.write(_choose, case, principal.id)
        return await self._go_on(case, principal)

    async def folder(self, id: str, folder: str, principal: Principal) -> CommandReply:
        """Take a folder for the one whose bugs are reported in the case's channel, from now on."""
        case = await self._found(id)
        checked = await self._repository(folder, principal)
        await self._room.database.write(_keep_folder, case.channel, checked, principal.id)
        return await self._go_on(case, principal)

    async def folder_of(self, channel: str, folder: str, principal: Principal) -> CommandReply:
        """Take a folder for the one whose bugs are reported in a channel, from now on."""
        found = await self._finder.channel(channel)
        checked = await self._repository(folder, principal)
        await self._room.database.write(_keep_folder, found, checked, principal.id)
        return CommandReply(
            f"📁 Reports in {await self._finder.called(found)} are about {checked} from now on."
        )

    async def _repository(self, folder: str, principal: Principal) -> str:
        checked = await asyncio.to_thread(workspaces.checked, self._room, folder.strip(), principal)
        if not checked or not await self._sources.commit_of(Path(checked)):
            raise InvalidInput(
                f"{folder} is no git repository with a commit.", remedy="Evidence is checked against commits."
            )
        return checked

    async def folders(self, principal: Principal) -> Sequence[str]:
        """Return the repositories that somebody may choose from."""
        return await asyncio.to_thread(self._repositories, principal)

    def _repositories(self, principal: Principal) -> list[str]:
        del principal
        listed = (*self._room.projects, self._room.workspace)
        below = (child for one in listed if one.is_dir() for child in sorted(one.iterdir()))
        found = [str(one.resolve()) for one in (*listed, *below) if (one / ".git").exists()]
        return list(dict.fromkeys(found))[:FOLDERS_OFFERED]

    async def _go_on(self, case: Case, principal: Principal) -> CommandReply:
        if case.task:
            return CommandReply(f"🔎 Task {case.task} is about that. /task {case.task} shows it.")
        if case.chosen < 0:
            return self._which(case)
        folder = await self._room.database.read(cases.folder_of, case.channel)
        commit = await self._sources.commit_of(Path(folder)) if folder and await _is_folder(folder) else ""
        if not commit:
            return await self._where(case, principal)
        made = await self._created(replace(case, folder=folder), principal, commit)
        return CommandReply(self._room.redact(words.begun(made, commit)))

    def _which(self, case: Case) -> CommandReply:
        rows = [
            (self._buttons.make(words.label(number, one), case.id, Verb.REPORT, number - 1),)
            for number, one in enumerate(case.reports, 1)
        ]
        return CommandReply(self._room.redact(words.which(case, self._zone)), tuple(rows))

    async def _where(self, case: Case, principal: Principal) -> CommandReply:
        rows: list[tuple[Button, ...]] = [
            (self._buttons.make(f"📁 {words.tail(one)}", case.id, Verb.FOLDER, number, one),)
            for number, one in enumerate(await self.folders(principal))
        ]
        return CommandReply(words.where(case), tuple(rows))

    async def _created(self, case: Case, principal: Principal, commit: str) -> Case:
        wanted = await asyncio.to_thread(self._wanted, case, principal, commit)
        task, made = await self._room.database.write(_create, self._board, wanted, case, principal.id)
        crashpoint("diagnosis.after_create")
        self._note(task)
        return made

    def _wanted(self, case: Case, principal: Principal, commit: str) -> Wanted:
        redact = self._room.redact
        asked = CreateTask(
            title=redact(words.title(case.report)),
            description=redact(words.described(case)),
            template=cases.TEMPLATE,
            lane="agent",
            labels=[cases.LABEL, f"{BASE}{commit}"],
            project=case.folder,
        )
        project = workspaces.checked(self._room, case.folder, principal)
        wanted = wanted_of(
            asked, principal, self._room.settings.lane, project, origin=case.place, room=self._room
        )
        assert wanted.plan is not None  # noqa: S101 - the bug template is shipped as a file
        return replace(wanted, plan=planned(wanted.plan, words.GATE))


async def _is_folder(path: str) -> bool:
    return await asyncio.to_thread(Path(path).is_dir)


def _open(tx: Unit, case: Case) -> None:
    cases.put(tx, case)
    cases.keep_channel(tx, case.principal, case.channel)
    tx.emit(
        "diagnosis.ask", case.id, actor=case.principal, fitting=len(case.reports), channel=str(case.channel)
    )


def _choose(tx: Unit, case: Case, actor: str) -> None:
    cases.put(tx, case)
    tx.emit("diagnosis.choose", case.id, actor=actor, number=case.chosen)


def _keep_folder(tx: Unit, channel: Address, folder: str, actor: str) -> None:
    cases.keep_folder(tx, channel, folder)
    tx.emit("diagnosis.folder", str(channel), actor=actor)


def _create(tx: Unit, board: Board, wanted: Wanted, case: Case, actor: str) -> tuple[int, Case]:
    """Put the task of a case on the board, once."""
    known = cases.find(tx, case.id)
    if known is not None and known.task:
        return known.task, known
    task: Task = creating.create(tx, board.room.settings, wanted, actor=actor)
    made = replace(case, task=task.id)
    cases.put(tx, made)
    tx.emit("diagnosis.begin", case.id, actor=actor, task=task.id)
    return task.id, made

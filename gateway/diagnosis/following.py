"""Follows the tasks of diagnoses: tells what was found, and takes a fix from step to step."""

import asyncio
import logging
from collections.abc import Callable

from board import deciding
from board.diagnosis import cases
from board.diagnosis.cases import Case
from board.service import Board
from gateway.diagnosis import words
from gateway.diagnosis.fixing import Fixer
from gateway.diagnosis.telling import Teller
from gateway.lanes import Lanes
from kernel.bus import Bus
from kernel.errors import Stale
from kernel.events import Event
from kernel.states import TaskState
from kernel.tasks import Task
from store import tasks
from store.tasks import Filter
from store.units import Query, Unit

log = logging.getLogger(__name__)

FOLLOWED = 200
OVER = (TaskState.DONE, TaskState.CANCELLED)
# What an agent asks while it works has a card of its own.
STUCK = (TaskState.BLOCKED, TaskState.TRIAGE, TaskState.FAILED)


class Follower:
    """Looks at a task after each event about it or about what is asked for it."""

    def __init__(self, board: Board, fixer: Fixer, teller: Teller) -> None:
        self._database = board.room.database
        self._fixer = fixer
        self._teller = teller
        self._known: set[int] = set()
        self._asked: dict[str, int] = {}
        self._lanes: Lanes[int] = Lanes("diagnosis", self._look)
        self._unlisten: list[Callable[[], None]] = []

    async def open(self, bus: Bus, group: asyncio.TaskGroup) -> None:
        """Begin to follow; what the last process left is looked at at once."""
        self._lanes.open(group)
        self._unlisten = [bus.listen("task.", self._heard), bus.listen("approval.", self._answered)]
        wanted = Filter(unfinished=True, label=cases.LABEL, limit=FOLLOWED)
        for task in await self._database.read(tasks.listed, wanted):
            self.note(task.id)

    def close(self) -> None:
        """Hear of nothing more."""
        self._lanes.close()
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    def note(self, task_id: int) -> None:
        """Follow a task from now on."""
        self._known.add(task_id)
        self._lanes.notify(task_id)

    def _heard(self, event: Event) -> None:
        if event.subject.isdecimal() and int(event.subject) in self._known:
            self._lanes.notify(int(event.subject))

    def _answered(self, event: Event) -> None:
        if (task := self._asked.get(event.subject)) is not None:
            self._lanes.notify(task)

    async def _look(self, task_id: int) -> None:
        case, task, gated = await self._database.read(_read, task_id)
        if case is None:
            self._known.discard(task_id)
            return
        try:
            await self._step(case, task, gated=gated)
        except Stale as stale:
            # Somebody else was quicker; what they did is an event, and is looked at.
            log.info("%s", stale)

    async def _step(self, case: Case, task: Task, *, gated: bool) -> None:
        if task.state is TaskState.IN_REVIEW or deciding.escalated(task):
            await self._fix(case, task)
            return
        await self._fixer.close(task)
        if task.state in OVER:
            self._known.discard(task.id)
            await self._fixer.tidy(task)
        elif gated:
            await self._database.write(self._tell, case, task.id)
        elif task.state in STUCK and task.block_kind != "dependencies":
            await self._database.write(self._stuck, case, task.id)

    async def _fix(self, case: Case, task: Task) -> None:
        waits = await self._fixer.look(case, task)
        if waits:
            self._asked[waits] = task.id
        elif deciding.escalated(task):
            await self._database.write(self._stuck, case, task.id)

    def _tell(self, tx: Unit, case: Case, task_id: int) -> None:
        diagnosis = cases.found(tx, task_id)
        if diagnosis is not None:
            self._teller.found(tx, case, tasks.get(tx, task_id), diagnosis)

    def _stuck(self, tx: Unit, case: Case, task_id: int) -> None:
        task = tasks.get(tx, task_id)
        if task.state in STUCK or deciding.escalated(task):
            self._teller.stuck(tx, case, task, again=deciding.escalated(task))


def waits_for_word(task: Task) -> bool:
    """Tell whether a task waits for somebody to say that it is to be fixed."""
    return task.state is TaskState.BLOCKED and task.block_reason == words.GATE


def _read(q: Query, task_id: int) -> tuple[Case | None, Task, bool]:
    task = tasks.get(q, task_id)
    return cases.of_task(q, task_id), task, waits_for_word(task)

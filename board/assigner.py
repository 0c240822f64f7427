"""The assigner: gives open tasks that ask for skills to the best of the crew, and says why."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from board.creating import rest
from board.crew import choosing, plans
from board.crew.profiles import Roster
from board.room import Room
from board.settings import BoardSettings
from kernel.errors import StoreError
from kernel.events import Event
from kernel.states import TaskState
from kernel.tasks import Brief, Task
from store import crew, tasks
from store.crew import Assignment
from store.units import Unit

log = logging.getLogger(__name__)

# What may make a task want an agent, or an agent able to take one.
WAKING = frozenset(
    {"task.create", "task.open", "task.change", "task.reclaim", "task.hand_off", "agent.skill"}
)
LOOKED_AT = 500
RETRY_SECONDS = 30.0


def assign(tx: Unit, settings: BoardSettings, roster: Roster, id: int) -> Task:
    """Give a task to the best of the crew where it is open and nobody here takes it anyway."""
    task = tasks.get(tx, id)
    skills = choosing.wanted(tx, task).skills
    if task.state is not TaskState.OPEN or task.assignee or task.lane != "agent":
        return task
    if not skills or skills <= set(settings.skills):
        return task
    if reason := _elsewhere(settings, tasks.brief(tx, id)):
        return give(tx, task, Assignment("", 0.0, (), reason))
    made = choosing.choose(tx, roster, task)
    return give(tx, task, made, roster.lane_of(made.agent))


def _elsewhere(settings: BoardSettings, brief: Brief) -> str:
    """Return why no agent of this machine may have a task, or nothing."""
    if brief.host not in ("", settings.machine):
        return f"it may run on {brief.host} only, and this is {settings.machine}"
    if missing := sorted(set(brief.capabilities) - set(settings.skills)):
        return f"this machine has no {', '.join(missing)} (board.skills)"
    return ""


def give(tx: Unit, task: Task, made: Assignment, lane: str = "") -> Task:
    """Store who gets a task and why, in which lane (empty: its own); with nobody suitable it stays open."""
    before = crew.assignment(tx, task.id)
    if not made.agent and before is not None and replace(before, at=0) == made:
        return task
    crew.put_assignment(tx, task.id, made)
    tx.emit("task.choose", str(task.id), agent=made.agent, score=round(made.score, 2))
    if not made.agent:
        return task
    into = replace(task, lane=lane or task.lane)
    queue = plans.queue_of(tx, into, made.agent)
    changed = tasks.change(tx, task.id, assignee=made.agent, lane=into.lane, queue=queue)
    return rest(tx, changed, actor="crew")


class Assigner:
    """Looks at open tasks when something was committed that could matter."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._wake = asyncio.Event()
        self._changed: set[int] = set()
        self._sweep = True
        self._unlisten: list[Callable[[], None]] = []

    def open(self) -> None:
        """Hear of commits from now on."""
        listen = self._room.bus.listen
        self._unlisten = [listen("task.", self._heard), listen("agent.", self._heard)]
        self._wake.set()

    def close(self) -> None:
        """Give nothing more away."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    def _heard(self, event: Event) -> None:
        if event.kind not in WAKING:
            return
        if event.kind == "agent.skill":
            self._sweep = True
        else:
            self._changed.add(int(event.subject))
        self._wake.set()

    async def run(self) -> None:
        """Give tasks away until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.once()
            except StoreError as error:
                # A full disk ends by itself; what is open is looked at again.
                log.warning("Open tasks could not be given to anybody: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._sweep = True
                self._wake.set()

    async def once(self) -> None:
        """Look at what has changed; at the start, and when an agent can do more, at everything that is nobody's."""
        room, ids = self._room, sorted(self._changed)
        sweep, self._sweep = self._sweep, False
        self._changed.clear()
        if not room.settings.enabled or not room.roster.profiles:
            return
        if sweep:
            ids = await room.database.read(crew.unassigned, LOOKED_AT)
        for id in ids:
            await room.database.write(assign, room.settings, room.roster, id)

"""The board on a real database with real processes: the lane ``agent`` is left to the tests of the daemon."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from board.creating import Wanted
from board.room import Room
from board.service import Board
from board.settings import BoardSettings, ProgramSettings
from board.workers.agents import Conduct
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.events import Event
from kernel.tasks import Attempt, Brief, Task
from store import attempts, tasks
from store.database import Database
from store.tasks import New
from tests.fakes.changes import Changes

QUICK: dict[str, Any] = {"first_wait": 0.0, "heartbeat_seconds": 0.1, "lease_seconds": 30.0, "host": "here"}


def program(script: str, **more: Any) -> ProgramSettings:
    """Return a program that is a shell script."""
    return ProgramSettings(command=("/bin/sh", "-c", script), **more)


class BoardHouse:
    """A board that runs, and what a test holds in its hands."""

    def __init__(self, root: Path, database: Database, bus: Bus, settings: BoardSettings) -> None:
        self.root = root
        self.database = database
        self.events: list[Event] = []
        self.halted: list[str] = []
        self._changes = Changes()
        self.room = Room(database, bus, SystemClock(), settings, root / "board", root / "workspace")
        self.board = Board(self.room, Conduct(self._halt, self._cancel))
        bus.listen("", self._noted)

    def _halt(self, session_id: str, _actor: str) -> bool:
        self.halted.append(session_id)
        return True

    async def _cancel(self, _session_id: str, _actor: str) -> int:
        return 0

    def _noted(self, event: Event) -> None:
        self.events.append(event)
        self._changes.notify()

    async def add(
        self, assignee: str, lane: str = "process", needs: tuple[int, ...] = (), **fields: Any
    ) -> Task:
        """Create a task for a program."""
        texts = {name: fields.pop(name) for name in list(fields) if name in Brief.__slots__}
        template, triage = fields.pop("template", "simple"), fields.pop("triage", False)
        new = New("a task", lane, "", template, "cli", assignee=assignee, **fields)
        return await self.board.create(Wanted(new, Brief(**texts), needs, triage), actor="cli")

    async def hears(self, kind: str, task: Task, count: int = 1, *, within: float = 30.0) -> Event:
        """Wait until something happened to a task so many times, and return the last event."""

        def found() -> list[Event]:
            return [one for one in self.events if one.kind == kind and one.subject == str(task.id)]

        await self._changes.wait_for(lambda: len(found()) >= count, within=within)
        return found()[count - 1]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition on the machine, which has no event for us."""
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - processes and files tell nobody
                await asyncio.sleep(0.02)

    async def task(self, id: int) -> Task:
        """Return a task as it stands."""
        return await self.database.read(tasks.get, id)

    async def attempts(self, id: int) -> list[Attempt]:
        """Return the attempts of a task, the latest first."""
        return await self.database.read(attempts.of_task, id)


@asynccontextmanager
async def boardhouse(root: Path, *, drain: bool = True, **settings: Any) -> AsyncGenerator[BoardHouse]:
    """Run a board in ``root``; without ``drain`` it ends like a daemon that was killed."""
    bus = Bus()
    database = await Database.open(root / "hermes.db", clock=SystemClock(), bus=bus)
    house = BoardHouse(root, database, bus, BoardSettings(**{**QUICK, **settings}))
    try:
        async with asyncio.TaskGroup() as group:
            await house.board.prepare(group)
            house.board.begin(group)
            try:
                yield house
            finally:
                if drain:
                    await house.board.drain()
                for task in asyncio.all_tasks():
                    if task.get_name() in (
                        "assigner",
                        "triager",
                        "dispatcher",
                        "supervisor of attempts",
                        "keeper of files",
                        "agents' attempts",
                    ):
                        task.cancel()
    finally:
        await database.close()

"""Cron on a real database with a clock that the test sets: jobs run when the test says what time it is."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from approvals.requests import Asker
from cron.inputs import CreateJob
from cron.pace import MOST, Pace
from cron.room import Ports, Room
from cron.service import Cron
from cron.settings import CronSettings
from kernel.approvals import Action, Approval
from kernel.bus import Bus
from kernel.errors import AccessDenied, NotFound
from kernel.messages import Address, parse_address
from kernel.people import Principal, Role
from kernel.schedules import Fire, JobKind, Schedule
from store import channels, fires, schedules
from store.database import Database
from store.units import Query, Unit

ZONE = ZoneInfo("Europe/Berlin")
CHAT = Address("telegram", "1", "7")
HOME = Address("telegram", "1", "99")
OWNER = Principal("telegram:7", Role.OWNER)
START = int(datetime(2026, 11, 18, 10, 0, tzinfo=ZONE).timestamp() * 1000)
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


class HandClock:
    """A clock that stands where a test has put it."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def now(self) -> int:
        """Return the wall time in milliseconds."""
        return self.at

    def monotonic(self) -> float:
        """Return seconds; only the wall clock is of interest here."""
        return self.at / 1000


class HandAlarm:
    """An alarm that remembers what it was armed for; the test rings."""

    def __init__(self) -> None:
        self.moment: int | None = None
        self.armed = 0

    def arm(self, moment: int | None, now: int) -> None:
        """Remember the moment."""
        del now
        self.moment = moment
        self.armed += 1

    def stop(self) -> None:
        """Forget it."""
        self.moment = None


class OpenGate:
    """A gate that lets everything pass but what has ``rm`` in it, which may never run."""

    async def attend(
        self, asker: Asker, action: Action, *, refuse: bool, also: Callable[[Unit, Approval], None]
    ) -> Action | Approval:
        """Return the action."""
        del asker, refuse, also
        if "rm " in action.text:
            raise AccessDenied("Refused: it deletes something.")
        return action


@dataclass
class House:
    """Cron, and what a test holds in its hands."""

    database: Database
    bus: Bus
    clock: HandClock
    alarm: HandAlarm
    cron: Cron
    room: Room
    roles: dict[str, Role] = field(default_factory=dict[str, Role])

    async def add(self, when: str, text: str = "do it", kind: str = "reminder", **given: Any) -> Schedule:
        """Make a job of the owner in a chat."""
        asked = CreateJob(schedule=when, kind=JobKind(kind), text=text, **given)
        return await self.cron.desk.create(OWNER, asked, origin=CHAT)

    async def look(self, at: int | None = None) -> None:
        """Let it be a certain time, and let everything happen that is due then."""
        if at is not None:
            self.clock.at = at
        await self.cron.look()
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing of what was begun is at work, and do what follows from it."""
        running = self.cron.runs._tasks  # noqa: SLF001 - a test waits for what runs
        async with asyncio.timeout(60):
            while running or await self.database.read(fires.ready, self.clock.at, 1):
                if running:
                    await asyncio.wait(list(running.values()))
                await self.cron.look()

    async def fires(self, schedule: Schedule | None = None) -> list[Fire]:
        """Return the runs, oldest first."""
        found = await self.database.read(fires.history, schedule.id if schedule else 0, limit=100_000)
        return list(reversed(found))

    async def states(self, schedule: Schedule | None = None) -> list[str]:
        """Return the states of the runs, oldest first."""
        return [str(fire.state) for fire in await self.fires(schedule)]

    async def job(self, schedule: Schedule) -> Schedule:
        """Return a job as it stands."""
        return await self.database.read(schedules.get, schedule.id)

    async def said(self, place: Address = CHAT) -> list[str]:
        """Return what is owed to a place, oldest first."""
        return await self.database.read(_said, place)


def _said(q: Query, place: Address) -> list[str]:
    rows = q.all("SELECT text FROM outbox WHERE chat = ? AND kind <> 'edit' ORDER BY id", (place.chat,))
    return [row["text"] for row in rows]


async def _resolve(text: str) -> Address:
    if ":" not in text:
        raise NotFound(f"Nothing is called {text!r}.")
    return parse_address(text, "1")


async def _no_rest(_seconds: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def cronhouse(
    root: Path, *, at: int = START, homes: Sequence[Address] = (HOME,), **settings: Any
) -> AsyncGenerator[House]:
    """Open cron on the database of a folder, as it is at a certain time."""
    clock, bus, alarm = HandClock(at), Bus(), HandAlarm()
    await asyncio.to_thread(root.mkdir, exist_ok=True)
    database = await Database.open(root / "hermes.db", clock=clock, bus=bus)
    roles = {OWNER.id: Role.OWNER}
    ports = Ports(
        lambda id: Principal(id, roles.get(id, Role.NONE)), _resolve, lambda _: root / "workspace", OpenGate
    )
    room = Room(
        database,
        bus,
        clock,
        CronSettings(**settings),
        ZONE,
        root,
        ports,
        pace=Pace(_no_rest, few=MOST, gap=0),
    )
    cron = Cron(room, lambda _wake, _told: alarm)
    for home in homes:
        await database.write(channels.set_home, home, actor="test")
    async with asyncio.TaskGroup() as group:
        guard = group.create_task(asyncio.Event().wait())
        await cron.prepare(group)
        try:
            yield House(database, bus, clock, alarm, cron, room, roles)
        finally:
            await cron.drain(5)
            guard.cancel()
            for task in asyncio.all_tasks():
                if task.get_name() == "runs of jobs":
                    task.cancel()
    await database.close()

"""The gateway in this process: a real store, scripted adapters and a scripted runner, on a virtual clock."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Concatenate, Never, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from gateway.front import Front
from gateway.gateway import Gateway, Host
from gateway.housekeeping import Retention
from gateway.settings import GatewaySettings
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.events import Event
from store import invariants
from store.connect import open_reader
from store.database import Database
from store.invariants import Finding
from store.units import Query, Unit
from tests.fakes.adapter import ScriptedAdapter
from tests.fakes.changes import Changes
from tests.fakes.turn_runner import ScriptedRunner
from tests.support.virtual_time import START, VirtualClock, VirtualTimeLoop

P = ParamSpec("P")
T = TypeVar("T")

BASE: Mapping[str, Mapping[str, Any]] = {
    "access": {"owners": ["fake:7", "other:7"], "users": ["fake:8"], "messages_per_minute": 10_000},
    "notices": {"start": False, "stop": False},
}
FAR = START * 2


class _Busy:
    """Tells a virtual clock that a thread is at work."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop if isinstance(loop, VirtualTimeLoop) else None

    def __enter__(self) -> None:
        if self._loop:
            self._loop.busy += 1

    def __exit__(self, *_: object) -> None:
        if self._loop:
            self._loop.busy -= 1


class WatchedDatabase(Database):
    """The database under a virtual clock; ``refusals`` are raised by the next writes of the units they are for.

    ``looked`` counts the reads by the names of their functions.
    """

    refusals: dict[str, list[Exception]]
    looked: Counter[str]

    async def write(self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a unit of work."""
        name = getattr(fn, "__qualname__", "").replace(".<locals>", "")
        if waiting := self.refusals.get(f"{fn.__module__}.{name}"):
            raise waiting.pop(0)
        with _Busy():
            return await super().write(fn, *args, **kwargs)

    async def write_urgent(
        self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit of work that may use the reserve."""
        with _Busy():
            return await super().write_urgent(fn, *args, **kwargs)

    async def read(self, fn: Callable[Concatenate[Query, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read."""
        self.looked[f"{fn.__module__}.{getattr(fn, '__qualname__', '')}"] += 1
        with _Busy():
            return await super().read(fn, *args, **kwargs)

    async def close(self) -> None:
        """Close the threads."""
        with _Busy():
            await super().close()


class Rig:
    """A running gateway with what a test holds in its hands; ``events`` are all that were committed."""

    def __init__(
        self,
        folder: Path,
        database: WatchedDatabase,
        bus: Bus,
        runner: ScriptedRunner,
        adapters: Sequence[ScriptedAdapter],
        settings: Mapping[str, Any],
    ) -> None:
        self.folder = folder
        self.database = database
        self.runner = runner
        self.adapters = adapters
        self.events: list[Event] = []
        self.restarts: list[str] = []
        self.clock = (
            VirtualClock() if isinstance(asyncio.get_running_loop(), VirtualTimeLoop) else SystemClock()
        )
        self._changes = Changes()
        self.bus = bus
        bus.listen("", self._noted)
        self.front = Front(database, bus, self.clock, settings_of(settings), ZoneInfo("UTC"), adapters)
        self.gateway: Gateway

    async def open(self, group: asyncio.TaskGroup, early: Callable[[], Awaitable[object]] | None) -> None:
        """Start in the daemon's own order: the rest comes, and takes up what waits, once the platforms were tried."""
        await self.front.prepare()
        self.front.connect(group)
        await self.connected()
        if early is not None:
            await early()
        self.gateway = Gateway(self.front, self._host())
        await self.gateway.prepare(group)
        await self.gateway.begin()

    def _host(self) -> Host:
        async def runner() -> ScriptedRunner:
            return self.runner

        async def facts() -> Mapping[str, Any]:
            return {"version": "1", "model": "offline"}

        async def shaping(_: Path) -> list[str]:
            return []

        return Host(
            home=self.folder,
            runner=runner,
            conversations=runner,
            workspace=lambda _: self.folder / "workspace",
            facts=facts,
            restart=self.restarts.append,
            shaping=shaping,
            model=lambda: "offline",
            kept=Retention(0, 0, 90),
        )

    def _noted(self, event: Event) -> None:
        self.events.append(event)
        self._changes.notify()

    @property
    def adapter(self) -> ScriptedAdapter:
        """The first platform."""
        return self.adapters[0]

    async def until_event(self, kind: str, count: int = 1, within: float = 60.0) -> None:
        """Wait until an event was committed so often."""
        await self._changes.wait_for(
            lambda: [e.kind for e in self.events].count(kind) >= count, within=within
        )

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Query the store."""
        found = await self.database.read(lambda q: q.all(sql, values))
        return [dict(row) for row in found]

    async def states(self, table: str) -> list[str]:
        """Return the states of a table's rows, oldest first."""
        return [row["state"] for row in await self.rows(f"SELECT state FROM {table} ORDER BY rowid")]  # noqa: S608

    async def settled(self, within: float = 600.0) -> None:
        """Wait until nothing is under way: no unit, no lane."""
        gateway = self.gateway
        for _ in range(3):
            await self.rows("SELECT 1")
            for lanes in (gateway.control.lanes, gateway.turns.lanes, gateway.delivery.lanes):
                assert await lanes.idle(within), self.adapter.texts()

    async def connected(self) -> None:
        """Wait until every platform has been tried."""
        for connection in self.front.connections.values():
            await connection.settled.wait()


def settings_of(above: Mapping[str, Any]) -> GatewaySettings:
    """Return settings: the tests' own with ``above`` laid over them, section by section."""
    names = {*BASE, *above}
    return GatewaySettings.model_validate(
        {name: {**BASE.get(name, {}), **above.get(name, {})} for name in names}
    )


def findings(folder: Path) -> list[Finding]:
    """Return what breaks the invariants in the store of a gateway that has ended; nothing counts as on its way."""
    with closing(open_reader(folder / "hermes.db")) as connection:
        query = Query(connection.cursor())
        return [*invariants.damaged(query), *invariants.broken(query, FAR)]


class _End(Exception):
    """Ends the task group of a gateway."""


def _end() -> Never:
    raise _End


@asynccontextmanager
async def running(
    folder: Path,
    *adapters: ScriptedAdapter,
    runner: ScriptedRunner | None = None,
    crash: bool = False,
    away: float = 0.0,
    early: Callable[[], Awaitable[object]] | None = None,
    **settings: Any,
) -> AsyncGenerator[Rig]:
    """Run a gateway on ``folder``; at the end it is drained, or with ``crash`` ends as a killed process does.

    ``early`` happens while the platforms are connected and the rest of the gateway is not there yet; ``away`` is how
    many virtual seconds have passed since the one before.
    """
    await asyncio.sleep(away)
    bus = Bus()
    loop = asyncio.get_running_loop()
    clock = VirtualClock() if isinstance(loop, VirtualTimeLoop) else SystemClock()
    with _Busy():
        database = await WatchedDatabase.open(folder / "hermes.db", clock=clock, bus=bus, read_limit=1e9)
    assert isinstance(database, WatchedDatabase)
    database.refusals, database.looked = {}, Counter()
    rig = Rig(
        folder, database, bus, runner or ScriptedRunner(), list(adapters) or [ScriptedAdapter()], settings
    )
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            await rig.open(group, early)
            try:
                yield rig
            except Exception as error:  # noqa: BLE001 - raised again below, outside of the group that would wrap it
                failure = error
            if not crash and failure is None:
                await rig.gateway.drain()
            _end()
    except* _End:
        pass
    finally:
        await database.close()
    if failure is not None:
        raise failure

"""The web room on a loopback port, with a gateway in miniature behind it."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from gateway.adapter import MenuEntry
from gateway.local import LocalAdapter
from kernel.bus import Bus
from kernel.clock import Clock, SystemClock
from kernel.people import Role, Scope
from kernel.specs import Operation
from store.database import Database
from store.tokens import TokenKind
from tests.fakes.local_gateway import LocalGateway
from web.auth import EVERYTHING, issue
from web.server import WebServer
from web.settings import WebSettings

COMMANDS = (
    MenuEntry("help", "What Hermes can do"),
    MenuEntry("sessions", "Your conversations"),
    MenuEntry("status", "How Hermes is"),
    MenuEntry("stop", "Stop the answer"),
)


@dataclass(slots=True)
class Site:
    """A running web server and what stands behind it."""

    server: WebServer
    database: Database
    bus: Bus
    home: Path
    gateway: LocalGateway
    terminal: LocalGateway
    health: dict[str, Any]
    running: list[asyncio.Task[None]]

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        return self.server.local_url

    async def token(
        self,
        *scopes: Scope,
        kind: TokenKind = TokenKind.API,
        role: Role = Role.OWNER,
        ttl: timedelta | None = None,
        name: str = "test",
    ) -> str:
        """Make a token; without scopes one that may do everything."""
        return await issue(self.database, kind, name, frozenset(scopes) or EVERYTHING, role, ttl)

    async def login_url(self) -> str:
        """Make a one-time login and return its address."""
        secret = await self.token(kind=TokenKind.LOGIN, ttl=timedelta(minutes=15))
        return self.server.login_url(secret)

    async def stop_gateway(self) -> None:
        """Take the local platforms away, as a gateway that starts or stops does."""
        await _cancel(self.running)

    def client(self, secret: str = "", **options: Any) -> httpx.AsyncClient:
        """Return a client that sends a bearer token."""
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=20, **options)


@asynccontextmanager
async def running_site(
    home: Path,
    *,
    operations: Sequence[Operation] | Callable[[Database, Bus, Clock], Sequence[Operation]] = (),
    settings: WebSettings | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[Site]:
    """Serve a home on a free port until the block ends; ``operations`` may be made from what the site works with."""
    (home / "media").mkdir(parents=True, exist_ok=True)
    bus, clock = Bus(), clock or SystemClock()
    database = await Database.open(home / "hermes.db", clock=clock, bus=bus)
    web, terminal = LocalAdapter("web"), LocalAdapter("terminal")
    gateways = LocalGateway(database, web, home), LocalGateway(database, terminal, home)
    health: dict[str, Any] = {"alive": True, "turns": 3}
    server = WebServer(
        settings or WebSettings(port=0),
        operations=operations(database, bus, clock) if callable(operations) else operations,
        local=web,
        terminal=terminal,
        database=database,
        bus=bus,
        clock=clock,
        home=home,
        health=lambda: health,
        metrics=lambda: "hermes_up 1\n",
        commands=lambda: COMMANDS,
        version="1.2.3",
    )
    loop = asyncio.get_running_loop()
    running = [loop.create_task(web.run(gateways[0])), loop.create_task(terminal.run(gateways[1]))]
    try:
        await server.start()
        yield Site(server, database, bus, home, *gateways, health, running)
    finally:
        for gateway in gateways:
            await gateway.stop()
        await server.stop()
        await _cancel(running)
        await database.close()


async def _cancel(running: Sequence[asyncio.Task[None]]) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Sse:
    """One server-sent event."""

    event: str
    id: str
    data: Any


async def events(response: httpx.Response) -> AsyncIterator[Sse]:
    """Read server-sent events; comments are left out."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields.get("event"):
            yield Sse(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


async def until(stream: AsyncIterator[Sse], event: str, **wanted: Any) -> Sse:
    """Read until an event whose data has the wanted fields."""
    async for one in stream:
        if one.event == event and all(one.data.get(name) == value for name, value in wanted.items()):
            return one
    raise AssertionError(f"the stream ended before {event} {wanted}")

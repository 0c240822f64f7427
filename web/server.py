"""Serves the page, the API and MCP on one port, by a uvicorn whose idle loop sleeps."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.adapter import MenuEntry
from gateway.local import LocalAdapter
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.specs import Operation
from store.database import Database
from web.access import Door
from web.application import build
from web.chat import files
from web.chat.stream import Hub
from web.listening import address_of, bind, local_address_of
from web.mcp_door import McpClient, McpDoor
from web.operations import Tokens
from web.operations import operations as own_operations
from web.room import Parts
from web.settings import WebSettings

# Seconds that requests get to finish once the streams have ended.
GRACE = 2
KEEP_ALIVE = 65

_log = logging.getLogger(__name__)


class QuietServer(uvicorn.Server):
    """A uvicorn that neither ticks nor takes the process's signals: it waits to be told to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for ``stop``."""
        await self._stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to the composition root."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new requests, let the running ones finish for a moment, and cut what is left."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=GRACE)
        for task in self.server_state.tasks:
            task.cancel()
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol):
                connection.transport.abort()

    def stop(self) -> None:
        """End ``serve`` after the requests that are running."""
        self.should_exit = True
        self._stop.set()

    def drop(self, scope: Scope) -> None:
        """Cut the connection of a client that does not read, and free what is buffered for it."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == scope.get("client"):
                connection.transport.abort()


class WebServer:
    """The local page, the REST API and the MCP server of one gateway."""

    def __init__(  # noqa: PLR0913 - what the composition root hands over
        self,
        settings: WebSettings,
        *,
        operations: Sequence[Operation],
        local: LocalAdapter,
        terminal: LocalAdapter,
        database: Database,
        bus: Bus,
        clock: Clock,
        home: Path,
        health: Callable[[], Mapping[str, Any]],
        metrics: Callable[[], str],
        commands: Callable[[], Sequence[MenuEntry]],
        version: str = "",
    ) -> None:
        self._version = version
        adapters = {adapter.identity.platform: adapter for adapter in (local, terminal)}
        own = own_operations(Tokens(database, clock, self.login_url, settings.login_minutes))
        every = (*operations, *own)
        self._parts = Parts(settings, every, adapters, database, bus, clock, home, health, metrics, commands)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: QuietServer | None = None
        self._hub: Hub | None = None
        self._mcp: McpDoor | None = None
        self.url = ""
        self.local_url = ""

    async def start(self, listener: socket.socket | None = None) -> str:
        """Begin to serve and return the page's address; raise ConfigError where the port cannot be had.

        ``listener`` is a socket that ``web.listening.bind`` opened before, so that a taken port is known early.
        """
        listener = listener or bind(self._parts.settings)
        self.url = address_of(listener, self._parts.settings)
        self.local_url = local_address_of(listener, self._parts.settings)
        door = Door(self._parts, listener.getsockname()[1])
        hub = self._hub = Hub(self._parts.database, self._parts.bus)
        mcp = self._mcp = McpDoor(self._parts, door, self._version)
        app = build(self._parts, door, hub, mcp, self._version, self._drop)
        server = self._server = QuietServer(_config(app, self._parts.settings))
        await asyncio.to_thread(files.remove_old, self._parts.incoming, self._parts.clock)
        self._own(server.serve([listener]), "web")
        self._own(hub.run(), "web-streams")
        self._own(mcp.run(), "web-mcp")
        return self.url

    def login_url(self, secret: str) -> str:
        """Return the address that logs a browser in; the secret stands behind ``#`` and so in no server's log."""
        return f"{self.url}/login#{secret}"

    def mcp_clients_seen(self) -> Sequence[McpClient]:
        """Return the programs that have used the MCP server since the start."""
        return self._mcp.clients if self._mcp else ()

    async def stop(self) -> None:
        """End the streams, let running requests finish, and free the port; stopping twice is harmless."""
        if self._server is None or self._hub is None:
            return
        self._hub.close()
        self._server.stop()
        own, self._tasks = self._tasks, set()
        for task in own:
            if task.get_name() != "web":
                task.cancel()
        await asyncio.gather(*own, return_exceptions=True)
        self._server = None

    def _drop(self, scope: Scope) -> None:
        if self._server is not None:
            self._server.drop(scope)

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(_report)


def _report(task: asyncio.Task[None]) -> None:
    """Log what ended a part of the server; nobody awaits it before the stop."""
    if not task.cancelled() and (error := task.exception()):
        _log.error("The part %s of the web server failed", task.get_name(), exc_info=error)


def _config(app: Any, settings: WebSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips=settings.proxy_addresses,
        timeout_keep_alive=KEEP_ALIVE,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )

"""Lets MCP clients in, and loads the MCP server with the first of them: its libraries cost a second and 30 MiB."""

import asyncio
import pkgutil
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from kernel.errors import HermesError, PlatformUnavailable
from web.access import Door
from web.auth import Visitor
from web.errors import explained
from web.room import Parts

if TYPE_CHECKING:
    from web.mcp_server import McpServer

SERVER = "web.mcp_server:McpServer"
REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class McpClient:
    """A program that has used the MCP server; ``seen_at`` is in milliseconds since the epoch."""

    name: str
    version: str
    token: str
    seen_at: int

    def __str__(self) -> str:
        """Return what a person reads in the status."""
        return f"{self.name} {self.version} (token {self.token})"


class McpDoor:
    """The ASGI application at ``/mcp``."""

    def __init__(self, parts: Parts, door: Door, version: str) -> None:
        self._parts = parts
        self._door = door
        self._version = version
        self._clients: OrderedDict[tuple[str, str], McpClient] = OrderedDict()
        self._server: McpServer | None = None
        self._wanted = asyncio.Event()
        self._ready = asyncio.Event()

    @property
    def clients(self) -> Sequence[McpClient]:
        """Who has used the server since the start, the latest last."""
        return tuple(self._clients.values())

    async def run(self) -> None:
        """Load the server when somebody wants it and keep its sessions, until cancelled."""
        await self._wanted.wait()
        try:
            await self._serve()
        finally:
            # Whoever waits is answered, also when the libraries could not be loaded.
            self._server = None
            self._ready.set()

    async def _serve(self) -> None:
        # In a thread: importing takes longer than anything else may wait.
        build = await asyncio.to_thread(pkgutil.resolve_name, SERVER)
        server = cast("McpServer", build(self._parts.operations, self._version, self._note))
        async with server.run():
            self._server = server
            self._ready.set()
            await asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the page's cookie is no credential here."""
        try:
            visitor = await self._door.visitor(Request(scope, receive), cookie=False)
        except HermesError as error:
            await explained(error)(scope, receive, send)
            return
        self._wanted.set()
        await self._ready.wait()
        if self._server is None:
            stopped = PlatformUnavailable(
                "The MCP server is not running.", remedy="The log says why: hermes logs"
            )
            await explained(stopped)(scope, receive, send)
            return
        await self._server.serve(visitor, scope, receive, send)

    def _note(self, name: str, version: str, visitor: Visitor) -> None:
        client = McpClient(name[:80], version[:40], visitor.token.name, self._parts.clock.now())
        self._clients[client.name, client.token] = client
        self._clients.move_to_end((client.name, client.token))
        while len(self._clients) > REMEMBERED:
            self._clients.popitem(last=False)

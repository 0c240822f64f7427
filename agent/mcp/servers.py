"""Keeps the configured MCP servers connected; a dead one is tried again and never waited for."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agent import framing
from agent.load import load
from agent.settings import McpServerSettings
from agent.toolbox import Offered, capped
from agent.tools.terminal import surroundings
from kernel.approvals import Action, ActionKind, arguments_text
from kernel.errors import AccessDenied, ConfigError, InvalidInput
from kernel.specs import Tool
from kernel.turns import ToolContext

log = logging.getLogger("hermes.agent")

CONNECT = "agent.mcp.link:connect"
# A server is asked for its tools this often, which also shows whether it is still there.
CHECK_SECONDS = 60.0
FIRST_WAIT = 1.0
LONGEST_WAIT = 300.0
LONGEST_DESCRIPTION = 2000
LONGEST_NAME = 64
# What the action of a tool says that the owner has listed as safe.
SAFE = "safe"


class Offer(Protocol):
    """A tool as a server describes it."""

    name: str
    description: str
    schema: dict[str, Any]
    idempotent: bool


class Link(Protocol):
    """An open connection to a server."""

    async def offers(self) -> Sequence[Offer]:
        """Return the server's tools."""
        ...

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool."""
        ...


Connect = Callable[[McpServerSettings], AbstractAsyncContextManager[Link]]


@dataclass(frozen=True, slots=True)
class McpStatus:
    """How a server fares: ``state`` is ``"connecting"``, ``"connected"``, ``"failed"`` or ``"stopped"``."""

    name: str
    state: str
    error: str = ""
    tools: tuple[str, ...] = ()


class McpServers:
    """The servers of the settings; ``publish(group, tools)`` is called whenever what one offers has changed."""

    def __init__(
        self,
        settings: Mapping[str, McpServerSettings],
        publish: Callable[[str, Sequence[Offered]], None],
        output: int,
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._output = output
        self._status = {name: McpStatus(name, "stopped") for name in settings}
        self._links: dict[str, Link] = {}
        self._broken = {name: asyncio.Event() for name in settings}
        self._settled = {name: asyncio.Event() for name in settings}
        self._tasks: set[asyncio.Task[None]] = set()

    def status(self) -> list[McpStatus]:
        """Return how each server fares."""
        return list(self._status.values())

    def start(self) -> None:
        """Connect in the background; a second call does nothing."""
        if self._tasks:
            return
        for name, settings in self._settings.items():
            self._tasks.add(asyncio.create_task(self._keep(name, settings)))  # noqa: TID251 - ended by close

    async def settled(self, name: str) -> None:
        """Wait until a server's tools are offered, as long as its settings allow for connecting."""
        if (event := self._settled.get(name)) is not None:
            await _happened(event, self._settings[name].timeout)

    async def close(self) -> None:
        """Disconnect from every server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, name: str, settings: McpServerSettings) -> None:
        wait = FIRST_WAIT
        while True:
            self._set(name, "connecting")
            try:
                await self._serve(name, settings)
            except Exception as error:  # noqa: BLE001 - whatever a foreign server does, the next attempt follows
                self._set(name, "failed", _reason(error))
                log.warning("MCP server %s: %s", name, _reason(error))
            if name in self._links:
                del self._links[name]
                wait = FIRST_WAIT
            self._settled[name].clear()
            self._publish(name, ())
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _serve(self, name: str, settings: McpServerSettings) -> None:
        """Connect, offer its tools, and return when the connection is known to be broken."""
        if bool(settings.command) == bool(settings.url):
            raise ConfigError(f"agent.mcp.{name} needs either command or url.")
        connect: Callable[[McpServerSettings], AbstractAsyncContextManager[Link]] = await asyncio.to_thread(
            load, CONNECT
        )
        self._broken[name].clear()
        async with connect(settings) as link:
            while True:
                async with asyncio.timeout(settings.timeout):
                    offers = await link.offers()
                self._offer(name, settings, offers)
                self._links[name] = link
                if await _happened(self._broken[name], CHECK_SECONDS):
                    raise ConnectionError("the connection broke during a call")

    def _offer(self, name: str, settings: McpServerSettings, offers: Sequence[Offer]) -> None:
        names = tuple(offer.name for offer in offers)
        if self._status[name].state != "connected" or self._status[name].tools != names:
            self._publish(name, [self._offered(name, settings, offer) for offer in offers])
        missing = sorted(set(settings.safe_tools) - set(names))
        note = f"no such tool: {', '.join(missing)}" if missing else ""
        self._set(name, "connected", note, names)
        self._settled[name].set()

    def _offered(self, server: str, settings: McpServerSettings, offer: Offer) -> Offered:
        name = _prefixed(server, offer.name)
        effect = SAFE if offer.name in settings.safe_tools else ""

        async def run(context: ToolContext, **arguments: Any) -> str:
            if context.approved is None:
                raise AccessDenied("No foreign tool runs without the approval gate.")
            return await self._call(server, offer.name, arguments)

        async def action(context: ToolContext, arguments: Mapping[str, Any]) -> Action:
            return _action(context, name, f"{server}.{offer.name}", effect, arguments)

        tool = Tool(
            name, run, idempotent=offer.idempotent, label=lambda _: f"{server}: {offer.name}", action=action
        )
        return Offered(tool, offer.description[:LONGEST_DESCRIPTION], offer.schema)

    async def _call(self, server: str, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool; its answer is data from elsewhere. A broken connection is said and made anew."""
        link = self._links.get(server)
        if link is None:
            raise InvalidInput(f"The MCP server {server} is not connected at the moment.")
        try:
            async with asyncio.timeout(self._settings[server].timeout):
                text = await link.call(name, arguments)
        except TimeoutError as error:
            # One slow call says little about the connection; the regular check does.
            seconds = self._settings[server].timeout
            raise InvalidInput(f"{name} of {server} did not answer within {seconds:g} seconds.") from error
        except Exception as error:  # whatever a foreign server's connection does, it is made anew
            self._broken[server].set()
            raise InvalidInput(f"The MCP server {server} is not reachable: {_reason(error)}") from error
        return framing.output(capped(text, self._output - framing.ROOM), f"mcp:{server}")

    def _set(self, name: str, state: str, error: str = "", tools: tuple[str, ...] = ()) -> None:
        self._status[name] = replace(self._status[name], state=state, error=error, tools=tools)


def _action(
    context: ToolContext, tool: str, target: str, effect: str, arguments: Mapping[str, Any]
) -> Action:
    """Say exactly what a call of a foreign tool would do: its name and its arguments, shown one below the other."""
    shown = json.dumps(dict(arguments), indent=2, sort_keys=True, ensure_ascii=False)
    return Action(
        ActionKind.MCP,
        tool,
        arguments_text(arguments),
        f"{target} {shown}",
        effect=effect,
        target=target,
        workspaces=(str(context.request.workspace),),
        host=surroundings.host(),
    )


def _prefixed(server: str, name: str) -> str:
    """Return a tool's name with its server's, in the characters and length that every provider takes."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{server}_{name}")[:LONGEST_NAME]


async def _happened(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _reason(error: BaseException) -> str:
    """Return the innermost cause in words; the SDK wraps what went wrong in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".rstrip(": ")[:300]

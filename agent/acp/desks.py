"""The desks of coding agents: for each session at work a process, its connection, and what is known of both."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.acp import modes
from agent.acp.client import Client
from agent.acp.errors import AgentBroke
from agent.acp.leave import Leave
from agent.acp.live import Live
from agent.acp.ports import Decisions
from agent.acp.profiles import profiles
from agent.acp.watching import Watch
from agent.acp.words import NO_MODE, UNKNOWN
from agent.runner import AgentRunner
from agent.settings import AgentSettings
from agent.tools.terminal import surroundings
from kernel.ports import Gate, Shelf
from kernel.turns import TurnIO, TurnRequest

SESSION = "acp.session"
TOOL = "acp:"
MOST = 16

# Hears of what an agent did in a session: a tool's name, its arguments as JSON, its result.
Noted = Callable[[str, str, str, str], None]


@dataclass(frozen=True, slots=True)
class AcpPorts:
    """What the coding agents of a daemon share; ``base()`` gives the runner whose tools serve them."""

    gate: Gate
    shelf: Shelf
    decisions: Decisions
    base: Callable[[], Awaitable[AgentRunner]]
    noted: Noted


@dataclass(slots=True)
class Desk:
    """One session at work with its agent."""

    name: str
    live: Live
    leave: Leave
    watch: Watch
    reaper: asyncio.TimerHandle | None = None


class Desks:
    """Every desk there is, by session; a process is started where it is needed and ended where it idles."""

    def __init__(self, settings: AgentSettings, ports: AcpPorts) -> None:
        self.settings = settings
        self._ports = ports
        self._desks: dict[str, Desk] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def find(self, session_id: str) -> Desk | None:
        """Return a session's desk, ``None`` where no agent is at work."""
        return self._desks.get(session_id)

    async def enter(self, name: str, request: TurnRequest, io: TurnIO) -> Desk:
        """Return the session's desk for one more turn, the agent started and its session open; raise AgentBroke."""
        desk = self._desks.get(request.session_id)
        if desk is not None and (desk.name != name or not desk.live.alive):
            await self.release(request.session_id)
            desk = None
        if desk is None:
            desk = await self._start(name, request, io)
        if desk.reaper is not None:
            desk.reaper.cancel()
        # The last one is who was at work last.
        self._desks[request.session_id] = self._desks.pop(request.session_id)
        desk.leave.enter(request, io)
        desk.watch.enter(io)
        return desk

    async def _start(self, name: str, request: TurnRequest, io: TurnIO) -> Desk:
        known = profiles(self.settings.acp)
        if name not in known:
            raise AgentBroke(f"{UNKNOWN} {name}.", remedy=f"There are {', '.join(known)}.")
        await self._make_room()
        chosen = known[name]
        watch, leave, client = await self._side(name, request, io)
        environment = surroundings.pinned(self.settings.tools.terminal) | {
            key: value.get_secret_value() for key, value in chosen.environment.items()
        }
        io.activity(f"starting {name}")
        live = await Live.start(name, chosen, environment, request.workspace, client)
        desk = self._desks[request.session_id] = Desk(name, live, leave, watch)
        try:
            await self._open(desk, request, chosen.mode)
        except BaseException:
            await self.release(request.session_id)
            raise
        return desk

    async def _side(self, name: str, request: TurnRequest, io: TurnIO) -> tuple[Watch, Leave, Client]:
        """Return our side of a connection."""
        ports, session = self._ports, request.session_id

        def noted(tool: str, arguments: Mapping[str, Any], result: str) -> None:
            ports.noted(session, tool, json.dumps(arguments), result)

        watch = Watch(self.settings.context.answer, noted)
        leave = Leave(ports.gate, ports.decisions, ports.shelf, watch.stirred.set, request, io)
        toolbox = (await ports.base()).toolbox
        return watch, leave, Client(TOOL + name, leave, toolbox, watch, lambda: self._cancel(session))

    async def _open(self, desk: Desk, request: TurnRequest, mode: str) -> None:
        """Take the agent's own session up where there was one in this folder."""
        shelf, session, folder = self._ports.shelf, request.session_id, str(request.workspace)
        kept = await shelf.get(session, SESSION)
        before: dict[str, Any] = json.loads(kept) if kept else {}
        mine = before.get("agent") == desk.name and before.get("folder") == folder
        opened = await desk.live.open(request.workspace, before.get("id", "") if mine else "")
        if mine and not opened.resumed:
            desk.watch.note(
                f"{desk.name} could not take its earlier session up; it begins without memory of it."
            )
        desk.leave.foreign = opened.id
        desk.watch.billed = before.get("billed", 0.0) if opened.resumed else 0.0
        desk.watch.mode = opened.modes.now
        await self._begin_mode(desk, session, opened.modes, mode)
        await self._keep(desk, session, folder)

    async def _begin_mode(self, desk: Desk, session_id: str, there: modes.Modes, configured: str) -> None:
        """Begin in the mode that a person chose here, else in that of the settings; say where there is no such mode."""
        shelf = self._ports.shelf
        chosen = await modes.wished(shelf, session_id, desk.name)
        wanted = chosen or configured
        if wanted and wanted not in there.ids:
            has = f"it has {', '.join(there.ids)}" if there.ids else "it has none"
            if not chosen:
                raise AgentBroke(f"{desk.name} {NO_MODE} {wanted}.", remedy=f"Set another: {has}.")
            desk.watch.note(f"{desk.name} {NO_MODE} {wanted}; {has}.")
            await modes.wish(shelf, session_id, desk.name, "")
        elif wanted and wanted != there.now:
            await desk.live.change_mode(desk.leave.foreign, wanted)
            desk.watch.mode = wanted
        await self.keep_modes(desk, session_id, there)

    async def keep_modes(self, desk: Desk, session_id: str, there: modes.Modes | None = None) -> None:
        """Remember the modes there are and the one that holds now."""
        known = there or await modes.offered(self._ports.shelf, session_id, desk.name)
        now = modes.Modes(desk.name, desk.watch.mode or known.now, known.names)
        await modes.keep(self._ports.shelf, session_id, now)

    async def _keep(self, desk: Desk, session_id: str, folder: str) -> None:
        said = {"agent": desk.name, "id": desk.leave.foreign, "folder": folder, "billed": desk.watch.billed}
        await self._ports.shelf.put(session_id, SESSION, json.dumps(said))

    async def leave(self, desk: Desk, request: TurnRequest, *, billed: bool) -> None:
        """Let a turn go: keep what it changed, and end the process after a while in which it does nothing."""
        if billed:
            await self._keep(desk, request.session_id, str(request.workspace))
        if desk.watch.mode_changed:
            desk.watch.mode_changed = False
            await self.keep_modes(desk, request.session_id)
        self._rest(desk, request.session_id)

    def _rest(self, desk: Desk, session_id: str) -> None:
        """Let the agent go after a while in which it did nothing; while it waits for a person it stays."""
        if self._desks.get(session_id) is not desk:
            return

        def over() -> None:
            if desk.leave.waiting or desk.live.client.busy:
                self._rest(desk, session_id)
            else:
                self._later(self.release(session_id))

        desk.reaper = asyncio.get_running_loop().call_later(desk.live.keep, over)

    async def switch(self, session_id: str, mode: str) -> None:
        """Let a running agent change its mode now; one that does not run begins in it."""
        if (desk := self._desks.get(session_id)) is not None and desk.live.alive:
            await desk.live.change_mode(desk.leave.foreign, mode)
            desk.watch.mode = mode
            await self.keep_modes(desk, session_id)

    async def _make_room(self) -> None:
        """Let the agent go that has been idle longest where too many run."""
        if len(self._desks) < MOST:
            return
        idle = next(
            (id for id, desk in self._desks.items() if desk.live.prompt is None and desk.reaper), None
        )
        if idle is None:
            raise AgentBroke(
                f"{MOST} coding agents are at work already.", remedy="Wait for one, or /stop one."
            )
        await self.release(idle)

    async def release(self, session_id: str) -> None:
        """End the agent of a session."""
        if (desk := self._desks.pop(session_id, None)) is not None:
            if desk.reaper is not None:
                desk.reaper.cancel()
            await desk.live.close()

    async def close(self) -> None:
        """End every agent."""
        for session_id in list(self._desks):
            await self.release(session_id)
        if self._closing:
            await asyncio.wait(self._closing)

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)  # noqa: TID251 - kept until it is done, awaited by close
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _cancel(self, session_id: str) -> None:
        if (desk := self._desks.get(session_id)) is not None:
            self._later(desk.live.cancel(desk.leave.foreign))

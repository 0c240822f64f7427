"""The rooms behind the front door: built once the platforms are polled, opened in order, closed in order."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from agent.settings import AgentSettings
from approvals.service import ApprovalService
from board.service import Board
from cron.service import Cron
from gateway.front import Front
from gateway.gateway import Gateway, Host
from gateway.housekeeping import Retention
from gateway.ports import (
    StoredJournal,
    StoredLedger,
    StoredLog,
    StoredNotes,
    StoredOutlet,
    StoredShelf,
)
from gateway.settings import GatewaySettings
from gateway.walkaway.room import WalkawayRoom
from hermes import board as boarding
from hermes import cron as scheduling
from hermes import daemon, greeting, plugins, reloading
from hermes import diagnosis as diagnosing
from hermes.agents import Agents
from hermes.coding import Coding
from hermes.folders import Folders
from hermes.gate import Gatekeeping
from hermes.home import Home
from hermes.schema import Settings
from hermes.version import VERSION
from kernel.errors import ConfigError
from kernel.people import Role
from kernel.turns import Persona
from store.tokens import TokenKind
from web.auth import EVERYTHING, issue
from web.settings import WebSettings

log = logging.getLogger(__name__)


def agent_settings(settings: Settings) -> AgentSettings:
    """Return the agent's settings, with what it should know of its owner."""
    owner = settings.owner
    known = [settings.agent.instructions, f"Your owner is called {owner.name}." if owner.name else ""]
    known.append(f"Answer in the language {owner.language!r} unless you are addressed in another.")
    return settings.agent.model_copy(update={"instructions": "\n".join(part for part in known if part)})


class Rooms:
    """Gateway, gate, agents and surfaces of one daemon.

    ``problem()`` is what is wrong with the newest configuration, ``reload()`` reads it again and returns the same;
    ``restart()`` ends the daemon to be started again; ``redact`` removes secrets from a text.
    """

    def __init__(
        self,
        front: Front,
        settings: Settings,
        home: Home,
        *,
        web: WebSettings,
        redact: Callable[[str], str],
        problem: Callable[[], str],
        reload: Callable[[], str],
        restart: Callable[[], None],
    ) -> None:
        self._front = front
        self._started_with = settings
        self._settings = settings
        self._home = home
        self._web_settings = web
        self._redact = redact
        self._problem = problem
        self._reload = reload
        self._restart = restart
        self._agents = Agents(agent_settings(settings), home.root, front.clock)
        shelf = StoredShelf(front.database)
        self._coding = Coding(self._agents, shelf, agent_settings(settings))
        self._gateway = Gateway(front, self._host())
        self._folders = Folders(front.database)
        self._gate: Gatekeeping | None = None
        self._web: Any = None
        self.url = ""
        self.token = ""
        self._journal = StoredJournal(front.database)
        self._connect_agents()
        self._coding.connect(self._gateway)
        self._board: Board = boarding.build(
            self._gateway, front.bus, self._agents, settings, home, redact=redact, coders=self._coding.names
        )
        boarding.offer_folders(self._gateway, self._board, self._workspace, self._folders.choose)
        self._walkaway = WalkawayRoom(self._gateway, self._board, settings.walkaway, front.zone, redact)
        self._journal.watchers.append(self._walkaway.noted)
        self._agents.watchers.append(self._walkaway.noted)
        self._sources = diagnosing.sources(settings)
        self._diagnosis = diagnosing.build(
            self._gateway, self._agents, self._board, settings, home, self._sources, self._gate_service
        )
        self._cron: Cron = scheduling.build(
            self._gateway,
            front.bus,
            self._agents,
            settings,
            home,
            scheduling.Beside(self._board, self._gate_service, self._workspace),
            redact=redact,
        )

    def _gate_service(self) -> ApprovalService:
        assert self._gate is not None  # noqa: S101 - nothing runs before the gate is there
        return self._gate.service

    def _host(self) -> Host:
        settings = self._settings
        return Host(
            self._home.root,
            self._coding.runner,
            self._agents.runner,
            self._workspace,
            self._facts,
            self._restart_asked,
            self._agents.shaping,
            lambda: self._agents.model,
            Retention(settings.store.message_days, settings.store.event_days, settings.media.keep_days),
            self._persona,
        )

    def _connect_agents(self) -> None:
        database, gateway = self._front.database, self._gateway
        self._agents.connect(
            StoredLog(database),
            self._journal,
            StoredLedger(database, gateway.today),
            StoredNotes(database),
            StoredShelf(database),
        )
        gateway.handoff.moves.known.append(self._agents.background)
        self._agents.connect_chat(gateway.desk, StoredOutlet(database), gateway.reader)

    def _workspace(self, session_id: str) -> Path:
        """Return the folder of a task's attempt where the session is one, else the one that was chosen or is set."""
        if (folder := self._board.folder(session_id) or self._folders.of(session_id)) is not None:
            return folder
        chosen = self._settings.workspace.path
        return Path(chosen).expanduser() if chosen else self._home.workspace

    async def _persona(self, session_id: str) -> Persona | None:
        return await self._board.persona(session_id)

    async def _facts(self) -> Mapping[str, Any]:
        gate = dict(await self._gate.facts()) if self._gate is not None else {}
        problem = self._problem()
        troubles = [f"Configuration: {problem} The last good one stays in force."] if problem else []
        waiting = reloading.needs_restart(self._started_with, self._settings)
        warnings = [f"Configuration: {reloading.sentence(waiting)}"] if waiting else []
        warnings += gate.pop("warnings", [])
        board = dict(await self._board.facts())
        warnings += board.pop("warnings", [])
        jobs = dict(await self._cron.facts())
        warnings += jobs.pop("warnings", [])
        clients = [str(client) for client in self._web.mcp_clients_seen()] if self._web else []
        return {
            "version": VERSION,
            "troubles": troubles,
            "warnings": warnings,
            "mcp_clients": clients,
            **self._agents.facts(),
            **gate,
            **board,
            **jobs,
        }

    def _restart_asked(self, actor: str) -> None:
        log.info("%s asked for a restart.", actor)
        asyncio.get_running_loop().call_later(1.0, self._restart)

    async def open(self, group: asyncio.TaskGroup, listener: socket.socket | None) -> None:
        """Hear what came in so far; then start the gate, the work it judges, and the page on ``listener``."""
        await self._folders.load()
        await self._gateway.prepare(group)
        await self._guard(group, listener)
        await self._board.prepare(group)
        await boarding.connect(self._board, self._gateway, self._front.bus, group)
        await self._cron.prepare(group)
        await self._walkaway.prepare()
        self._walkaway.open(group)
        await self._diagnosis.open(group)
        await self._gateway.begin()
        self._board.begin(group)
        await scheduling.plant(self._cron, self._settings.cron)
        self._cron.begin(group)
        if listener is not None:
            await self._open_web(listener)

    async def _guard(self, group: asyncio.TaskGroup, listener: socket.socket | None) -> None:
        """Set up the gate before anything runs that it has to judge."""
        self._gate = await Gatekeeping.build(
            self._gateway,
            self._front.bus,
            self._agents,
            self._settings,
            home=self._home.root,
            zone=self._front.zone,
            redact=self._redact,
            workspace=self._workspace,
            port=listener.getsockname()[1] if listener is not None else self._web_settings.port,
            measured=self._sources.measured,
        )
        self._coding.guard(self._gate.service)
        await self._gate.open(group)

    async def _open_web(self, listener: socket.socket) -> None:
        gateway, database = self._gateway, self._front.database
        server = await asyncio.to_thread(plugins.load, plugins.WEB)
        local = {key[0]: adapter for key, adapter in gateway.adapters.items()}
        self._web = server(
            self._web_settings,
            operations=self._operations(),
            version=VERSION,
            local=local["web"],
            terminal=local["terminal"],
            database=database,
            bus=self._front.bus,
            clock=self._front.clock,
            home=self._home.root,
            health=gateway.reporter.health,
            metrics=gateway.reporter.metrics,
            commands=gateway.registry.menu,
        )
        # The token of the process before ends first: who still holds it is refused, looks again, and comes back.
        self.token = await issue(database, TokenKind.CLI, "this machine's commands", EVERYTHING, Role.OWNER)
        await self._web.start(listener)
        self.url = self._web.local_url
        daemon.publish(self._home, daemon.DaemonInfo(os.getpid(), self.url, self.token, VERSION))

    def _operations(self) -> list[Any]:
        assert self._gate is not None  # noqa: S101 - the gate is there before the page
        return [
            *plugins.load(plugins.GATEWAY_OPERATIONS)(self._gateway),
            *plugins.load(plugins.CONFIGURATION_OPERATIONS)(self._read_again),
            *plugins.load(plugins.BOARD_OPERATIONS)(self._board),
            *plugins.load(plugins.CREW_OPERATIONS)(self._board),
            *plugins.load(plugins.WALKAWAY_OPERATIONS)(
                self._walkaway.delegation, scheduling.planner(self._cron, self._board)
            ),
            *plugins.load(plugins.CRON_OPERATIONS)(self._cron),
            *plugins.load(plugins.APPROVAL_OPERATIONS)(
                self._gate.service, self._front.database, self._front.clock, self._redact
            ),
        ]

    async def _read_again(self) -> str:
        """Read the configuration again for whoever asked; raise ConfigError when it cannot be used."""
        problem = self._reload()
        if problem:
            raise ConfigError(problem)
        waiting = reloading.needs_restart(self._started_with, self._settings)
        return f"The settings are in force. {reloading.sentence(waiting)}".strip()

    async def greet(self) -> None:
        """Show in the terminal where the page is and how the owner gets in."""
        lines: list[str] = []
        if self._web is not None:
            ttl = timedelta(minutes=self._settings.web.login_minutes)
            database = self._front.database
            secret = await issue(database, TokenKind.LOGIN, "start", EVERYTHING, Role.OWNER, ttl)
            lines += greeting.page(self._web.url, self._web.login_url(secret), ttl)
        access = self._front.access
        for connection in self._front.connections.values():
            if connection.adapter.capabilities.remote and not access.has_owner(connection.name):
                lines.append(greeting.owner(connection.name, access.open_bootstrap()))
        greeting.show(lines)

    async def proves_alive(self) -> bool:
        """Tell whether the daemon makes progress, and write it down: the store answers, which being up is not."""
        alive = bool(self._gateway.reporter.health()["alive"])
        if alive:
            await self._gateway.notices.alive()
        return alive

    def configure(self, settings: Settings, gateway: GatewaySettings) -> None:
        """Use new settings, of which ``gateway`` are the gateway's."""
        self._settings = settings
        if waiting := reloading.needs_restart(self._started_with, settings):
            log.warning("%s", reloading.sentence(waiting))
        self._gateway.configure(gateway)
        self._agents.configure(agent_settings(settings))
        self._coding.configure(agent_settings(settings))
        if self._gate is not None:
            self._gate.configure(settings)
        self._board.configure(settings.board)
        self._cron.configure(settings.cron)
        self._walkaway.configure(settings.walkaway)
        diagnosing.configure(self._diagnosis, settings, self._home)

    async def close(self) -> None:
        """Let what runs end for a bounded time, and release everything."""
        self._board.rest()
        self._cron.rest()
        await self._gateway.drain()
        await self._board.drain()
        self._walkaway.close()
        self._diagnosis.close()
        await self._cron.drain(self._settings.turns.drain_seconds)
        if self._gate is not None:
            await self._gate.service.drain(self._settings.turns.drain_seconds)
        if self._web is not None:
            await self._web.stop()
        await self._coding.close()
        await self._agents.close()
        daemon.withdraw(self._home)

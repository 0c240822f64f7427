"""The composition root: builds the rooms, starts them in the order that polls first, and stops them in order."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Never
from zoneinfo import ZoneInfo

from agent.settings import AgentSettings
from gateway.adapter import Adapter
from gateway.gateway import Gateway, Host
from gateway.housekeeping import Retention
from gateway.local import LocalAdapter
from gateway.ports import (
    StoredJournal,
    StoredLedger,
    StoredLog,
    StoredNotes,
    StoredOutlet,
    StoredShelf,
)
from gateway.settings import GatewaySettings
from hermes import daemon, greeting, plugins
from hermes.agents import Agents
from hermes.home import Home
from hermes.logs import Logs
from hermes.schema import Settings
from hermes.settings import environment, load, secret_values
from hermes.systemd import Notifier
from hermes.version import VERSION
from hermes.watchdog import LoopWatchdog
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.errors import ConfigError, HermesError, HomeLocked, StoreReadOnly
from kernel.people import Role
from store.database import Database, StoreState
from store.lock import HomeLock, Kind
from store.tokens import TokenKind
from web.auth import EVERYTHING, issue
from web.listening import bind
from web.settings import WebSettings

log = logging.getLogger(__name__)

REPAIR = "Nothing was changed. Bring a copy back with `hermes restore FILE`; `hermes audit check` says what is wrong."
FIRST_POLL_SECONDS = 3.0
HANDOVER_SECONDS = 30.0
HANDOVER_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Mode:
    """How the daemon runs: as the gateway, or embedded in a terminal with its platforms off."""

    kind: Kind
    platforms: bool


GATEWAY = Mode("gateway", platforms=True)
EMBEDDED = Mode("embedded", platforms=False)


def owner_zone(settings: Settings) -> ZoneInfo:
    """Return the owner's timezone, or the machine's."""
    if settings.owner.timezone:
        return ZoneInfo(settings.owner.timezone)
    linked = Path("/etc/localtime").resolve()
    name = str(linked).partition("zoneinfo/")[2]
    return ZoneInfo(name) if name else ZoneInfo("UTC")


def gateway_settings(settings: Settings) -> GatewaySettings:
    """Return the gateway's part of the settings."""
    return GatewaySettings(
        access=settings.access,
        sessions=settings.sessions,
        turns=settings.turns,
        delivery=settings.delivery,
        media=settings.media,
        notices=settings.notices,
    )


def agent_settings(settings: Settings) -> AgentSettings:
    """Return the agent's settings, with what it should know of its owner."""
    owner = settings.owner
    known = [settings.agent.instructions, f"Your owner is called {owner.name}." if owner.name else ""]
    known.append(f"Answer in the language {owner.language!r} unless you are addressed in another.")
    return settings.agent.model_copy(update={"instructions": "\n".join(part for part in known if part)})


class _Stopped(Exception):
    """The daemon was asked to stop."""


class App:
    """One daemon: a home, its store, its gateway and its surfaces."""

    def __init__(
        self, settings: Settings, home: Home, mode: Mode, *, problem: str = "", logs: Logs | None = None
    ) -> None:
        self._settings = settings
        self._home = home
        self._mode = mode
        self._problem = problem
        self._logs = logs
        self._stop = asyncio.Event()
        self._clock = SystemClock()
        self._bus = Bus()
        self._notifier = Notifier(environment())
        self._agents = Agents(agent_settings(settings), home.root, self._clock)
        self._web: Any = None
        self._gate: Any = None
        self.restart = False
        self.url = ""
        self.token = ""
        self.ready = asyncio.Event()

    def request_stop(self, *, restart: bool = False) -> None:
        """Ask the daemon to stop; asking twice is harmless."""
        self.restart = self.restart or restart
        self._stop.set()

    async def run(self) -> None:
        """Run until stopped."""
        lock = await self._locked()
        try:
            listener = bind(self._web_settings()) if self._settings.web.enabled else None
            database = await Database.open(self._home.database, clock=self._clock, bus=self._bus)
            try:
                if database.state is StoreState.READ_ONLY:
                    raise StoreReadOnly(" ".join(database.findings), remedy=REPAIR)
                await self._serve(database, listener)
            finally:
                await database.close()
        finally:
            lock.release()

    def _web_settings(self) -> WebSettings:
        """Return the page's settings; an embedded session takes any free port."""
        if self._mode is GATEWAY:
            return self._settings.web
        return self._settings.web.model_copy(update={"port": 0, "host": "127.0.0.1"})

    async def _locked(self) -> HomeLock:
        """Take the home's lock; a terminal session that holds it is asked to hand it over."""
        try:
            return HomeLock.acquire(self._home.root, self._mode.kind)
        except HomeLocked as error:
            if self._mode is not GATEWAY or error.kind != EMBEDDED.kind or error.pid is None:
                raise
            os.kill(error.pid, signal.SIGUSR1)
            log.info("A terminal session holds the home; it was asked to hand it over.")
        return await self._handed_over()

    async def _handed_over(self) -> HomeLock:
        deadline = self._clock.monotonic() + HANDOVER_SECONDS
        while True:
            try:
                return HomeLock.acquire(self._home.root, self._mode.kind)
            except HomeLocked:
                if self._clock.monotonic() > deadline:
                    raise
            await asyncio.sleep(HANDOVER_POLL_SECONDS)

    def _adapters(self) -> list[Adapter]:
        adapters: list[Adapter] = [LocalAdapter("web"), LocalAdapter("terminal", lasting=False)]
        if not self._mode.platforms:
            return adapters
        for name, spec in plugins.PLATFORMS.items():
            section = getattr(self._settings.platforms, name)
            if section.configured:
                platform = plugins.load(spec)
                adapters.insert(0, plugins.load(platform.adapter)(section, self._clock))
        return adapters

    def _build(self, database: Database) -> Gateway:
        host = Host(
            self._home.root,
            owner_zone(self._settings),
            self._agents.runner,
            self._agents.runner,
            self._workspace,
            self._facts,
            self._restart,
            self._agents.shaping,
            lambda: self._agents.model,
            Retention(
                self._settings.store.message_days,
                self._settings.store.event_days,
                self._settings.media.keep_days,
            ),
        )
        gateway = Gateway(
            database, self._bus, self._clock, gateway_settings(self._settings), host, self._adapters()
        )
        ledger = StoredLedger(database, gateway.today)
        self._agents.connect(
            StoredLog(database),
            StoredJournal(database),
            ledger,
            StoredNotes(database),
            StoredShelf(database),
        )
        self._agents.connect_chat(gateway.desk, StoredOutlet(database))
        return gateway

    def _workspace(self, _session_id: str) -> Path:
        chosen = self._settings.workspace.path
        return Path(chosen).expanduser() if chosen else self._home.workspace

    async def _facts(self) -> Mapping[str, Any]:
        gate = dict(await self._gate.facts()) if self._gate is not None else {}
        warnings = [f"Configuration: {self._problem}"] if self._problem else []
        warnings += gate.pop("warnings", [])
        clients = [str(client) for client in self._web.mcp_clients_seen()] if self._web else []
        return {
            "version": VERSION,
            "warnings": warnings,
            "mcp_clients": clients,
            **self._agents.facts(),
            **gate,
        }

    def _restart(self, actor: str) -> None:
        log.info("%s asked for a restart.", actor)
        asyncio.get_running_loop().call_later(1.0, lambda: self.request_stop(restart=True))

    async def _serve(self, database: Database, listener: Any) -> None:
        gateway = self._gateway = self._build(database)
        watchdog = LoopWatchdog(self._clock)
        try:
            async with asyncio.TaskGroup() as group:
                await gateway.prepare(group)
                gateway.connect()
                watchdog.start()
                try:
                    await self._until_stopped(group, gateway, listener)
                finally:
                    watchdog.stop()
                    await self._close(gateway)
                # What still runs is in the store and continues with the next start.
                _end()
        except* _Stopped:
            log.info("Stopped.")

    async def _close(self, gateway: Gateway) -> None:
        self._notifier.send("STOPPING=1")
        await gateway.drain()
        if self._gate is not None:
            await self._gate.service.drain(self._settings.turns.drain_seconds)
        if self._web is not None:
            await self._web.stop()
        await self._agents.close()
        daemon.withdraw(self._home)

    async def _until_stopped(self, group: asyncio.TaskGroup, gateway: Gateway, listener: Any) -> None:
        """Start the gate, the work and the surfaces once the platforms poll, then wait for the end."""
        await self._first_poll(gateway)
        gc.freeze()
        gc.enable()
        await self._guard(group, gateway, listener)
        await gateway.begin()
        if listener is not None:
            await self._open_web(gateway, listener)
        await self._greet(gateway)
        self._notifier.send("READY=1", f"STATUS=Serving {self.url}")
        self.ready.set()
        if self._notifier.watchdog_seconds:
            await self._feed_watchdog(gateway)
        else:
            await self._stop.wait()

    async def _first_poll(self, gateway: Gateway) -> None:
        """Let the platforms poll before the page and its libraries take the processor."""
        remote = [item for item in gateway.connections.values() if item.adapter.capabilities.remote]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_POLL_SECONDS):
                for connection in remote:
                    await connection.settled.wait()

    async def _guard(self, group: asyncio.TaskGroup, gateway: Gateway, listener: Any) -> None:
        """Set up the gate, whose classifier takes a moment to load, before anything runs that it has to judge."""
        gate = await asyncio.to_thread(plugins.load, plugins.GATE)
        redact = self._logs.redact if self._logs else str
        zone = owner_zone(self._settings)
        port = listener.getsockname()[1] if listener is not None else self._settings.web.port
        self._gate = await gate.build(
            gateway,
            self._bus,
            self._agents,
            self._settings,
            home=self._home.root,
            zone=zone,
            redact=redact,
            workspace=self._workspace,
            port=port,
        )
        await self._gate.open(group)

    async def _open_web(self, gateway: Gateway, listener: Any) -> None:
        server = await asyncio.to_thread(plugins.load, plugins.WEB)
        offered = [
            *plugins.load(plugins.GATEWAY_OPERATIONS)(gateway),
            *plugins.load(plugins.CONFIGURATION_OPERATIONS)(self._read_again),
            *plugins.load(plugins.APPROVAL_OPERATIONS)(
                self._gate.service, gateway.database, self._clock, self._logs.redact if self._logs else str
            ),
        ]
        local = {key[0]: adapter for key, adapter in gateway.adapters.items()}
        self._web = server(
            self._web_settings(),
            operations=offered,
            version=VERSION,
            local=local["web"],
            terminal=local["terminal"],
            database=gateway.database,
            bus=self._bus,
            clock=self._clock,
            home=self._home.root,
            health=gateway.reporter.health,
            metrics=gateway.reporter.metrics,
            commands=gateway.registry.menu,
        )
        # The token of the process before ends first: who still holds it is refused, looks again, and comes back.
        self.token = await issue(
            gateway.database, TokenKind.CLI, "this machine's commands", EVERYTHING, Role.OWNER
        )
        await self._web.start(listener)
        self.url = self._web.local_url
        daemon.publish(self._home, daemon.DaemonInfo(os.getpid(), self.url, self.token, VERSION))

    async def _greet(self, gateway: Gateway) -> None:
        """Show where the page is and how the owner gets in."""
        lines: list[str] = []
        if self._web is not None:
            ttl = timedelta(minutes=self._settings.web.login_minutes)
            secret = await issue(gateway.database, TokenKind.LOGIN, "start", EVERYTHING, Role.OWNER, ttl)
            lines += greeting.page(self._web.url, self._web.login_url(secret), ttl)
        for connection in gateway.connections.values():
            if connection.adapter.capabilities.remote and not gateway.access.has_owner(connection.name):
                lines.append(greeting.owner(connection.name, gateway.access.open_bootstrap()))
        if self._mode is GATEWAY:
            greeting.show(lines)

    async def _feed_watchdog(self, gateway: Gateway) -> None:
        """Feed systemd's watchdog only while the store answers: that is progress, being up is not."""
        while not self._stop.is_set():
            if gateway.reporter.health()["alive"]:
                await gateway.notices.alive()
                self._notifier.send("WATCHDOG=1")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._notifier.watchdog_seconds):
                    await self._stop.wait()

    async def _read_again(self) -> str:
        """Read the configuration again for whoever asked; raise ConfigError when it cannot be used."""
        problem = self.reload()
        if problem:
            raise ConfigError(problem)
        return "The settings are in force."

    def reload(self) -> str:
        """Read the configuration again; a broken one keeps the last good one and shows as a warning."""
        try:
            settings = load(self._home)
        except ConfigError as error:
            self._problem = str(error)
            log.error("The configuration is broken; the last good one stays. %s", error)  # noqa: TRY400 - no bug
            return self._problem
        self._settings, self._problem = settings, ""
        self._gateway.configure(gateway_settings(settings))
        self._agents.configure(agent_settings(settings))
        self._gate.configure(settings)
        if self._logs is not None:
            self._logs.apply(settings.log, secret_values(settings))
        log.info("The configuration was read again.")
        return ""


def _end() -> Never:
    raise _Stopped


def run_gateway(settings: Settings, home: Home, *, problem: str = "", logs: Logs | None = None) -> int:
    """Run the gateway in the foreground and return its exit code."""
    # With Python's default of 5 ms a busy event loop starves the store's writer thread.
    sys.setswitchinterval(1e-4)
    with asyncio.Runner(loop_factory=plugins.load(plugins.LOOP)) as runner:
        restart = runner.run(_run(settings, home, problem, logs))
    if restart:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line again
    return 0


async def _run(settings: Settings, home: Home, problem: str, logs: Logs | None) -> bool:
    app = App(settings, home, GATEWAY, problem=problem, logs=logs)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.request_stop)
    loop.add_signal_handler(signal.SIGHUP, app.reload)
    await app.run()
    return app.restart


@dataclass(frozen=True, slots=True)
class EmbeddedDaemon:
    """A daemon inside a terminal session; ``ended`` is set when it has handed the home over to a gateway."""

    url: str
    token: str
    ended: asyncio.Event


@contextlib.asynccontextmanager
async def embedded(settings: Settings, home: Home) -> AsyncGenerator[EmbeddedDaemon]:
    """Run a daemon with its platforms off inside this process; a gateway that starts takes the home over."""
    sys.setswitchinterval(1e-4)
    app = App(settings, home, EMBEDDED)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, app.request_stop)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_mark_end(app, ended))
        ready = group.create_task(app.ready.wait())
        await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
        if not app.ready.is_set():
            ready.cancel()
            raise HermesError("The embedded daemon ended while it started.")
        try:
            yield EmbeddedDaemon(app.url, app.token, ended)
        finally:
            app.request_stop()


async def _mark_end(app: App, ended: asyncio.Event) -> None:
    try:
        await app.run()
    finally:
        ended.set()

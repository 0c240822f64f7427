"""The composition root: opens the front door, lets the platforms poll, and builds the rooms behind it meanwhile."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never
from zoneinfo import ZoneInfo

from gateway.adapter import Adapter
from gateway.front import Front
from gateway.local import LocalAdapter
from gateway.settings import GatewaySettings
from hermes import plugins
from hermes.home import Home
from hermes.logs import Logs
from hermes.schema import Settings
from hermes.settings import environment, load, secret_values
from hermes.systemd import Notifier
from hermes.watchdog import LoopWatchdog
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.errors import ConfigError, HermesError, HomeLocked, StoreReadOnly
from store.database import Database, StoreState
from store.lock import HomeLock, Kind
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
        handoff=settings.handoff,
    )


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
        self._front: Front | None = None
        self._rooms: Any = None
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
                adapter = plugins.load(platform.adapter, platform.unneeded)
                adapters.insert(0, adapter(section, self._clock))
        return adapters

    async def _serve(self, database: Database, listener: socket.socket | None) -> None:
        settings = self._settings
        front = self._front = Front(
            database,
            self._bus,
            self._clock,
            gateway_settings(settings),
            owner_zone(settings),
            self._adapters(),
        )
        watchdog = LoopWatchdog(self._clock)
        try:
            async with asyncio.TaskGroup() as group:
                await front.prepare()
                front.connect(group)
                watchdog.start()
                try:
                    await self._until_stopped(group, front, listener)
                finally:
                    watchdog.stop()
                    await self._close(front)
                # What still runs is in the store and continues with the next start.
                _end()
        except* _Stopped:
            log.info("Stopped.")

    async def _close(self, front: Front) -> None:
        self._notifier.send("STOPPING=1")
        if self._rooms is not None:
            await self._rooms.close()
        else:
            await front.disconnect()
        await front.close()

    async def _until_stopped(
        self, group: asyncio.TaskGroup, front: Front, listener: socket.socket | None
    ) -> None:
        """Build and open the rooms once the platforms poll, then wait for the end."""
        await self._first_poll(front)
        gc.freeze()
        gc.enable()
        rooms = self._rooms = await self._built(front)
        await rooms.open(group, listener)
        self.url, self.token = rooms.url, rooms.token
        if self._mode is GATEWAY:
            await rooms.greet()
        self._notifier.send("READY=1", f"STATUS=Serving {self.url}")
        self.ready.set()
        if self._notifier.watchdog_seconds:
            await self._feed_watchdog()
        else:
            await self._stop.wait()

    async def _built(self, front: Front) -> Any:
        build = await asyncio.to_thread(plugins.load, plugins.ROOMS)
        return build(
            front,
            self._settings,
            self._home,
            web=self._web_settings(),
            redact=self._logs.redact if self._logs else str,
            problem=lambda: self._problem,
            reload=self.reload,
            restart=lambda: self.request_stop(restart=True),
        )

    async def _first_poll(self, front: Front) -> None:
        """Let the platforms poll before the rooms and their libraries take the processor."""
        remote = [item for item in front.connections.values() if item.adapter.capabilities.remote]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_POLL_SECONDS):
                for connection in remote:
                    await connection.settled.wait()

    async def _feed_watchdog(self) -> None:
        """Feed systemd's watchdog only while the store answers: that is progress, being up is not."""
        while not self._stop.is_set():
            if await self._rooms.proves_alive():
                self._notifier.send("WATCHDOG=1")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._notifier.watchdog_seconds):
                    await self._stop.wait()

    def reload(self) -> str:
        """Read the configuration again; a broken one keeps the last good one and shows as a warning."""
        try:
            settings = load(self._home)
        except ConfigError as error:
            self._problem = str(error)
            log.error("The configuration is broken; the last good one stays. %s", error)  # noqa: TRY400 - no bug
            return self._problem
        self._settings, self._problem = settings, ""
        self._apply(settings)
        if self._logs is not None:
            self._logs.apply(settings.log, secret_values(settings))
        log.info("The configuration was read again.")
        return ""

    def _apply(self, settings: Settings) -> None:
        if self._rooms is not None:
            self._rooms.configure(settings, gateway_settings(settings))
        elif self._front is not None:
            self._front.configure(gateway_settings(settings))


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

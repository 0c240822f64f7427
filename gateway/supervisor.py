"""The supervisor: keeps every platform connected, each on its own, and says how it is."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from gateway.adapter import Adapter
from gateway.intake import Intake
from kernel.clock import Clock
from kernel.errors import (
    IllegalTransition,
    PlatformConflict,
    PlatformUnauthorised,
    PlatformUnavailable,
    StoreError,
)
from kernel.ids import jitter
from kernel.messages import Address, Inbound
from kernel.states import AdapterState
from kernel.transitions import ADAPTER

log = logging.getLogger(__name__)

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
CONFLICT_DELAY = 30.0
DEAF_SECONDS = 120.0
STEADY_SECONDS = 60.0
# Two pollers throw one another out every few seconds: that is one trouble, not one for each time.
FORGIVEN_SECONDS = 600.0

ALARMING = frozenset({AdapterState.CONFLICT, AdapterState.UNAUTHORISED})
SENDABLE = frozenset(
    {
        AdapterState.CONNECTING,
        AdapterState.CONNECTED,
        AdapterState.DEGRADED,
        AdapterState.RATE_LIMITED,
        AdapterState.CONFLICT,
    }
)

Changed = Callable[["Connection", AdapterState], None]


class Connection:
    """One adapter under supervision (its ``Link``); ``changed`` hears of every change of state."""

    def __init__(self, adapter: Adapter, intake: Intake, clock: Clock, changed: Changed) -> None:
        self.adapter = adapter
        self.state = AdapterState.STOPPED
        self.detail = ""
        self.since = clock.now()
        self.restarts = 0
        self._intake = intake
        self._clock = clock
        self._changed = changed
        self._alive = clock.monotonic()
        self._failures = 0
        self._connected_at = clock.monotonic()
        self._alarmed: AdapterState | None = None
        self._resumed = asyncio.Event()
        # Set once the first try has led anywhere: connected, or in trouble.
        self.settled = asyncio.Event()
        self._running: asyncio.Future[None] | None = None

    @property
    def name(self) -> str:
        """The platform's name."""
        return self.adapter.identity.platform

    @property
    def sentence(self) -> str:
        """What the operator should know, in one sentence."""
        return f"{self.state.sentence} {self.detail}".strip()

    @property
    def takes_messages(self) -> bool:
        """Whether sending may be tried."""
        return self.state in SENDABLE

    @property
    def silence(self) -> float:
        """Seconds since the connection last proved to be alive."""
        return self._clock.monotonic() - self._alive

    def raises_alarm(self) -> bool:
        """Tell whether the operator has to hear of the state now: once, until the connection was steady for a while."""
        if self.state not in ALARMING or self.state is self._alarmed:
            return False
        self._alarmed = self.state
        return True

    def _steady(self, before: AdapterState) -> None:
        now = self._clock.monotonic()
        if before is AdapterState.CONNECTED and now - self._connected_at >= FORGIVEN_SECONDS:
            self._alarmed = None
        if self.state is AdapterState.CONNECTED:
            self._connected_at = now

    def _move(self, event: str, detail: str = "") -> None:
        before = self.state
        try:
            self.state = ADAPTER.move(before, event)
        except IllegalTransition:
            if ADAPTER.target(event) is not before:
                raise
        self.detail = detail
        if self.state is not AdapterState.CONNECTING:
            self.settled.set()
        if self.state is not before:
            self.since = self._clock.now()
            self._steady(before)
            log.info("%s is %s%s", self.name, self.state, f": {detail}" if detail else "")
            self._changed(self, before)

    async def receive(self, batch: Sequence[Inbound]) -> None:
        """Commit a batch."""
        self.progress()
        if batch:
            await self._intake.receive(batch)

    async def quarantine(self, key: str, raw: str, reason: str) -> None:
        """Keep what could not be understood."""
        identity = self.adapter.identity
        await self._intake.quarantine(identity.platform, identity.account, key, raw, reason)

    async def anchors(self) -> Mapping[Address, str]:
        """Return the id of the last committed message of every chat and thread."""
        identity = self.adapter.identity
        return await self._intake.anchors(identity.platform, identity.account)

    def connected(self) -> None:
        """Hear that the platform answers."""
        self.progress()
        self._move("connect")

    def progress(self) -> None:
        """Hear that the connection is alive."""
        self._alive = self._clock.monotonic()

    def degraded(self, reason: str) -> None:
        """Hear of trouble the adapter copes with."""
        self._move("degrade", reason)

    def pause(self) -> None:
        """Stop the adapter until it is resumed."""
        self._resumed.clear()
        self._move("pause")
        if self._running is not None:
            self._running.cancel()

    def resume(self) -> None:
        """Start a paused or refused adapter again."""
        self._failures = 0
        self._resumed.set()

    async def supervise(self) -> None:
        """Run the adapter until cancelled: again with growing delays after trouble, not at all once it is refused."""
        while True:
            self._move("start")
            self._resumed.clear()
            self.progress()
            started = self._clock.monotonic()
            delay = await self._once()
            if self._clock.monotonic() - started > STEADY_SECONDS:
                self._failures = 0
            self.restarts += delay is not None
            await self._rest(delay)

    async def _rest(self, delay: float | None) -> None:
        """Wait for the next try: until a person resumes, or for ``delay`` seconds unless a person pauses meanwhile."""
        try:
            async with asyncio.timeout(delay):
                await self._resumed.wait()
        except TimeoutError:
            if self.state is AdapterState.PAUSED:
                await self._resumed.wait()

    async def _once(self) -> float | None:
        """Run the adapter once; return the seconds to wait before the next try, ``None`` to wait for a person."""
        try:
            await self._run_until_deaf()
        except PlatformUnauthorised as error:
            self._move("refuse", error.message)
            return None
        except PlatformConflict as error:
            self._move("conflict", error.message)
            return CONFLICT_DELAY * (1 + jitter())
        except PlatformUnavailable as error:
            self._move("degrade", error.message)
            return error.retry_after or self._backoff()
        except StoreError as error:
            self._move("degrade", f"Nothing can be stored: {error.message}")
            return self._backoff()
        except Exception as error:
            # One platform's bug must not touch the others: it is logged and the adapter restarts.
            log.exception("%s failed in a way nobody foresaw.", self.name)
            self._move("degrade", f"{type(error).__name__}; restarting.")
            return self._backoff()
        return None if self.state is AdapterState.PAUSED else self._backoff()

    async def _run_until_deaf(self) -> None:
        remote = self.adapter.capabilities.remote
        running = self._running = asyncio.ensure_future(self.adapter.run(self))  # noqa: TID251 - ended right here
        try:
            while not running.done():
                await asyncio.wait(
                    (running,), timeout=max(1.0, DEAF_SECONDS - self.silence) if remote else None
                )
                if remote and self.silence >= DEAF_SECONDS and not running.done():
                    raise PlatformUnavailable("The connection was open but deaf; restarting it.")
        finally:
            running.cancel()
            await asyncio.wait((running,))
        if not running.cancelled():
            running.result()

    def _backoff(self) -> float:
        self._failures += 1
        return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (self._failures - 1)) * (0.5 + jitter())

    def stopped(self) -> None:
        """Record that the adapter was stopped."""
        if self.state is not AdapterState.STOPPED:
            self._move("stop")

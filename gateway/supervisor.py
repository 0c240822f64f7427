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
# An adapter that was told to stop and does not is left behind after so long; others do not wait for it.
STOP_SECONDS = 20.0
LONGEST_WISH = 6 * 3600.0
# From this wait on a platform's wish shows as the connection's state; shorter ones are everyday life.
NOTABLE_WAIT = 10.0
# Trouble that lasts longer than this is told on another channel.
LASTING_SECONDS = 600.0
# Two pollers throw one another out every few seconds: that is one trouble, not one for each time.
FORGIVEN_SECONDS = 600.0

OUTGOING = "Outgoing only: nobody can answer or decide there."
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


class _Deaf(PlatformUnavailable):
    """The connection was open, and nothing proved it to be alive."""


class Connection:
    """One adapter under supervision (its ``Link``).

    ``changed`` hears of every change of state, and when one that had raised an alarm has been steady for a while.
    """

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
        self._troubled_at = clock.monotonic()
        self._alarmed: set[str] = set()
        self._cause = ""
        # Whether the owner was told of trouble and not yet that it is over, and what will tell it.
        self._told = self._over = False
        self._return: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._resumed = asyncio.Event()
        # Set once the first try has led anywhere: connected, or in trouble.
        self.settled = asyncio.Event()
        self._running: asyncio.Future[None] | None = None
        # Runs that were told to stop and have not; kept, so that their end is noticed.
        self._left: set[asyncio.Future[None]] = set()

    @property
    def name(self) -> str:
        """The platform's name."""
        return self.adapter.identity.platform

    @property
    def sentence(self) -> str:
        """What the operator should know, in one sentence."""
        only = "" if self.receives else OUTGOING
        return " ".join(part for part in (self.state.sentence, self.detail, only) if part)

    @property
    def receives(self) -> bool:
        """Whether people can answer there."""
        return self.adapter.capabilities.receives

    @property
    def takes_messages(self) -> bool:
        """Whether sending may be tried."""
        return self.state in SENDABLE

    @property
    def silence(self) -> float:
        """Seconds since the connection last proved to be alive."""
        return self._clock.monotonic() - self._alive

    def raises_alarm(self) -> bool:
        """Tell whether the owner has to hear of the state now: each trouble once, until it was steady for a while."""
        cause = self._cause or (self.state.value if self.state in ALARMING else "")
        self._cause = ""
        if not cause or cause in self._alarmed:
            return False
        self._alarmed.add(cause)
        self._told = True
        return True

    def _await_return(self) -> None:
        """Say that it is over once the connection has been steady for a while: two pollers take turns at connecting."""
        if self._return is not None:
            self._return.cancel()
            self._return = None
        if self._told and self.state is AdapterState.CONNECTED:
            self._return = asyncio.get_running_loop().call_later(STEADY_SECONDS, self._is_back)

    def _is_back(self) -> None:
        self._return, self._told, self._over = None, False, True
        self._changed(self, self.state)

    def ends_alarm(self) -> bool:
        """Tell, once, whether the trouble that raised an alarm is over."""
        over, self._over = self._over, False
        return over

    def _steady(self, before: AdapterState) -> None:
        now = self._clock.monotonic()
        if before is AdapterState.CONNECTED:
            self._troubled_at = now
            if now - self._connected_at >= FORGIVEN_SECONDS:
                self._alarmed.clear()
        if self.state is AdapterState.CONNECTED:
            self._connected_at = now

    def _lasting(self) -> str:
        """Name the trouble as one to hear of once it has lasted."""
        troubled = self.state is not AdapterState.CONNECTED
        return (
            "lasting" if troubled and self._clock.monotonic() - self._troubled_at >= LASTING_SECONDS else ""
        )

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
            self._await_return()
        if self.state is not before or self._cause:
            log.info("%s is %s%s", self.name, self.state, f": {detail}" if detail else "")
            self._changed(self, before)

    def _hear(self, event: str, detail: str = "") -> None:
        """Take an adapter's word, unless it was paused, refused or stopped meanwhile."""
        if (self.state, event) in ADAPTER.moves or ADAPTER.target(event) is self.state:
            self._move(event, detail)
        else:
            log.debug("%s says %s while it is %s.", self.name, event, self.state)

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

    async def recall(self, name: str) -> str:
        """Return what the adapter remembered."""
        identity = self.adapter.identity
        return await self._intake.recall(identity.platform, identity.account, name)

    async def remember(self, name: str, text: str) -> None:
        """Keep a small text for the adapter."""
        identity = self.adapter.identity
        await self._intake.remember(identity.platform, identity.account, name, text)

    def connected(self) -> None:
        """Hear that the platform answers."""
        self.progress()
        if self._limit is None:
            self._hear("connect")

    def progress(self) -> None:
        """Hear that the connection is alive."""
        self._alive = self._clock.monotonic()

    def degraded(self, reason: str) -> None:
        """Hear of trouble the adapter copes with."""
        self._hear("degrade", reason)

    def limited(self, seconds: float, reason: str) -> None:
        """Hear that the platform wants sending to wait; a short wait is no state."""
        if seconds < NOTABLE_WAIT or self.state not in (AdapterState.CONNECTED, AdapterState.RATE_LIMITED):
            return
        self._unlimit()
        self._move("limit", f"Sending waits {seconds:.0f} s: {reason}")
        self._limit = asyncio.get_running_loop().call_later(seconds, self._limit_over)

    def _limit_over(self) -> None:
        self._limit = None
        if self.state is AdapterState.RATE_LIMITED:
            self._move("connect")

    def _unlimit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def pause(self) -> None:
        """Stop the adapter until it is resumed."""
        self._resumed.clear()
        self._unlimit()
        self._move("pause")
        if self._running is not None:
            self._running.cancel()

    def resume(self) -> None:
        """Start a paused or refused adapter again."""
        self._failures = 0
        self._resumed.set()

    async def supervise(self) -> None:
        """Run the adapter until cancelled: again with growing delays after trouble, not at all once it is refused."""
        if self.state is AdapterState.PAUSED:
            await self._resumed.wait()
        while True:
            self._unlimit()
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
        except Exception as error:  # noqa: BLE001 - one platform's bug must not touch the others; ``_failed`` says it
            return None if self.state is AdapterState.PAUSED else self._failed(error)
        return None if self.state is AdapterState.PAUSED else self._backoff()

    def _failed(self, error: Exception) -> float | None:
        """Move to the state that an error means, and return the wait."""
        match error:
            case PlatformUnauthorised():
                self._hear("refuse", error.message)
                return None
            case PlatformConflict():
                self._hear("conflict", error.message)
                return CONFLICT_DELAY * (1 + jitter())
            case PlatformUnavailable():
                return self._unavailable(error)
            case StoreError():
                self._hear("degrade", f"Nothing can be stored: {error.message}")
            case _:
                log.error("%s failed in a way nobody foresaw.", self.name, exc_info=error)
                self._hear("degrade", f"{type(error).__name__}; restarting.")
        return self._backoff()

    def _unavailable(self, error: PlatformUnavailable) -> float:
        """Wait as long as the platform wishes, or longer each time; a deaf connection was well until now."""
        deaf = isinstance(error, _Deaf) and self.state is AdapterState.CONNECTED
        self._cause = "deaf" if deaf else self._lasting()
        self._hear("limit" if error.retry_after else "degrade", error.message)
        return min(error.retry_after, LONGEST_WISH) if error.retry_after else self._backoff()

    async def _run_until_deaf(self) -> None:
        capabilities = self.adapter.capabilities
        watched = capabilities.remote and capabilities.receives
        running = self._running = asyncio.ensure_future(self.adapter.run(self))  # noqa: TID251 - ended right here
        try:
            while not running.done():
                timeout = max(1.0, DEAF_SECONDS - self.silence) if watched else None
                await asyncio.wait((running,), timeout=timeout)
                if watched and self.silence >= DEAF_SECONDS and not running.done():
                    raise _Deaf("The connection was open but deaf; restarting it.")
        finally:
            await self._end(running)
        if not running.cancelled():
            running.result()

    async def _end(self, running: "asyncio.Future[None]") -> None:
        """Cancel a run and wait for its end; one that does not end is left behind and said."""
        running.cancel()
        _, hanging = await asyncio.wait((running,), timeout=STOP_SECONDS)
        if not hanging:
            _ = None if running.cancelled() else running.exception()
        else:
            log.error("%s does not stop; it is left behind.", self.name)
            self._left.add(running)
            running.add_done_callback(self._ended)

    def _ended(self, running: "asyncio.Future[None]") -> None:
        self._left.discard(running)
        if not running.cancelled() and (error := running.exception()):
            log.warning("What %s had left behind ended: %s", self.name, error)

    def _backoff(self) -> float:
        self._failures += 1
        # The exponent is bounded: after a long outage the power would leave the range of a float.
        grown = FIRST_DELAY * 2.0 ** min(self._failures - 1, 10)
        return min(LONGEST_DELAY, grown) * (0.5 + jitter())

    def stopped(self) -> None:
        """Record that the adapter was stopped."""
        self._unlimit()
        if self.state is not AdapterState.STOPPED:
            self._move("stop")

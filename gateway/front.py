"""The front door: all that has to stand before the platforms are polled, and nothing more.

What comes in is judged and committed here. The rest of the gateway is loaded while the platforms are polled already,
hears then of what was committed meanwhile, and takes it up from the store.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.access import Access
from gateway.adapter import Adapter, Closes, ability
from gateway.answering import OpenQuestions
from gateway.departures import Departures
from gateway.intake import Intake
from gateway.jobs import JobPlaces
from gateway.settings import GatewaySettings, SessionSettings
from gateway.supervisor import Changed, Connection
from gateway.switches import Switches
from kernel.bus import Bus
from kernel.clock import Clock, at
from kernel.messages import Inbound
from kernel.states import AdapterState
from store import inbox
from store.database import Database
from store.sessions import Reset

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
CLOSE_SECONDS = 3.0


class Front:
    """The platforms' connections and the intake behind them; the bus is held until ``welcome``."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        settings: GatewaySettings,
        zone: ZoneInfo,
        adapters: Sequence[Adapter],
    ) -> None:
        self.settings = settings
        self.started_at = clock.now()
        self.database = database
        self.bus = bus
        self.clock = clock
        self.zone = zone
        self.adapters = {(item.identity.platform, item.identity.account): item for item in adapters}
        local = frozenset(item.identity.platform for item in adapters if not item.capabilities.remote)
        self.access = Access(settings.access, database, clock, local)
        self.questions = OpenQuestions(database)
        self.departures = Departures(database, lambda: self.settings.access.group_sessions == "shared")
        bus.listen("session.", self.departures.heard)
        # Who may take a message for an answer: ``takes(inbound)``, asked before it is stored.
        self.jobs = JobPlaces(database)
        self.answering: list[Callable[[Inbound], bool]] = [
            self._answers_a_question,
            self.departures.holds,
            self.jobs.follows,
        ]
        self.intake = Intake(database, self.access, settings, answers=self._answers, reset=self._reset)
        self.intake.meant.append(self.jobs.meant)
        self.connections = {
            key: Connection(adapter, self.intake, clock, self._changed)
            for key, adapter in self.adapters.items()
        }
        # The newest inbound message that the last process left; what comes in from now on has a higher number.
        self.newest = 0
        self.switches = Switches(database, self.connections)
        self._watcher: Changed | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def configure(self, settings: GatewaySettings) -> None:
        """Use new settings."""
        self.settings = settings
        self.access.configure(settings.access)
        self.intake.configure(settings)

    async def prepare(self) -> None:
        """Learn who may speak and which questions are open; then ``connect`` may take messages in."""
        self.bus.hold()
        await self.access.load()
        await self.questions.load()
        await self.departures.load()
        await self.jobs.load()
        await self.switches.load()
        self.newest = await self.database.read(inbox.newest)

    def connect(self, group: asyncio.TaskGroup) -> None:
        """Start the adapters, each under its own supervision."""
        self._tasks = [
            group.create_task(connection.supervise(), name=f"{connection.name} connection")
            for connection in self.connections.values()
        ]

    def welcome(self, watcher: Changed) -> None:
        """Tell the rest of the gateway, which listens to the bus by now, all that happened before it came.

        ``watcher`` hears of every connection that is no longer as it began, and of every change from now on.
        """
        self._watcher = watcher
        for connection in self.connections.values():
            if connection.state is not AdapterState.STOPPED:
                watcher(connection, AdapterState.STOPPED)
        self.bus.release()

    async def disconnect(self) -> None:
        """Stop the adapters: nothing comes in any more; sending stays possible."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Let the adapters release what they hold: nothing is sent any more."""
        for adapter in self.adapters.values():
            closes = ability(adapter, Closes)
            if closes is None:
                continue
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await closes.close()
            except Exception as error:  # noqa: BLE001 - an ending must not fail for a connection that is given up anyway
                log.warning("%s was not closed in order: %r", adapter.identity.platform, error)

    def _changed(self, connection: Connection, before: AdapterState) -> None:
        if self._watcher is not None:
            self._watcher(connection, before)

    def _answers(self, inbound: Inbound) -> bool:
        return any(takes(inbound) for takes in self.answering)

    def _answers_a_question(self, inbound: Inbound) -> bool:
        return self.questions.answering(inbound) is not None

    def _reset(self) -> Reset:
        return reset_at(self.settings.sessions, self.clock.now(), self.zone)


def reset_at(policy: SessionSettings, now: int, zone: ZoneInfo) -> Reset:
    """Return when a session starts afresh, seen from ``now`` (milliseconds) in the owner's timezone."""
    match policy.reset:
        case "never":
            return Reset()
        case "idle":
            return Reset(idle=int(policy.idle_hours * HOUR_MS))
        case "daily":
            moment = at(now).astimezone(zone)
            start = moment.replace(hour=policy.daily_hour, minute=0, second=0, microsecond=0)
            start = start if start <= moment else start - timedelta(days=1)
            return Reset(day_start=int(start.timestamp() * 1000))

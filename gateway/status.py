"""The status: one structure for the chat, the API, the page and the metrics."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from gateway import metrics
from gateway.delivery import Delivery
from gateway.intake import Intake
from gateway.metrics import Metric, MetricType, Sample, counter, gauge
from gateway.notices import Notices
from gateway.settings import GatewaySettings
from gateway.supervisor import Connection
from gateway.turns import Turns
from kernel.clock import Clock
from kernel.states import AdapterState
from store import inbox, outbox, turns
from store.database import Database, StoreState
from store.units import Query

# The daemon writes a sign of life every minute; three missing ones mean that it no longer makes progress.
PROOF_SECONDS = 200.0
TROUBLE = {AdapterState.DEGRADED, AdapterState.CONFLICT, AdapterState.UNAUTHORISED, AdapterState.RATE_LIMITED}


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """How one platform is connected; ``since`` in milliseconds, ``silence`` in seconds."""

    name: str
    account: str
    state: str
    sentence: str
    since: int
    silence: float
    restarts: int


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is: ``queues`` by name, ``counters`` since the start, ``facts`` of other rooms.

    ``state`` is ``"ok"``, or ``"degraded"`` while a connection, the store or the configuration is not as it should be;
    ``warnings`` say what it is, and what else its owner should know.
    """

    state: str
    version: str
    uptime: str
    uptime_seconds: int
    model: str
    connections: list[ConnectionStatus]
    queues: dict[str, int]
    counters: dict[str, int]
    warnings: list[str]
    facts: dict[str, Any]


def span(seconds: int) -> str:
    """Return a span of time in its two largest units."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"


def depths(q: Query) -> dict[str, int]:
    """Return how much is in every open state of inbox, turns and outbox."""
    found = {f"inbox_{state}": count for state, count in inbox.depth(q).items()}
    found |= {f"turns_{state}": count for state, count in turns.counts(q).items()}
    return found | {f"outbox_{state}": count for state, count in outbox.depth(q).items()}


class Overseen(Protocol):
    """The parts of the gateway that a status is about."""

    database: Database
    clock: Clock
    settings: GatewaySettings
    started_at: int
    intake: Intake
    turns: Turns
    delivery: Delivery
    notices: Notices
    connections: dict[tuple[str, str], Connection]


class Reporter:
    """Puts the status together; ``facts()`` gives ``version`` and ``model`` and whatever other rooms know.

    Of these ``warnings`` are sentences that belong to the status's own, and ``troubles`` those that make it degraded.
    """

    def __init__(self, gateway: Overseen, facts: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        self._gateway = gateway
        self._facts = facts

    def connections(self) -> list[ConnectionStatus]:
        """Return how every platform is connected."""
        return [
            ConnectionStatus(
                item.name,
                item.adapter.identity.account,
                item.state.value,
                item.sentence,
                item.since,
                round(item.silence, 1),
                item.restarts,
            )
            for item in self._gateway.connections.values()
        ]

    async def status(self) -> Status:
        """Return the status now."""
        gateway = self._gateway
        facts = dict(await self._facts())
        queues = await gateway.database.read(depths)
        seconds = (gateway.clock.now() - gateway.started_at) // 1000
        troubles = [*self._troubles(), *facts.pop("troubles", [])]
        return Status(
            "degraded" if troubles else "ok",
            str(facts.pop("version", "")),
            span(seconds),
            seconds,
            str(facts.pop("model", "")),
            self.connections(),
            queues,
            {
                "received": gateway.intake.received,
                "duplicates": gateway.intake.duplicates,
                "sent": gateway.delivery.sent,
            },
            [*troubles, *self._warnings(queues), *facts.pop("warnings", [])],
            facts,
        )

    def _troubles(self) -> list[str]:
        found = [
            f"{item.name}: {item.sentence}"
            for item in self._gateway.connections.values()
            if item.state in TROUBLE
        ]
        store = self._gateway.database.state
        if store is not StoreState.OPEN:
            found.append(f"Store: {store.sentence}")
        return found

    def _warnings(self, queues: Mapping[str, int]) -> list[str]:
        found: list[str] = []
        open_platforms = self._gateway.settings.access.open_to_everyone
        if open_platforms:
            found.append(f"Everybody may chat on {', '.join(open_platforms)}.")
        if dead := queues.get("outbox_dead"):
            found.append(
                f"{dead} message{'s' if dead != 1 else ''} could not be delivered: `hermes messages dead` lists them."
            )
        return found

    def metrics(self) -> str:
        """Return counters and connection states as Prometheus text."""
        gateway = self._gateway
        seconds = (gateway.clock.now() - gateway.started_at) // 1000
        return metrics.exposition(
            (
                gauge("hermes_uptime_seconds", "How long the daemon has been running.", seconds),
                counter(
                    "hermes_received_total", "Messages taken in from all platforms.", gateway.intake.received
                ),
                counter(
                    "hermes_duplicates_total",
                    "Messages that had been taken in before.",
                    gateway.intake.duplicates,
                ),
                counter(
                    "hermes_sent_total", "Messages that a platform has confirmed.", gateway.delivery.sent
                ),
                gauge("hermes_turns_running", "Turns that run now.", len(gateway.turns.running)),
                gauge("hermes_store_queue", "Units of work that wait for the store.", gateway.database.depth),
                gauge(
                    "hermes_store_open",
                    "1 while the store reads and writes, else 0.",
                    gateway.database.state is StoreState.OPEN,
                ),
                *self._connection_metrics(),
            )
        )

    def _connection_metrics(self) -> list[Metric]:
        """Return what is known of each connection; a label holds its state, so that an alarm can name it."""
        found = [({"platform": item.name, "account": item.account}, item) for item in self.connections()]
        up = [
            Sample(item.state == AdapterState.CONNECTED.value, own | {"state": item.state})
            for own, item in found
        ]
        starts = [Sample(item.restarts, own) for own, item in found]
        silent = [Sample(item.silence, own) for own, item in found]
        return [
            Metric(
                "hermes_connected", MetricType.GAUGE, "1 while a platform is connected, else 0.", tuple(up)
            ),
            Metric(
                "hermes_connection_restarts_total",
                MetricType.COUNTER,
                "How often a connection was made anew.",
                tuple(starts),
            ),
            Metric(
                "hermes_connection_silence_seconds",
                MetricType.GAUGE,
                "Time since a connection last showed that it is alive.",
                tuple(silent),
            ),
        ]

    def health(self) -> dict[str, Any]:
        """Return whether the daemon makes progress: the store takes writes and no connection is stuck."""
        gateway = self._gateway
        store = gateway.database.state
        return {
            "alive": store is not StoreState.FAILED and gateway.notices.proved < PROOF_SECONDS,
            "store": str(store),
            "connections": {item.name: item.state for item in self.connections()},
        }


def as_mapping(status: Status) -> dict[str, Any]:
    """Return the status as plain mappings and lists."""
    return asdict(status)

"""The status: one structure for the chat, the API, the page and the metrics."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from gateway.delivery import Delivery
from gateway.intake import Intake
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
        seconds = (gateway.clock.now() - gateway.started_at) / 1000
        lines = [
            "# TYPE hermes_uptime_seconds gauge",
            f"hermes_uptime_seconds {seconds:.0f}",
            "# TYPE hermes_received_total counter",
            f"hermes_received_total {gateway.intake.received}",
            "# TYPE hermes_duplicates_total counter",
            f"hermes_duplicates_total {gateway.intake.duplicates}",
            "# TYPE hermes_sent_total counter",
            f"hermes_sent_total {gateway.delivery.sent}",
            "# TYPE hermes_turns_running gauge",
            f"hermes_turns_running {len(gateway.turns.running)}",
            "# TYPE hermes_store_queue gauge",
            f"hermes_store_queue {gateway.database.depth}",
            "# TYPE hermes_connected gauge",
        ]
        lines += [
            f'hermes_connected{{platform="{item.name}",state="{item.state}"}} {int(item.state == "connected")}'
            for item in self.connections()
        ]
        return "\n".join(lines) + "\n"

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

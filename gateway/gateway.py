"""The gateway: wires control, turns and delivery to the store's events, behind its front door."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec

from gateway.adapter import Adapter, Forms, Menus, ability
from gateway.chats import Chats
from gateway.commands.conversation import ConversationCommands
from gateway.commands.daemon import DaemonCommands
from gateway.commands.registry import Registry
from gateway.commands.services import Conversations, Services
from gateway.control import Control
from gateway.delivery import Delivery
from gateway.directory import Directory
from gateway.front import Front
from gateway.handoff.room import TAP, HandoffRoom
from gateway.housekeeping import Housekeeping, Retention
from gateway.media import Media
from gateway.notices import Notices, Receipt
from gateway.questions import QuestionDesk
from gateway.rates import Gate
from gateway.reading import ChannelReader
from gateway.recovery import Open, open_work, reconcile
from gateway.settings import GatewaySettings, Rates
from gateway.status import Reporter, as_mapping
from gateway.supervisor import SENDABLE, Connection
from gateway.turns import Agents, Platforms, Turns, nobody
from kernel.clock import at
from kernel.errors import HermesError
from kernel.events import Event
from kernel.messages import Address
from kernel.specs import Command
from kernel.states import AdapterState
from kernel.turns import Persona, TurnRunner
from store import outbox
from store.database import StoreState

log = logging.getLogger(__name__)

P = ParamSpec("P")

ALIVE_SECONDS = 60.0
STOP_GRACE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Host:
    """What the composition root gives the gateway.

    ``runner()`` and ``conversations()`` load the agent room on first use; ``facts()`` are the parts of the status that
    other rooms know; ``restart(actor)`` ends the daemon to be started again; ``workspace(session_id)`` is a folder;
    ``kept`` says how long things are kept; ``persona(session_id)`` is as whom an agent speaks.
    """

    home: Path
    runner: Callable[[], Awaitable[TurnRunner]]
    conversations: Callable[[], Awaitable[Conversations]]
    workspace: Callable[[str], Path]
    facts: Callable[[], Awaitable[Mapping[str, Any]]]
    restart: Callable[[str], None]
    shaping: Callable[[Path], Awaitable[list[str]]]
    model: Callable[[], str]
    kept: Retention
    persona: Callable[[str], Awaitable[Persona | None]] = nobody


class Gateway:
    """All that works behind the front door, started and stopped together."""

    def __init__(self, front: Front, host: Host) -> None:
        self.front = front
        self.settings = settings = front.settings
        self.started_at = front.started_at
        self.database = database = front.database
        self.clock = clock = front.clock
        self._host = host
        self.adapters = front.adapters
        self.access = front.access
        self.intake = front.intake
        self.connections = front.connections
        self.gates = {key: self._gate(adapter) for key, adapter in self.adapters.items()}
        self.chats = Chats(database, self.access, self.adapters)
        self.desk = QuestionDesk(database, front.questions, self._has_forms)
        self.media = Media(database, self.adapters, settings.media, host.home / "media")
        self.turns = Turns(
            database,
            self.access,
            settings,
            clock,
            Platforms(self.adapters, self.gates),
            self.media,
            Agents(host.runner, host.workspace, self.today, self._alarm, host.persona),
        )
        self.delivery = Delivery(
            database,
            self.adapters,
            self.gates,
            settings.delivery,
            clock,
            ready=self._ready,
            group=self.chats.is_group,
            limited=self._limited,
        )
        self.directory = Directory(database, self.adapters, clock)
        self.reader = ChannelReader(database, self.adapters, self.directory, clock, front.zone)
        self.notices = Notices(database, settings.notices, clock, front.zone, self.started_at)
        self.housekeeping = Housekeeping(database, clock, host.kept, host.home / "media")
        database.watch(self._store_changed)
        self.handoff = HandoffRoom(front, self.chats, self.turns, self.desk)
        self.registry = Registry(self._commands())
        self.control = Control(
            database,
            self.access,
            self.intake,
            self.registry,
            self.desk,
            self.adapters,
            self.turns.offered,
            front.departures,
        )
        self.control.taps[TAP] = self.handoff.tapped
        front.answering.append(self.control.confirms)
        self._group: asyncio.TaskGroup | None = None
        self._receipt: Receipt | None = None
        self._introduced: set[str] = set()
        self._unspoken = set(self.adapters)
        self.reporter = Reporter(self, host.facts)
        # What else waits for a decision in a session and is withdrawn with it: ``cancel(session_id, actor)``.
        self.cancels: list[Callable[[str, str], Awaitable[int]]] = [self.desk.cancel]
        self._unlisten: list[Callable[[], None]] = []
        self._last_alive = 0

    def _commands(self) -> Sequence[Command]:
        host = self._host
        services = Services(
            self.database,
            self.access,
            self.settings,
            self.clock,
            self.front.zone,
            self.turns,
            self.desk,
            self._cancel,
            lambda: {item.name: item for item in self.connections.values()},
            host.conversations,
            self._status,
            host.model,
            host.shaping,
            host.workspace,
            self.today,
            host.restart,
            host.home / "media",
            self.directory,
            self.front.switches,
            self.handoff.service,
        )
        about = DaemonCommands(services, lambda: self.registry).commands()
        return (
            about[0],
            *ConversationCommands(services).commands(),
            *self.handoff.commands(),
            *about[1:],
        )

    def _gate(self, adapter: Adapter) -> Gate:
        rates = self.settings.delivery.rates.get(adapter.identity.platform, Rates())
        return Gate(adapter.capabilities, self.settings.delivery, rates, self.clock)

    def _limited(self, chat: Address, seconds: float, reason: str) -> None:
        if connection := self.connections.get((chat.platform, chat.account)):
            connection.limited(seconds, reason)

    def _has_forms(self, chat: Address) -> bool:
        adapter = self.adapters.get((chat.platform, chat.account))
        return adapter is not None and ability(adapter, Forms) is not None

    def _ready(self, chat: Address) -> bool:
        connection = self.connections.get((chat.platform, chat.account))
        return connection is not None and connection.takes_messages

    def today(self) -> str:
        """Return the owner's calendar day, YYYY-MM-DD."""
        return at(self.clock.now()).astimezone(self.front.zone).date().isoformat()

    def configure(self, settings: GatewaySettings) -> None:
        """Use new settings without a restart: access, sessions, turns and handoffs; the rest with the next start."""
        self.settings = settings
        self.front.configure(settings)
        self.turns.configure(settings)

    async def prepare(self, group: asyncio.TaskGroup) -> None:
        """Mark what the last process left, and hear what came in since; then ``begin`` may work on it."""
        self._group = group
        self._last_alive, clean = await self.notices.last_alive()
        found = await self.database.write(reconcile, crashed=not clean, newest=self.front.newest)
        await self.chats.load()
        self._receipt = Receipt(
            clean or not self._last_alive,
            found.interrupted,
            found.resent,
            found.waiting,
            len(self.desk.open.all()),
            self._last_alive,
        )
        self._listen()
        self.front.welcome(self._changed)

    async def begin(self) -> None:
        """Begin to work on what waits: what the last process left, and what came in since it started."""
        assert self._group is not None  # noqa: S101 - prepare comes first
        assert self._receipt is not None  # noqa: S101 - prepare comes first
        for lanes in (self.control.lanes, self.delivery.lanes):
            lanes.open(self._group)
        self.turns.open(self._group)
        self.handoff.open(self._group)
        await self.chats.settle_outgoing()
        await self.notices.started(self._receipt)
        self._take_up(await self.database.read(open_work))
        self._group.create_task(self._keep_alive(), name="alive")
        self._group.create_task(self.housekeeping.run(), name="housekeeping")

    def _listen(self) -> None:
        on = self.front.bus.listen
        self._unlisten = [
            on("outbox.add", self.delivery.added),
            on("chat.migrate", self.delivery.added),
            on("chat.migrate", self.control.received),
            on("person.", self.access.changed),
            on("inbox.admit", self.turns.admitted),
            on("inbox.receive", self.control.received),
            on("session.wake", self.turns.woken),
            on("inbox.", self._noticed),
            *self.handoff.listen(self.front.bus),
        ]

    def _take_up(self, found: Open) -> None:
        for chat in found.control:
            self.control.lanes.notify(chat)
        for session_id in found.sessions:
            self.turns.lanes.notify(session_id)
        for chat in found.chats:
            self.delivery.notify(chat)

    def _noticed(self, event: Event) -> None:
        """Take note of a chat that nobody has written in before, and of the first message after a start."""
        body = event.body
        if "chat" not in body:
            return
        chat = Address(str(body["platform"]), str(body["account"]), str(body["chat"]))
        if self.chats.is_news(chat, event.actor):
            self._spawn(self.chats.remember, int(event.subject))
        if chat[:2] in self._unspoken:
            # Whatever waited at the platform is committed together with it.
            self._unspoken.discard(chat[:2])
            self._spawn(self.notices.backlog, self.adapters[chat[:2]], self._last_alive)

    def _store_changed(self, state: StoreState) -> None:
        """Raise one alarm when the store stops taking writes; the reserve lets it out."""
        if state in (StoreState.FULL, StoreState.READ_ONLY):
            self._spawn(self.notices.alarm, f"store:{state}:{self.clock.now()}", state.sentence)

    def _changed(self, connection: Connection, before: AdapterState) -> None:
        """Hear that a connection's state changed: deliver what waited for it, and raise an alarm elsewhere."""
        if connection.takes_messages and before not in SENDABLE:
            self._spawn(self._deliver_all, connection)
        if connection.state is AdapterState.CONNECTED:
            self._spawn(self._introduce, connection)
        if connection.raises_alarm():
            text = f"{connection.name}: {connection.sentence}"
            key = f"{connection.name}:{connection.state}:{connection.since}"
            self._spawn(partial(self.notices.alarm, key, text, not_on=connection.name))
        if connection.ends_alarm():
            key, text = f"{connection.name}:{connection.since}", f"{connection.name} answers again."
            self._spawn(partial(self.notices.relief, key, text, not_on=connection.name))

    async def _deliver_all(self, connection: Connection) -> None:
        for chat in await self.database.read(outbox.open_chats):
            if chat.platform == connection.name:
                self.delivery.notify(chat)

    async def _introduce(self, connection: Connection) -> None:
        """After the first connect: register the menu."""
        if connection.name in self._introduced:
            return
        self._introduced.add(connection.name)
        menus = ability(connection.adapter, Menus)
        if menus is not None:
            try:
                await menus.menu(self.registry.menu())
            except HermesError as error:
                log.warning("The command menu of %s was not registered: %s", connection.name, error)

    async def drain(self) -> None:
        """Stop intake, let running turns end for a bounded time, and send what is owed.

        What does not end in time is interrupted and continues with the next start.
        """
        await self.front.disconnect()
        if self._receipt is None:
            # Not even prepared: what the last process left stays as it is, and the next start looks at it.
            return
        self.turns.lanes.close()
        self.control.lanes.close()
        self.handoff.close()
        running = len(self.turns.running)
        await self.turns.lanes.idle(self.settings.turns.drain_seconds)
        await self.control.lanes.idle(STOP_GRACE_SECONDS)
        await self.notices.stopping(min(running, len(self.turns.running)))
        await self.delivery.lanes.idle(STOP_GRACE_SECONDS)
        await self.notices.stopped()
        for unlisten in self._unlisten:
            unlisten()
        for connection in self.connections.values():
            connection.stopped()

    def _spawn(self, work: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
        assert self._group is not None  # noqa: S101 - events arrive only while the gateway is open
        guarded = self._guarded(work, *args, **kwargs)
        try:
            self._group.create_task(guarded)
        except RuntimeError:
            # The gateway is ending; what is left undone here is taken up by the next start.
            guarded.close()

    async def _guarded(self, work: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await work(*args, **kwargs)
        except HermesError as error:
            log.warning("Housekeeping failed: %s", error)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            await self._guarded(self.notices.alive)

    async def _cancel(self, session_id: str, actor: str) -> int:
        return sum([await cancel(session_id, actor) for cancel in self.cancels])

    async def _alarm(self, key: str, text: str) -> None:
        await self.notices.alarm(key, text)

    async def _status(self) -> Mapping[str, Any]:
        return as_mapping(await self.reporter.status())

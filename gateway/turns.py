"""The turn loop: takes a session's waiting messages, runs the agent, and has its ending committed as one unit."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.access import Access
from gateway.adapter import Adapter
from gateway.endings import Endings
from gateway.lanes import Lanes
from gateway.media import Media
from gateway.picking import Picker
from gateway.progress import Keeper
from gateway.rates import Gate
from gateway.settings import GatewaySettings
from gateway.stage import Scene, Stage
from kernel.clock import Clock
from kernel.crashpoints import crashpoint
from kernel.errors import AgentError, HermesError
from kernel.events import Event
from kernel.messages import InboundKind
from kernel.turns import Persona, TurnInput, TurnOutcome, TurnRequest, TurnRunner
from store import inbox, turns
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Wait
from store.turns import Begun, Ending, Suspect

log = logging.getLogger(__name__)

ARRIVAL = "handoff:"


@dataclass(slots=True)
class Running:
    """A turn that runs: its stage, and the inbox ids that were handed to it while it ran."""

    begun: Begun
    stage: Stage
    offered: set[int] = field(default_factory=set[int])

    @property
    def arriving(self) -> bool:
        """Whether it is the turn with which a handoff arrives: what is said meanwhile is answered after it."""
        first = self.begun.rows[0].inbound
        return first.kind is InboundKind.INTERNAL and first.key.startswith(ARRIVAL)


@dataclass(frozen=True, slots=True)
class Platforms:
    """Who speaks for a platform and account, and the gate of that bot."""

    adapters: Mapping[tuple[str, str], Adapter]
    gates: Mapping[tuple[str, str], Gate]


async def nobody(_session_id: str) -> Persona | None:
    """Return ``None``: the agent speaks as Hermes."""
    return None


@dataclass(frozen=True, slots=True)
class Agents:
    """Where turns are run: ``runner()`` gives the agent, loading it on first use; ``workspace`` maps a session's id to
    the folder its tools may use; ``today()`` is the owner's calendar day; ``alarm(key, text)`` tells the owner;
    ``persona(session_id)`` is as whom the agent speaks there.
    """

    runner: Callable[[], Awaitable[TurnRunner]]
    workspace: Callable[[str], Path]
    today: Callable[[], str]
    alarm: Callable[[str, str], Awaitable[None]]
    persona: Callable[[str], Awaitable[Persona | None]] = nobody


class Turns:
    """Runs one turn at a time per session, a bounded number at once."""

    def __init__(
        self,
        database: Database,
        access: Access,
        settings: GatewaySettings,
        clock: Clock,
        platforms: Platforms,
        media: Media,
        agents: Agents,
    ) -> None:
        self._database = database
        self._access = access
        self._settings = settings
        self._clock = clock
        self._adapters = platforms.adapters
        self._gates = platforms.gates
        self._media = media
        self._agents = agents
        self._picker = Picker(lambda: self._settings, platforms.adapters)
        self._endings = Endings(database, platforms.adapters, agents.today)
        self._at_once = settings.turns.at_once
        self._slots = asyncio.Semaphore(self._at_once)
        self._alone = asyncio.Lock()
        self._running: dict[str, Running] = {}
        self._drafts = clock.now() % 1_000_000_000
        self.lanes: Lanes[str] = Lanes("turns", self.work)

    def configure(self, settings: GatewaySettings) -> None:
        """Use new settings; the number of turns at once changes with the next start."""
        self._settings = settings

    @property
    def running(self) -> Mapping[str, Running]:
        """The turns that run now, by session."""
        return self._running

    def admitted(self, event: Event) -> None:
        """Hear of a message that was stored for a session (``inbox.admit`` with a body)."""
        if session_id := event.body.get("session"):
            self._arrived(str(session_id))

    def woken(self, event: Event) -> None:
        """Hear of a message that became a session's later on (``session.wake``)."""
        self._arrived(event.subject)

    def _arrived(self, session_id: str) -> None:
        self.lanes.notify(session_id)
        if session_id in self._running and self._settings.sessions.on_message != "queue":
            self._steers.notify(session_id)

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to run turns in a task group."""
        self._group = group
        self._steers: Lanes[str] = Lanes("steering", self._steer)
        self._steers.open(group)
        self.lanes.open(group)

    async def _steer(self, session_id: str) -> None:
        """Hand everything that waits to the running turn, in order: a later message never overtakes an earlier one."""
        running = self._running.get(session_id)
        if running is not None and running.arriving:
            return
        for row in await self._database.read(inbox.queued, session_id):
            if row.inbound.kind is InboundKind.INTERNAL or running is not self._running.get(session_id):
                return
            if running is None or row.id in running.offered:
                continue
            if self._settings.sessions.on_message == "interrupt":
                running.stage.halt("a new message")
                return
            if not self._may_steer(running, row):
                return
            running.offered.add(row.id)
            running.stage.offer(self._input(await self._media.fetch(row)))

    def _may_steer(self, running: Running, row: InboxRow) -> bool:
        """Tell whether a message may become part of a turn: nobody speaks with the rights of somebody above them."""
        acting = self._access.principal_of(running.begun.turn.principal)
        return self._access.principal(row.inbound).role >= acting.role

    def offered(self, session_id: str, number: int) -> bool:
        """Tell whether the running turn of a session was handed a message that arrived meanwhile."""
        running = self._running.get(session_id)
        return running is not None and number in running.offered

    def halt(self, session_id: str, actor: str) -> bool:
        """Ask a session's running turn to stop; tell whether one runs."""
        running = self._running.get(session_id)
        if running is None:
            return False
        running.stage.halt(actor)
        return True

    def halt_arriving(self, session_id: str, actor: str) -> bool:
        """Ask the turn with which a session arrives somewhere to stop; tell whether one runs."""
        running = self._running.get(session_id)
        return running is not None and running.arriving and self.halt(session_id, actor)

    async def work(self, session_id: str) -> None:
        """Run turns of a session until nothing waits, or the lanes are closed."""
        while True:
            async with self._slots:
                begun = await self._one(session_id)
            if isinstance(begun, Suspect):
                async with self._all_slots():
                    begun = await self._one(session_id, alone=True)
            if begun is None:
                return
            if isinstance(begun, Wait):
                await asyncio.sleep(begun.delay / 1000)

    @contextlib.asynccontextmanager
    async def _all_slots(self) -> AsyncGenerator[None]:
        """Let no other turn run meanwhile; those that run already end first."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._alone)
            for _ in range(self._at_once):
                await stack.enter_async_context(self._slots)
            yield

    async def _one(self, session_id: str, *, alone: bool = False) -> Begun | Suspect | Wait | None:
        """Run one turn of a session, if there is one to run."""
        begun = None if self.lanes.closed else await self._begin(session_id, alone=alone)
        if isinstance(begun, Begun):
            await self._run(begun)
        return begun

    async def _begin(self, session_id: str, *, alone: bool) -> Begun | Suspect | Wait | None:
        crashpoint("turn.before_start")
        begun = await self._database.write(turns.begin, session_id, self._picker.pick, alone=alone)
        if isinstance(begun, Begun):
            crashpoint("turn.after_start")
        return begun

    async def _run(self, begun: Begun) -> None:
        if begun.turn.crashed >= self._settings.turns.attempts:
            return await self._give_up(begun)
        running = Running(begun, self._stage(begun))
        self._running[begun.session.id] = running
        try:
            async with self._shown(running.stage):
                ending, good = await self._attempt(running)
            await self._commit(running, ending, good=good)
        finally:
            del self._running[begun.session.id]

    @contextlib.asynccontextmanager
    async def _shown(self, stage: Stage) -> AsyncGenerator[None]:
        task = self._group.create_task(self._show(stage))
        try:
            yield
            await stage.settle()
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _show(self, stage: Stage) -> None:
        try:
            await stage.show()
        except Exception:
            # What is shown meanwhile is never owed: a bug there must not end the turn.
            log.exception("Progress could not be shown.")

    async def _attempt(self, running: Running) -> tuple[Ending, bool]:
        begun = running.begun
        try:
            request = await self._request(begun)
            runner = await self._agents.runner()
            outcome = await self._heard(runner, request, running.stage)
        except AgentError as error:
            return self._endings.failed(begun, error), False
        except Exception as error:
            # Any bug in a turn ends in an explained message, and the session stays usable.
            log.exception("Turn %s failed in a way nobody foresaw.", begun.turn.id)
            kind = type(error).__name__
            return self._endings.failed(
                begun, HermesError(f"This turn failed: {kind}.", remedy="/retry tries again.")
            ), False
        crashpoint("turn.after_model")
        await running.stage.settle()
        return self._endings.of(begun, outcome, running.stage), not (outcome.stopped or outcome.failed)

    async def _heard(self, runner: TurnRunner, request: TurnRequest, stage: Stage) -> TurnOutcome:
        """Run a turn; what a quiet agent says is kept in its conversation and shown to nobody."""
        if request.persona is None or not request.persona.quiet:
            return await runner.run(request, stage)
        stage.hush()
        outcome = await runner.run(request, stage)
        # Of a turn that failed the reason stands last, and is ours.
        why = outcome.text.rpartition("\n\n")[2] if outcome.failed else ""
        return replace(outcome, text=why, notices=(), silent=True)

    async def _request(self, begun: Begun) -> TurnRequest:
        rows = [await self._media.fetch(row) for row in begun.rows]
        persona = await self._agents.persona(begun.session.id)
        return TurnRequest(
            begun.turn.id,
            begun.session.id,
            begun.session.address,
            self._access.principal_of(begun.turn.principal),
            tuple(self._input(row) for row in rows),
            self._agents.workspace(begun.session.id),
            begun.session.model or (persona.model if persona is not None else ""),
            begun.turn.attempt,
            begun.turn.internal,
            persona,
        )

    def _input(self, row: InboxRow) -> TurnInput:
        inbound = row.inbound
        author = "" if inbound.private else inbound.sender.name
        return TurnInput(row.id, inbound.text, inbound.attachments, author, row.note)

    def _stage(self, begun: Begun) -> Stage:
        last, session = begun.rows[-1].inbound, begun.session
        key = (session.address.platform, session.address.account)
        scene = Scene(
            session.address,
            "" if begun.turn.internal else last.message_id,
            not session.private,
            session.quiet_until > self._clock.now(),
            session.verbose,
            self._settings.turns.silent_seconds,
        )
        turn_id = begun.turn.id
        self._drafts += 1
        return Stage(
            scene,
            self._adapters[key],
            self._gates[key],
            self._clock,
            draft_id=self._drafts,
            keeper=Keeper(
                turn_id,
                begun.turn.bubble,
                lambda message: self._database.write(turns.keep_bubble, turn_id, message),
            ),
        )

    async def _commit(self, running: Running, ending: Ending, *, good: bool) -> None:
        ending = await self._endings.store(running.begun, ending)
        crashpoint("turn.after_commit")
        replaced = ending.owed[0].message.replaces if ending.owed else ""
        await running.stage.clear(good=good, replaced=replaced)

    async def _give_up(self, begun: Begun) -> None:
        """Quarantine messages whose turn did not survive several attempts, and say so."""
        await self._database.write(turns.end, self._endings.given_up(begun))
        await self._agents.alarm(
            f"quarantine:{begun.turn.id}",
            f"A message in {begun.session.address} was set aside after crashes.",
        )

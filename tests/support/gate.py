"""The gate on a real database: a chat with a turn, people, a surface that records cards, and a tool that counts."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Never

from approvals.policy import Policy, Surroundings
from approvals.service import ApprovalService
from approvals.settings import ApprovalSettings
from kernel.approvals import (
    Action,
    ActionKind,
    Approval,
    ApprovedCall,
    CallResult,
    arguments_text,
)
from kernel.bus import Bus
from kernel.events import Event
from kernel.messages import Address, Button, Inbound, Outbound, OutboundKind, Receipt, Sender
from kernel.people import Principal, Role, Scope
from kernel.specs import Tool
from kernel.turns import Held, ToolContext, TurnRequest
from store import approval_cards, approvals, inbox, outbox, sessions, turns
from store.database import Database
from store.inbox import Verdict
from store.outbox import OutboxRow, Owed
from store.turns import Begun
from store.units import Query, Unit

CHAT = Address("telegram", "bot", "1")
OWNER = Principal("telegram:1", Role.OWNER, "Ada")
OPERATOR = Principal("telegram:2", Role.OPERATOR, "Ben")
USER = Principal("telegram:3", Role.USER, "Cleo")
PROGRAM = Principal("token:ci", Role.OWNER, "ci", frozenset({Scope.APPROVALS_ASK}))
DECIDER = Principal("token:phone", Role.OWNER, "phone", frozenset({Scope.APPROVALS_DECIDE}))
DAY = 86_400_000
MINUTE = 60_000


@dataclass
class ManualClock:
    """A clock that a test moves: both hands together, or the wall's alone."""

    wall: int = 1_800_000_000_000
    steady: float = 1000.0

    def now(self) -> int:
        """Return the wall time in milliseconds."""
        return self.wall

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self.steady

    def advance(self, milliseconds: int) -> None:
        """Let time pass."""
        self.wall += milliseconds
        self.steady += milliseconds / 1000


class Cards:
    """A surface of one chat: a card per request, an edit per change, a question about what was lost."""

    def __init__(self) -> None:
        self.places: tuple[Address, ...] = (CHAT,)
        self.second: Address | None = None
        self.codes: list[str] = []

    def asked(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return one card for every place."""
        del q
        return [
            Owed(
                f"approval:{approval.id}:card:{place}",
                Outbound(place, approval.action.text, buttons=((Button("Approve", approval.id),),)),
                session_id=approval.session_id,
                turn_id=approval.turn_id,
            )
            for place in self.places
        ]

    def escalated(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return a card for the next place."""
        del q
        place = CHAT._replace(chat=f"escalation {approval.escalation}")
        return [Owed(f"approval:{approval.id}:card:{place}", Outbound(place, approval.action.text))]

    def changed(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the edits of every delivered card."""
        mark = f"{approval.state}:{approval.veto_since}"
        return [
            Owed(
                f"{row.key}:{mark}",
                Outbound(
                    row.message.address, str(approval.state), OutboundKind.EDIT, replaces=row.receipt[-1]
                ),
            )
            for row in approval_cards.of_request(q, approval.id)
            if row.receipt
        ]

    def lost(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the question what became of an action."""
        del q
        return [Owed(f"approval:{approval.id}:lost", Outbound(CHAT, f"Did {approval.short} happen?"))]

    def code(self, q: Query, approval: Approval, code: str, asker: str) -> Sequence[Owed]:
        """Return the message with a code, where there is a second channel."""
        del q, asker
        if self.second is None:
            return []
        self.codes.append(code)
        return [Owed(f"approval:{approval.id}:code:{len(self.codes)}", Outbound(self.second, code))]


@dataclass
class Caller:
    """Carries calls out by writing them down; ``gate`` holds them back, ``failure`` makes them break."""

    calls: list[ApprovedCall] = field(default_factory=list)
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None
    result: CallResult = field(default_factory=lambda: CallResult("all well", 0))

    async def call(self, call: ApprovedCall) -> CallResult:
        """Note a call and return the result."""
        self.calls.append(call)
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.result


class NoIO:
    """A stage on which nothing is shown."""

    stop = asyncio.Event()

    def text(self, delta: str) -> None:
        """Show nothing."""

    def activity(self, label: str) -> None:
        """Show nothing."""

    def steering(self) -> Sequence[Any]:
        """Return nothing."""
        return ()

    async def steered(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


@dataclass
class House:
    """A home with a workspace, its database, and one running turn of a chat."""

    root: Path
    clock: ManualClock
    settings: ApprovalSettings
    cards: Cards = field(default_factory=Cards)
    caller: Caller = field(default_factory=Caller)
    events: list[Event] = field(default_factory=list)
    environment: tuple[tuple[str, str], ...] = ()
    session_id: str = ""
    turn_id: str = ""
    database: Database = field(init=False)
    service: ApprovalService = field(init=False)

    @property
    def workspace(self) -> Path:
        """The folder in which the agent works."""
        return self.root / "work"

    def policy(self) -> Policy:
        """Return the policy for this home."""
        pinned = Surroundings(
            str(self.root / "home"), str(self.root / "home/.hermes"), path=f"{self.root}/bin:/usr/bin:/bin"
        )
        return Policy(self.settings, pinned)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator["House"]:
        """Run the gate; leaving is a kill: nothing is settled, what runs is cut off."""
        bus = Bus()
        self.database = await Database.open(self.root / "hermes.db", clock=self.clock, bus=bus)
        self.service = ApprovalService(
            self.database, bus, self.clock, self.settings, self.policy(), self.cards, self.caller
        )
        bus.listen("", self.events.append)
        if not self.session_id:
            self.session_id, self.turn_id = await self.begin_turn()
        group = asyncio.TaskGroup()
        try:
            async with group:
                await self.service.open(group)
                yield self
                _leave()
        except* _Over:
            pass
        finally:
            await self.database.close()

    async def begin_turn(self) -> tuple[str, str]:
        """Let a message come in and its turn begin; return the session and the turn."""
        begun = await self.database.write(_begin_turn, len(self.events))
        return begun.session.id, begun.turn.id

    def request(self, principal: Principal = OWNER, attempt: int = 1) -> TurnRequest:
        """Return what the turn's agent was asked."""
        return TurnRequest(
            self.turn_id, self.session_id, CHAT, principal, (), self.workspace, attempt=attempt
        )

    def context(self, key: str = "call-1", **changes: Any) -> ToolContext:
        """Return a tool's context."""
        return ToolContext(self.request(**changes), key, NoIO())

    async def run(self, command: str, key: str = "call-1", **changes: Any) -> Action | None:
        """Let the agent's terminal tool run a command: passes, or raises what the gate raises."""
        return await self.service.check(self.context(key, **changes), self.tool, {"command": command})

    async def hold(self, command: str, key: str = "call-1", **changes: Any) -> Approval:
        """Let the agent run a command that is asked about; return the request."""
        try:
            await self.run(command, key, **changes)
        except Held as held:
            return await self.get(held.id)
        raise AssertionError(f"{command!r} was not asked about")

    @property
    def tool(self) -> Tool:
        """A terminal."""
        return Tool("terminal", _never, idempotent=False, action=self._action)

    async def _action(self, context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        return replace(self.action(arguments["command"]), workspaces=(str(context.request.workspace),))

    def action(self, command: str) -> Action:
        """Return a terminal's action."""
        return Action(
            ActionKind.TERMINAL,
            "terminal",
            arguments_text({"command": command}),
            command,
            cwd=str(self.workspace),
            environment=self.environment,
            workspaces=(str(self.workspace),),
            host="box",
            editable="command",
        )

    async def get(self, id: str) -> Approval:
        """Return a request as it is now."""
        return await self.database.read(approvals.get, id)

    async def owed(self) -> list[OutboxRow]:
        """Return everything that is owed or was sent."""
        return await self.database.read(_all_owed)

    async def deliver(self) -> None:
        """Let every pending message reach its platform."""
        await self.database.write(_deliver)
        await self.settled()

    async def settled(self) -> None:
        """Wait until the gate has looked at its deadlines and carried out what it may."""
        self.service.wake()
        for _ in range(30):
            await self.database.write(_nothing)
            await self.database.read(_nothing)
            await asyncio.sleep(0)

    async def told(self) -> list[str]:
        """Return the texts of the turns that Hermes started by itself."""
        return [row.inbound.text for row in await self.database.read(_internal)]

    def kinds(self, prefix: str) -> list[str]:
        """Return the kinds of the events that begin with ``prefix``."""
        return [event.kind for event in self.events if event.kind.startswith(prefix)]


class _Over(Exception):
    """The house is left."""


def _leave() -> Never:
    raise _Over


async def _never(context: ToolContext, command: str) -> str:
    raise AssertionError(f"{command} ran outside the gate in {context.call_key}")


def _begin_turn(tx: Unit, number: int) -> Begun:
    inbound = Inbound(CHAT, f"m{number}", f"{number}", Sender("1", "Ada"), text="please")
    session = sessions.resolve(
        tx, "telegram:bot:1:dm", CHAT, "telegram:1", private=True, reset=sessions.Reset()
    )
    inbox.add(tx, inbound, Verdict("admit", session=lambda _: session))
    begun = turns.begin(tx, session, lambda rows, _: rows)
    assert isinstance(begun, Begun)
    return begun


def _nothing(q: Query) -> None:
    q.one("SELECT 1")


def _all_owed(q: Query) -> list[OutboxRow]:
    return [outbox.row_of(row) for row in q.all("SELECT * FROM outbox ORDER BY id")]


def _internal(q: Query) -> list[inbox.InboxRow]:
    return [inbox.row_of(row) for row in q.all("SELECT * FROM inbox WHERE kind = 'internal' ORDER BY id")]


def _deliver(tx: Unit) -> None:
    for chat in outbox.open_chats(tx):
        while isinstance(row := outbox.claim(tx, chat), OutboxRow):
            outbox.confirm(tx, row.id, Receipt((f"p{row.id}",)))


def house(root: Path, **settings: Any) -> House:
    """Return a house with its folders; not opened yet."""
    for name in ("work", "home/.hermes", "bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return House(root, ManualClock(), ApprovalSettings(**settings))

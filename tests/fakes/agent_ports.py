"""The agent's ports in memory, keeping the contracts of kernel/ports.py, and a surface that records what it shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.build import AgentPorts, build_runner
from agent.runner import AgentRunner
from agent.settings import AgentSettings
from agent.tools.terminal.processes import Processes
from kernel.clock import SystemClock
from kernel.errors import Stale
from kernel.messages import Address, Heard
from kernel.people import Principal, Role
from kernel.turns import (
    Entry,
    JournalEntry,
    Spending,
    StagedConversation,
    StoredConversation,
    TurnInput,
    TurnOutcome,
    TurnRequest,
)
from tests.fakes.gate import FakeGate

UNKNOWN = "It is not known whether this call ran before the interruption; the owner was asked."


@dataclass
class MemoryLog:
    """Conversation logs in memory."""

    records: dict[str, StagedConversation] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    checkpoints: dict[str, StagedConversation] = field(default_factory=dict)

    async def load(self, conversation_id: str) -> StoredConversation | None:
        if (record := self.records.get(conversation_id)) is None:
            return None
        history: list[Entry] = []
        entry_id = record.head_id
        while entry_id is not None:
            history.append(self.entries[entry_id])
            entry_id = self.entries[entry_id].parent_id
        return StoredConversation(record.record, tuple(reversed(history)))

    async def commit(self, staged: StagedConversation) -> None:
        known = self.records.get(staged.conversation_id)
        if (known.revision if known else None) != staged.expected_revision:
            raise Stale("The conversation has moved on.")
        for entry in staged.entries:
            assert entry.id not in self.entries
            assert entry.parent_id is None or entry.parent_id in self.entries
            self.entries[entry.id] = entry
        self.records[staged.conversation_id] = staged

    async def checkpoint(self, turn_id: str, staged: StagedConversation) -> None:
        self.checkpoints[turn_id] = staged

    async def working_copy(self, turn_id: str) -> StagedConversation | None:
        return self.checkpoints.get(turn_id)


@dataclass
class MemoryJournal:
    """The journal of tool calls in memory; ``begun`` maps a key to its result, ``None`` while there is none."""

    begun: dict[tuple[str, str], str | None] = field(default_factory=dict)

    async def begin(
        self, request: TurnRequest, key: str, tool: str, arguments: str, *, idempotent: bool
    ) -> JournalEntry:
        known = (request.id, key)
        if known not in self.begun:
            self.begun[known] = None
            return JournalEntry(key, replay=False)
        if (result := self.begun[known]) is not None:
            return JournalEntry(key, replay=True, result=result)
        return (
            JournalEntry(key, replay=False) if idempotent else JournalEntry(key, replay=True, result=UNKNOWN)
        )

    async def finish(self, request: TurnRequest, key: str, result: str) -> None:
        self.begun[request.id, key] = result


@dataclass
class MemoryPeople:
    """Questions that were asked and files that were sent, each once per call key."""

    asked: dict[str, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)
    sent: dict[str, tuple[Path, str]] = field(default_factory=dict)

    async def ask(self, request: TurnRequest, text: str, options: Sequence[str], call_key: str) -> str:
        self.asked.setdefault(call_key, (f"q_{len(self.asked) + 1}", text, tuple(options)))
        return self.asked[call_key][0]

    async def send_file(self, request: TurnRequest, path: Path, caption: str, call_key: str) -> None:
        self.sent.setdefault(call_key, (path, caption))


@dataclass
class MemoryNotes:
    """Notes in memory."""

    kept: list[tuple[str, str]] = field(default_factory=list)

    async def remember(self, owner: str, text: str) -> int:
        self.kept.append((owner, text))
        return len(self.kept)

    async def recall(self, owner: str, query: str, limit: int = 20) -> Sequence[str]:
        words = query.lower().split()
        numbered = [(n, text) for n, (who, text) in enumerate(self.kept, 1) if who == owner]
        found = [f"#{n} {text}" for n, text in numbered if all(word in text.lower() for word in words)]
        return list(reversed(found))[:limit]


@dataclass
class MemoryLedger:
    """What has been spent today, as a test says."""

    spent: Spending = field(default_factory=lambda: Spending(0, 0.0))

    async def today(self) -> Spending:
        return self.spent


class Surface:
    """A TurnIO that records what it is shown and hands out what a test steers."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.shown: list[str] = []
        self.activities: list[str] = []
        self.waiting: list[TurnInput] = []
        self.heard = asyncio.Event()
        self.begun = asyncio.Event()

    @property
    def written(self) -> str:
        return "".join(self.shown)

    def text(self, delta: str) -> None:
        self.shown.append(delta)
        self.begun.set()

    def activity(self, label: str) -> None:
        self.activities.append(label)

    def say(self, inbox_id: int, text: str) -> None:
        self.waiting.append(TurnInput(inbox_id, text))
        self.heard.set()

    def steering(self) -> Sequence[TurnInput]:
        taken, self.waiting = self.waiting, []
        self.heard.clear()
        return taken

    async def steered(self) -> None:
        await self.heard.wait()


@dataclass
class MemoryShelf:
    """What tools keep for a session, in memory."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    async def get(self, session_id: str, name: str) -> str:
        return self.kept.get((session_id, name), "")

    async def put(self, session_id: str, name: str, value: str) -> None:
        if value:
            self.kept[session_id, name] = value
        else:
            self.kept.pop((session_id, name), None)


@dataclass
class MemoryChannels:
    """Channels in memory, by what is typed for them; ``refusal`` is raised instead."""

    said: dict[str, list[Heard]] = field(default_factory=dict)
    asked: list[tuple[str, str, int, str]] = field(default_factory=list)
    refusal: Exception | None = None

    async def read(
        self, request: TurnRequest, address: str, since: str, limit: int, words: str
    ) -> Sequence[Heard]:
        del request
        self.asked.append((address, since, limit, words))
        if self.refusal is not None:
            raise self.refusal
        return [one for one in self.said.get(address, []) if words in one.text][-limit:]


@dataclass
class Ports:
    """All ports of one runner."""

    log: MemoryLog = field(default_factory=MemoryLog)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    people: MemoryPeople = field(default_factory=MemoryPeople)
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    channels: MemoryChannels = field(default_factory=MemoryChannels)
    gate: FakeGate = field(default_factory=FakeGate)
    processes: Processes = field(default_factory=Processes)

    async def commit(self, outcome: TurnOutcome) -> None:
        """Write what a turn staged, as the gateway does when a turn ends."""
        if outcome.conversation is not None:
            await self.log.commit(outcome.conversation)


def runner_on(ports: Ports, home: Path, settings: AgentSettings | None = None) -> AgentRunner:
    """Return a runner on these ports; a second one on the same ports is what a restart brings."""
    given = AgentPorts(
        ports.log,
        ports.journal,
        ports.ledger,
        ports.notes,
        ports.people,
        ports.people,
        ports.shelf,
        ports.channels,
    )
    return build_runner(
        settings or AgentSettings(),
        given,
        home=home,
        clock=SystemClock(),
        processes=ports.processes,
        gate=ports.gate,
    )


class Chat:
    """A person's session with a runner; every turn is committed as the gateway would."""

    def __init__(self, runner: AgentRunner, ports: Ports, workspace: Path, session: str = "s_1") -> None:
        self.runner, self.ports, self.workspace, self.session = runner, ports, workspace, session
        self.turns = 0
        self.surface = Surface()

    async def send(self, text: str, *, internal: bool = False, model: str = "") -> TurnOutcome:
        """Run one turn and commit what came of it."""
        self.turns += 1
        self.surface = Surface()
        turn = f"{self.session}_t_{self.turns}"
        request = turn_request(
            text,
            self.workspace,
            turn=turn,
            session=self.session,
            inbox=self.turns,
            internal=internal,
            model=model,
        )
        outcome = await self.runner.run(request, self.surface)
        await self.ports.commit(outcome)
        return outcome


def turn_request(
    text: str,
    workspace: Path,
    *,
    turn: str = "t_1",
    session: str = "s_1",
    inbox: int = 1,
    attempt: int = 1,
    internal: bool = False,
    model: str = "",
) -> TurnRequest:
    """Return a request for one message in a private chat."""
    return TurnRequest(
        id=turn,
        session_id=session,
        address=Address("fake", "bot", "42"),
        principal=Principal("fake:42", Role.OWNER),
        inputs=(TurnInput(inbox, text),),
        workspace=workspace,
        attempt=attempt,
        internal=internal,
        model=model,
    )

"""One run of an agent: what it is given, what it may say while it works, and what comes out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kernel.approvals import Action
from kernel.messages import Address, Attachment
from kernel.people import Principal


@dataclass(frozen=True, slots=True)
class TurnInput:
    """One message for the agent; ``inbox_id`` is its row, ``author`` the display name in a shared chat, else empty."""

    inbox_id: int
    text: str
    attachments: tuple[Attachment, ...] = ()
    author: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Persona:
    """As whom an agent works: its name, its model (empty: the configured one), what it is told about itself, and the
    only tools it is offered (empty: all). What it says is kept and not shown where it is ``quiet``.

    ``tokens`` and ``money`` (US dollars) are what is left for it of a task's budget; ``None`` is no limit.
    """

    name: str
    model: str = ""
    instructions: str = ""
    tools: frozenset[str] = frozenset()
    tokens: int | None = None
    money: float | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What the agent is asked to do.

    ``attempt`` starts at 1 and grows when a crash interrupted the turn; ``internal`` turns are started by Hermes (an
    answered question, a result), not by a message. ``model`` overrides the configured one when it is not empty.
    ``workspace`` is the folder its tools may use. ``persona`` is as whom it is done, ``None`` for Hermes itself.
    """

    id: str
    session_id: str
    address: Address
    principal: Principal
    inputs: tuple[TurnInput, ...]
    workspace: Path
    model: str = ""
    attempt: int = 1
    internal: bool = False
    persona: Persona | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a conversation log as JSON text, linked to the one before it."""

    id: str
    parent_id: str | None
    body: str


@dataclass(frozen=True, slots=True)
class StagedConversation:
    """What is to be written to a conversation log in the unit that finishes the turn.

    ``record`` is JSON text; ``expected_revision`` is the stored revision it extends, ``None`` for a new conversation.
    """

    conversation_id: str
    record: str
    revision: str
    head_id: str | None
    entries: tuple[Entry, ...]
    expected_revision: str | None


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation log as it stands: its record and its history, oldest first."""

    record: str
    history: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one turn used of one model; ``cost`` is in US dollars, ``None`` when no price is known."""

    model: str
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """How a turn ended.

    ``held`` are the ids of the questions (or approvals) it waits for, ``consumed`` the inbox ids of steering messages
    the model saw, ``stopped`` says that ``TurnIO.stop`` ended it, ``notices`` are sentences for the person that
    precede the answer (another model stepped in, a budget is nearly spent), ``failed`` says that the text ends in the
    reason why the turn could not be finished and that the conversation keeps what was done until then. ``silent`` says
    that there was nothing to do and nothing is said. ``cut`` is the sentence of the limit that ended the turn before
    the agent did, empty where it ended by itself.
    """

    text: str
    conversation: StagedConversation | None = None
    usage: tuple[Usage, ...] = ()
    held: tuple[str, ...] = ()
    consumed: tuple[int, ...] = ()
    stopped: bool = False
    notices: tuple[str, ...] = ()
    failed: bool = False
    silent: bool = False
    cut: str = ""


class TurnIO(Protocol):
    """How a running turn speaks to the surface and hears from it; no method blocks."""

    stop: asyncio.Event

    def text(self, delta: str) -> None:
        """Show a piece of the answer as it is written."""
        ...

    def activity(self, label: str) -> None:
        """Say what the agent does now, in a few words (``"reading notes.md"``)."""
        ...

    def steering(self) -> Sequence[TurnInput]:
        """Take the messages that arrived for this turn since the last call, oldest first."""
        ...

    async def steered(self) -> None:
        """Wait until ``steering`` has something to take."""
        ...


class TurnRunner(Protocol):
    """Runs agents."""

    async def run(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        """Carry out one turn; raise AgentError, with a message for the person, when it cannot."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool is given besides its arguments; ``call_key`` names this call in the journal.

    ``approved`` is the action as the gate judged it or a person approved it: the tool does exactly what it says, in its
    folder and its environment, with its ``argv`` where there is one.
    """

    request: TurnRequest
    call_key: str
    io: TurnIO
    approved: Action | None = None


class Held(Exception):
    """A tool waits for a person: the call is answered with ``text`` and the turn ends suspended on ``id``."""

    def __init__(self, id: str, text: str) -> None:
        super().__init__(text)
        self.id = id
        self.text = text


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A journalled tool call: ``result`` is set when ``replay`` is true, and then the tool must not run."""

    key: str
    replay: bool
    result: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """What has been used since midnight in the owner's timezone; ``cost`` in US dollars."""

    tokens: int
    cost: float
    by_model: Mapping[str, float] = field(default_factory=dict[str, float])

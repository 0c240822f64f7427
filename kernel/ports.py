"""Ports: what the agent room needs from the rooms it may not import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from kernel.approvals import Action, ApprovedCall, CallResult
from kernel.messages import Heard
from kernel.specs import Tool
from kernel.turns import (
    JournalEntry,
    Spending,
    StagedConversation,
    StoredConversation,
    ToolContext,
    TurnRequest,
)


class ConversationLog(Protocol):
    """The stored conversation logs."""

    async def load(self, conversation_id: str) -> StoredConversation | None:
        """Return the conversation, or ``None`` when there is none yet."""
        ...

    async def commit(self, staged: StagedConversation) -> None:
        """Write a change made outside a turn (undo, compaction); raise Stale when the revision moved on."""
        ...

    async def checkpoint(self, turn_id: str, staged: StagedConversation) -> None:
        """Keep a turn's working copy before its tools run, so that a restart continues from it."""
        ...

    async def working_copy(self, turn_id: str) -> StagedConversation | None:
        """Return the last checkpoint of an interrupted turn, or ``None``."""
        ...


class Journal(Protocol):
    """The journal of tool calls: intent before the call, result after it."""

    async def begin(
        self, request: TurnRequest, key: str, tool: str, arguments: str, *, idempotent: bool
    ) -> JournalEntry:
        """Write the intent, or return the stored result of a call that was begun before a crash.

        A call with a stored result is replayed. A begun call without one runs again when it is ``idempotent``;
        otherwise its outcome is unknown: the owner is asked and the entry replays a sentence that says so.
        """
        ...

    async def finish(self, request: TurnRequest, key: str, result: str) -> None:
        """Store the result of a call."""
        ...


class Questions(Protocol):
    """Questions to people."""

    async def ask(self, request: TurnRequest, text: str, options: Sequence[str], call_key: str) -> str:
        """Commit a question with its card and return its id; asking again with the same key returns the same id."""
        ...


class Outlet(Protocol):
    """What a tool may send to the chat of its turn."""

    async def send_file(self, request: TurnRequest, path: Path, caption: str, call_key: str) -> None:
        """Commit a file as an owed message; sending again with the same key changes nothing."""
        ...


class Channels(Protocol):
    """Reads channels and chats back, as far as the person of the turn may see them."""

    async def read(
        self, request: TurnRequest, address: str, since: str, limit: int, words: str
    ) -> Sequence[Heard]:
        """Return the latest ``limit`` messages of ``platform:chat[:thread]`` or a nickname, oldest first.

        ``since`` is empty, a span (``"2h"``) or a time (ISO 8601); with ``words`` only messages that have them. Raises
        AccessDenied, InvalidInput or PlatformUnavailable.
        """
        ...


class Notes(Protocol):
    """Notes that outlive a session; ``owner`` is a principal's id."""

    async def remember(self, owner: str, text: str) -> int:
        """Store a note and return its number."""
        ...

    async def recall(self, owner: str, query: str, limit: int = 20) -> Sequence[str]:
        """Return matching notes, newest first, each as ``"#number text"``."""
        ...


class Ledger(Protocol):
    """What has been spent."""

    async def today(self) -> Spending:
        """Return the spending since midnight in the owner's timezone."""
        ...


class Gate(Protocol):
    """What decides whether a tool call may run now."""

    async def check(self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]) -> Action | None:
        """Let the call pass, raise Held when a person must decide first, or AccessDenied when it may never run.

        Returns the action as it was judged, to become ``ToolContext.approved``; ``None`` for a tool that has none.
        Asked before the call is journalled, and for every tool; asking again with the same turn and call key is
        answered in the same way, so that a turn which a crash interrupted waits for the same request.
        """
        ...


class ToolCaller(Protocol):
    """What carries an approved call out: without the gate, which has decided, and without the journal."""

    async def call(self, call: ApprovedCall) -> CallResult:
        """Run the call's tool with exactly its action (``ToolContext.approved``); a failure is a result as well."""
        ...


class Shelf(Protocol):
    """Small texts that tools keep for a session from one call to the next, also over a restart."""

    async def get(self, session_id: str, name: str) -> str:
        """Return what was put there, or an empty string."""
        ...

    async def put(self, session_id: str, name: str, value: str) -> None:
        """Keep a text; an empty one removes it."""
        ...

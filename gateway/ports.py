"""The ports of the agent room, kept on the store."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from kernel.messages import Outbound, OutboundKind, Priority
from kernel.states import ToolCallState
from kernel.turns import JournalEntry, Spending, StagedConversation, StoredConversation, TurnRequest
from store import conversations, journal, marks, notes, outbox, usage
from store.database import Database
from store.journal import Call
from store.outbox import Owed
from store.units import Unit

log = logging.getLogger(__name__)

CALLS_REMEMBERED = 500


class StoredLog:
    """Conversation logs (``kernel.ports.ConversationLog``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, conversation_id: str) -> StoredConversation | None:
        """Return the conversation, or ``None``."""
        return await self._database.read(conversations.load, conversation_id)

    async def commit(self, staged: StagedConversation) -> None:
        """Write a change made outside a turn."""
        await self._database.write(conversations.write, staged)

    async def checkpoint(self, turn_id: str, staged: StagedConversation) -> None:
        """Keep a turn's working copy."""
        await self._database.write(conversations.checkpoint, turn_id, staged)

    async def working_copy(self, turn_id: str) -> StagedConversation | None:
        """Return a turn's last checkpoint."""
        return await self._database.read(conversations.working_copy, turn_id)


class StoredJournal:
    """The journal of tool calls (``kernel.ports.Journal``)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Who hears of calls that ended: session, tool, arguments (JSON) and result; kept short, the turn waits for it.
        self.watchers: list[Callable[[str, str, str, str], None]] = []
        self._under_way: dict[tuple[str, str], tuple[str, str]] = {}

    async def begin(
        self, request: TurnRequest, key: str, tool: str, arguments: str, *, idempotent: bool
    ) -> JournalEntry:
        """Write the intent, or say what became of the call before a crash."""
        digest = hashlib.sha256(arguments.encode()).hexdigest()
        call = await self._database.write(journal.begin, request.id, key, tool, digest, idempotent=idempotent)
        if call.new or (call.idempotent and call.state is ToolCallState.INTENT):
            self._remember(request.id, key, tool, arguments)
            return JournalEntry(key, replay=False)
        if call.state is ToolCallState.DONE:
            return JournalEntry(key, replay=True, result=call.result)
        return await self._unknown(request, call, arguments)

    def _remember(self, turn_id: str, key: str, tool: str, arguments: str) -> None:
        """Keep what a call is given until it ends; one that waits for a person may never."""
        if not self.watchers:
            return
        if len(self._under_way) >= CALLS_REMEMBERED:
            del self._under_way[next(iter(self._under_way))]
        self._under_way[turn_id, key] = tool, arguments

    async def _unknown(self, request: TurnRequest, call: Call, arguments: str) -> JournalEntry:
        """Say that a call may have run; the owner hears of it in the chat, and nothing runs again by itself."""
        sentence = (
            f"The outcome of {call.tool} is unknown: Hermes stopped while it ran. It was not run again. "
            "Find out whether it happened before you decide what to do."
        )
        if call.state is ToolCallState.INTENT:
            told = f"⚠️ {sentence}\n\n`{call.tool} {arguments[:500]}`"
            owed = Owed(
                f"unknown:{request.id}:{call.key}",
                Outbound(request.address, told),
                Priority.QUESTION,
                request.session_id,
                request.id,
            )
            await self._database.write(_lose_and_tell, call.id, owed)
        return JournalEntry(call.key, replay=True, result=sentence)

    async def finish(self, request: TurnRequest, key: str, result: str) -> None:
        """Store the result of a call."""
        tool, arguments = self._under_way.pop((request.id, key), ("", ""))
        await self._database.write(journal.finish, request.id, key, result)
        if tool:
            for watcher in self.watchers:
                watcher(request.session_id, tool, arguments, result)


def _lose_and_tell(tx: Unit, call_id: int, owed: Owed) -> None:
    journal.lose(tx, call_id)
    outbox.add(tx, owed)


class StoredOutlet:
    """What a tool sends to the chat of its turn (``kernel.ports.Outlet``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send_file(self, request: TurnRequest, path: Path, caption: str, call_key: str) -> None:
        """Commit a file as an owed message."""
        message = Outbound(request.address, caption, OutboundKind.FILE, file=path, file_name=path.name)
        owed = Owed(f"file:{request.id}:{call_key}", message, Priority.REPLY, request.session_id, request.id)
        await self._database.write(outbox.add, owed)


class StoredNotes:
    """Notes that outlive a session (``kernel.ports.Notes``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, owner: str, text: str) -> int:
        """Store a note and return its number."""
        return await self._database.write(notes.remember, owner, text)

    async def recall(self, owner: str, query: str, limit: int = 20) -> Sequence[str]:
        """Return matching notes, newest first."""
        return await self._database.read(notes.recall, owner, query, limit)


class StoredLedger:
    """What has been spent (``kernel.ports.Ledger``); ``today()`` is the owner's calendar day."""

    def __init__(self, database: Database, today: Callable[[], str]) -> None:
        self._database = database
        self._today = today

    async def today(self) -> Spending:
        """Return the spending since midnight in the owner's timezone."""
        return await self._database.read(usage.spending, self._today())


class StoredShelf:
    """What tools keep for a session (``kernel.ports.Shelf``); it goes when the session is forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, session_id: str, name: str) -> str:
        """Return what was put there, or an empty string."""
        return await self._database.read(marks.get, marks.of_session(session_id, name))

    async def put(self, session_id: str, name: str, value: str) -> None:
        """Keep a text; an empty one removes it."""
        mark = marks.of_session(session_id, name)
        if value:
            await self._database.write(marks.put, mark, value)
        else:
            await self._database.write(marks.take, mark)

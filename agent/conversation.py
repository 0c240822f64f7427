"""The conversation of one turn: read from the stored log, written in memory, handed over as one staged change."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from pydantic import ConfigDict, TypeAdapter
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.usage import RunUsage

from kernel.errors import Stale
from kernel.ports import ConversationLog
from kernel.turns import Entry, StagedConversation

_MESSAGE: TypeAdapter[ModelMessage] = TypeAdapter(
    ModelMessage, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
)
_RECORD: TypeAdapter[ConversationRecord] = TypeAdapter(ConversationRecord)

# Parsed messages are kept up to this many characters of JSON, over all conversations.
CACHE_CHARACTERS = 8_000_000


class MessageCache:
    """Parsed entries of recent conversations; an entry never changes, so its id is its version."""

    def __init__(self, limit: int = CACHE_CHARACTERS) -> None:
        self._limit = limit
        self._size = 0
        self._entries: OrderedDict[str, tuple[ModelMessage, int]] = OrderedDict()

    def message(self, entry: Entry) -> ModelMessage:
        """Return the message of an entry, parsed at most once while it stays in the cache."""
        if (known := self._entries.get(entry.id)) is not None:
            self._entries.move_to_end(entry.id)
            return known[0]
        message = _MESSAGE.validate_json(entry.body)
        self.keep(entry.id, message, len(entry.body))
        return message

    def keep(self, entry_id: str, message: ModelMessage, size: int) -> None:
        """Remember a message; the ones used longest ago make room."""
        self._entries[entry_id] = (message, size)
        self._size += size
        while self._size > self._limit and self._entries:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._size -= dropped


class TurnConversation(ConversationStore):
    """A store for exactly one conversation during one turn; nothing reaches the real store before ``staged``.

    ``inputs`` are the inbox ids of the messages the model has been given in this turn; ``carried`` counts the
    messages that an interrupted attempt of the turn had added.
    """

    def __init__(self, conversation_id: str, cache: MessageCache) -> None:
        self.conversation_id = conversation_id
        self.inputs: set[int] = set()
        self.carried = 0
        self._cache = cache
        self._expected: str | None = None
        self._record: ConversationRecord | None = None
        self._entries: dict[str, ConversationEntry] = {}
        self._new: list[Entry] = []

    @classmethod
    async def open(
        cls,
        log: ConversationLog,
        conversation_id: str,
        cache: MessageCache,
        working: StagedConversation | None = None,
    ) -> "TurnConversation":
        """Read a conversation; ``working`` is the working copy of an interrupted turn that continues it."""
        this = cls(conversation_id, cache)
        if (stored := await log.load(conversation_id)) is not None:
            this._adopt(stored.record, stored.history)
            this._expected = this._record.revision if this._record else None
        if working is not None:
            this._continue(working)
        return this

    def _adopt(self, record: str, entries: Sequence[Entry]) -> None:
        document = json.loads(record)
        self._record = _RECORD.validate_python(document["record"])
        self.inputs = set(document.get("inputs", ()))
        for entry in entries:
            message = self._cache.message(entry)
            self._entries[entry.id] = ConversationEntry(
                id=entry.id, parent_id=entry.parent_id, message=message
            )

    def _continue(self, working: StagedConversation) -> None:
        if working.expected_revision != self._expected:
            raise Stale("The conversation has changed since this turn was interrupted.")
        self._adopt(working.record, working.entries)
        self._new = list(working.entries)
        self.carried = len(self._new)

    async def conversation(self) -> Conversation:
        """Return the conversation as it stands, with its usage at zero.

        Usage is kept per turn elsewhere; a conversation that carried it would count every earlier turn against the
        limits of this one.
        """
        conversation = await self.load(self.conversation_id) or Conversation(
            conversation_id=self.conversation_id
        )
        conversation.usage = RunUsage()
        return conversation

    async def stage(self, conversation: Conversation) -> StagedConversation:
        """Take over the new messages of ``conversation`` and return everything that is to be written."""
        await self.save(conversation)
        return self.staged()

    def staged(self) -> StagedConversation:
        """Return everything written so far; raise LookupError when nothing was."""
        if self._record is None:
            raise LookupError(self.conversation_id)
        record = {"record": _RECORD.dump_python(self._record, mode="json"), "inputs": sorted(self.inputs)}
        return StagedConversation(
            conversation_id=self.conversation_id,
            record=json.dumps(record, ensure_ascii=False),
            revision=self._record.revision,
            head_id=self._record.head_id,
            entries=tuple(self._new),
            expected_revision=self._expected,
        )

    @property
    def head_id(self) -> str:
        """The id of the newest entry; empty while there is none."""
        return (self._record.head_id if self._record else None) or ""

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """Return the record, if ``conversation_id`` is this conversation and it exists."""
        return self._record if conversation_id == self.conversation_id else None

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        """Return the one record there is."""
        known = self._record is not None and (scope is None or self._record.scope == scope)
        return [self._record][:limit] if known and self._record is not None else []

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """Return an entry; raise KeyError for an unknown one."""
        return self._entries[entry_id]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Keep a record and its new entries until they are staged."""
        if (self._record.revision if self._record else None) != expected_revision:
            raise ConversationConflict(record.conversation_id)
        for entry in new_entries:
            kept = lean(entry.message)
            body = _MESSAGE.dump_json(kept, exclude_none=True).decode()
            self._cache.keep(entry.id, kept, len(body))
            self._entries[entry.id] = entry
            self._new.append(Entry(entry.id, entry.parent_id, body))
        self._record = record

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Refuse: forgetting a conversation is the store's own operation."""
        raise NotImplementedError(f"{conversation_id} at {expected_revision} is not deleted by a turn")


def lean(message: ModelMessage) -> ModelMessage:
    """Return a message without what every request carries anew (instructions) and without the bytes of images."""
    if isinstance(message, ModelResponse):
        return message
    return replace(message, instructions=None, parts=[_lean_part(part) for part in message.parts])


def _lean_part(part: ModelRequestPart) -> ModelRequestPart:
    if not isinstance(part, UserPromptPart) or isinstance(part.content, str):
        return part
    return replace(part, content=[_lean_content(item) for item in part.content])


def _lean_content(item: UserContent) -> UserContent:
    return f"[{item.media_type} shown before]" if isinstance(item, BinaryContent) else item


def text_of(message: ModelMessage) -> str:
    """Return what a person reads of a message: the prompt of a request, the text of a response."""
    if isinstance(message, ModelRequest):
        return "\n".join(_prompt_text(part) for part in message.parts if isinstance(part, UserPromptPart))
    return message.text or ""


def _prompt_text(part: UserPromptPart) -> str:
    if isinstance(part.content, str):
        return part.content
    return "\n".join(item for item in part.content if isinstance(item, str))

"""What commands do to a conversation outside a turn: show it, take turns back, shorten it."""

from collections.abc import Callable

from pydantic_ai.messages import ModelMessage, ModelRequest

from agent import framing
from agent.compaction import compacted, estimate, turn_starts
from agent.conversation import MessageCache, TurnConversation, text_of
from agent.models.chain import Chain
from agent.offline.model import NAME
from agent.settings import ContextSettings
from kernel.errors import InvalidInput, ModelUnavailable, NotFound
from kernel.ports import ConversationLog

LONGEST_QUOTE = 80


class Sessions:
    """The stored conversations as commands see them."""

    def __init__(self, log: ConversationLog, cache: MessageCache, settings: ContextSettings) -> None:
        self._log = log
        self._cache = cache
        self._settings = settings
        # What summaries cost, by session; the next turn books it.
        self._unbooked: dict[str, list[ModelMessage]] = {}

    def unbooked(self, session_id: str) -> list[ModelMessage]:
        """Take the answers of summaries written since the last turn."""
        return self._unbooked.pop(session_id, [])

    async def history(self, session_id: str) -> list[tuple[str, str]]:
        """Return what was said, oldest first, as ``("user" | "assistant" | "event", text)``."""
        conversation = await (await self._open(session_id)).conversation()
        return [line for message in conversation.messages if (line := _line(message))[1]]

    async def undo(self, session_id: str, turns: int = 1, *, said: str = "") -> str:
        """Take back the last turns and say which; what their tools did stays done. Raises NotFound for an empty one.

        With ``said``, nothing happens (and an empty text is returned) unless the turn began with that message.
        """
        if turns < 1:
            raise InvalidInput("At least one turn is taken back.")
        store = await self._open(session_id)
        conversation = await store.conversation()
        starts = turn_starts(conversation.messages)
        if not starts or conversation.revision is None:
            raise NotFound("There is no turn to take back.")
        place = starts[-turns] if turns <= len(starts) else starts[0]
        began = _line(conversation.messages[place])[1]
        if said and said.strip() != began.strip():
            return ""
        await store.branch(session_id, at=place, expected_revision=conversation.revision)
        await self._log.commit(store.staged())
        return f"Took back everything from “{began[:LONGEST_QUOTE]}” on. What tools did is not undone."

    async def compact(self, session_id: str, chain: Callable[[], Chain]) -> str:
        """Replace the older turns by a summary and say how much shorter the conversation is."""
        store = await self._open(session_id)
        conversation = await store.conversation()
        before = estimate(conversation.messages)
        models = chain()
        if models.current.name == NAME:
            raise ModelUnavailable("Without a language model nothing can be summarised.", remedy="Use /new.")
        shortened = await compacted(conversation.messages, await models.first(), self._settings)
        if shortened is None:
            return "There is nothing to shorten yet."
        conversation.messages = shortened.messages
        self._unbooked.setdefault(session_id, []).extend(shortened.answers)
        await self._log.commit(await store.stage(conversation))
        after = estimate(shortened.messages)
        return f"{shortened.replaced} older messages became a summary: about {before:,} tokens before, {after:,} now."

    async def _open(self, session_id: str) -> TurnConversation:
        return await TurnConversation.open(self._log, session_id, self._cache)


def _line(message: ModelMessage) -> tuple[str, str]:
    text = text_of(message)
    if not isinstance(message, ModelRequest):
        return "assistant", text
    event = framing.event_text(text)
    return ("event", event) if event is not None else ("user", framing.plain(text))

"""Keeping a history valid: what a stopped or failed turn leaves behind can always be continued."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart

UNANSWERED = "Not finished: the turn ended before this call did."


def closed(base: Sequence[ModelMessage], fresh: Sequence[ModelMessage]) -> list[ModelMessage]:
    """Return ``fresh`` without half-written calls and with an answer to every call that has none.

    ``base`` is the history before it; the call that is answered may be its last message.
    """
    kept = [message for message in map(_finished, fresh) if message is not None]
    history = [*base, *kept]
    missing = _unanswered(history)
    if not missing:
        return kept
    answers = [
        ToolReturnPart(call.tool_name, UNANSWERED, call.tool_call_id, outcome="interrupted")
        for call in missing
    ]
    if kept and isinstance(last := kept[-1], ModelRequest):
        return [*kept[:-1], replace(last, parts=[*last.parts, *answers], state="interrupted")]
    return [*kept, ModelRequest(parts=answers, state="interrupted")]


def _finished(message: ModelMessage) -> ModelMessage | None:
    """Return a message without the calls of an answer that was cut off, ``None`` when nothing else is left."""
    if isinstance(message, ModelRequest):
        return message if message.parts else None
    if message.state == "complete":
        return message
    parts = [part for part in message.parts if not isinstance(part, ToolCallPart)]
    return replace(message, parts=parts) if message.text else None


def _unanswered(history: Sequence[ModelMessage]) -> list[ToolCallPart]:
    """Return the calls of the last answer that no later message answers."""
    answered: set[str] = set()
    for message in reversed(history):
        if isinstance(message, ModelResponse):
            return [call for call in message.tool_calls if call.tool_call_id not in answered]
        answered.update(getattr(part, "tool_call_id", "") for part in message.parts)
    return []

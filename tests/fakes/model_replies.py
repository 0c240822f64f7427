"""What the fake model says, and how a chat completions server writes it: whole, or as server-sent events."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

UNKNOWN_TOOL = "no_such_tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool the model wants to run; `arguments` may be a text that is no JSON."""

    name: str
    arguments: Json | str = field(default_factory=dict[str, Any])
    id: str = ""

    def wire(self, index: int, reply_id: str) -> Json:
        """Return the call as the API writes it."""
        arguments = self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)
        call_id = self.id or f"call_{reply_id}_{index}"
        return {"id": call_id, "type": "function", "function": {"name": self.name, "arguments": arguments}}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model.

    `piece` characters of text go into each streamed event (0: a word each), `pace` seconds pass between
    events, `byte_pace` seconds between bytes; `gate` holds the answer back after `gate_after` events until
    it is set; `cut` breaks the connection in the middle of the JSON.
    """

    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    refusal: str = ""
    finish: str = ""
    tokens: tuple[int, int] | None = None
    delay: float = 0.0
    piece: int = 0
    pace: float = 0.0
    byte_pace: float = 0.0
    gate: asyncio.Event | None = None
    gate_after: int = 0
    cut: bool = False

    @property
    def finish_reason(self) -> str:
        """Why the model stopped."""
        return self.finish or ("tool_calls" if self.tools else "stop")


def calls(name: str, **arguments: Any) -> Reply:
    """Return a reply that runs one tool."""
    return Reply(tools=(ToolCall(name, arguments),))


def refused(words: str = "I cannot help with that.") -> Reply:
    """Return the model's own refusal."""
    return Reply(refusal=words)


def huge(megabytes: int = 10) -> Reply:
    """Return a text of this size."""
    return Reply("0123456789abcde\n" * (megabytes * 65536), piece=65536)


def cut_mid_json(text: str = "This will never be heard to its end.") -> Reply:
    """Return an answer whose connection breaks half-way."""
    return Reply(text, cut=True)


def trickle(text: str, seconds: float) -> Reply:
    """Return an answer of one byte every `seconds`."""
    return Reply(text, byte_pace=seconds)


def unknown_tool() -> Reply:
    """Return a call of a tool nobody offered."""
    return calls(UNKNOWN_TOOL, reason="none")


def many_calls(name: str, count: int = 1000, **arguments: Any) -> Reply:
    """Return `count` calls of one tool at once."""
    return Reply(tools=tuple(ToolCall(name, arguments) for _ in range(count)))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds a reply on the wire."""

    id: str
    model: str
    created: int
    prompt_tokens: int
    with_usage: bool

    def whole(self, reply: Reply) -> Json:
        """Return a `chat.completion`."""
        message: Json = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal or None}
        if reply.tools:
            message["tool_calls"] = [call.wire(i, self.id) for i, call in enumerate(reply.tools)]
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
        return self._top("chat.completion") | {"choices": [choice], "usage": self._usage(reply)}

    def events(self, reply: Reply) -> Iterator[bytes]:
        """Yield the `chat.completion.chunk` events, one at a time, and the end mark."""
        yield self._chunk({"role": "assistant", "content": ""})
        for piece in _pieces(reply.text, reply.piece):
            yield self._chunk({"content": piece})
        if reply.refusal:
            yield self._chunk({"refusal": reply.refusal})
        for index, call in enumerate(reply.tools):
            yield self._chunk({"tool_calls": [{"index": index, **call.wire(index, self.id)}]})
        yield self._chunk({}, reply.finish_reason)
        if self.with_usage:
            yield _event(self._top("chat.completion.chunk") | {"choices": [], "usage": self._usage(reply)})
        yield b"data: [DONE]\n\n"

    def _top(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self, delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _event(self._top("chat.completion.chunk") | {"choices": [choice]})

    def _usage(self, reply: Reply) -> Json:
        prompt, completion = reply.tokens or (self.prompt_tokens, max(1, len(reply.text) // 4))
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }


def _event(body: Json) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _pieces(text: str, size: int) -> Iterator[str]:
    if size > 0:
        yield from (text[i : i + size] for i in range(0, len(text), size))
        return
    start = 0
    while start < len(text):
        end = text.find(" ", start) + 1 or len(text)
        yield text[start:end]
        start = end

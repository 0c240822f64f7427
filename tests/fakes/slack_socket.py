"""Socket Mode: envelopes over websockets, acknowledged or handed over again."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.slack_world import APP_ID, Json


@dataclass(slots=True, eq=False)
class Envelope:
    """One thing handed over, and how often."""

    id: str
    kind: str
    payload: Json
    tries: int = 0
    acked: bool = False

    def wire(self) -> str:
        """Return it as Slack writes it."""
        made: Json = {
            "envelope_id": self.id,
            "type": self.kind,
            "payload": self.payload,
            "accepts_response_payload": self.kind != "events_api",
        }
        if self.kind == "events_api":
            made |= {
                "retry_attempt": max(0, self.tries - 1),
                "retry_reason": "timeout" if self.tries > 1 else "",
            }
        return json.dumps(made)


@dataclass(slots=True, eq=False)
class Line:
    """One open websocket; ``deaf`` takes everything and answers nothing."""

    wire: web.WebSocketResponse
    request: web.Request
    deaf: bool = False
    leaving: bool = False
    out: asyncio.Queue[str] = field(default_factory=asyncio.Queue)


class Sockets:
    """The websockets of one app, and what waits to be acknowledged."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.lines: list[Line] = []
        self.pending: dict[str, Envelope] = {}
        self.acks: list[str] = []
        self.opened = 0
        self.refuse_hello = ""
        self.others = 0
        self._ids = itertools.count(1)
        self._changed = changed

    def push(self, kind: str, payload: Json) -> Envelope:
        """Hand something over, now or when somebody connects."""
        envelope = Envelope(f"env-{next(self._ids):06}", kind, payload)
        self.pending[envelope.id] = envelope
        if line := self._line():
            self._send(line, envelope)
        return envelope

    def again(self, envelope: Envelope) -> None:
        """Hand over once more under an envelope of its own, as Slack's retries are."""
        copy = Envelope(f"env-{next(self._ids):06}", envelope.kind, envelope.payload, tries=envelope.tries)
        self.pending[copy.id] = copy
        if line := self._line():
            self._send(line, copy)

    def _line(self) -> Line | None:
        return next((line for line in reversed(self.lines) if not line.leaving), None)

    def _send(self, line: Line, envelope: Envelope) -> None:
        envelope.tries += 1
        line.out.put_nowait(envelope.wire())

    def say(self, text: str) -> None:
        """Send a frame as it is."""
        line = self._line()
        assert line is not None
        line.out.put_nowait(text)

    def disconnect(self, reason: str) -> None:
        """Ask the client to leave; with a warning the connection stays open for a while."""
        line = self._line()
        assert line is not None
        line.leaving = True
        line.out.put_nowait(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {}}))

    def go_deaf(self) -> None:
        """Keep every connection open and answer nothing on it any more."""
        for line in self.lines:
            line.deaf = True

    def drop(self) -> None:
        """Break every connection."""
        for line in tuple(self.lines):
            if line.request.transport is not None:
                line.request.transport.abort()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket."""
        wire = web.WebSocketResponse(autoping=False, max_msg_size=64 << 20)
        await wire.prepare(request)
        line = Line(wire, request)
        self.opened += 1
        if self.refuse_hello:
            await wire.send_str(json.dumps({"type": "disconnect", "reason": self.refuse_hello}))
            await wire.close()
            return wire
        self.lines.append(line)
        line.out.put_nowait(self._hello())
        for envelope in tuple(self.pending.values()):
            self._send(line, envelope)
        writing = asyncio.create_task(self._write(line))
        try:
            await self._read(line)
        finally:
            writing.cancel()
            self.lines.remove(line)
            self._changed()
        return wire

    def _hello(self) -> str:
        number = len(self.lines) + self.others
        info: Any = {"app_id": APP_ID}
        return json.dumps({"type": "hello", "num_connections": number, "connection_info": info})

    async def _write(self, line: Line) -> None:
        while True:
            text = await line.out.get()
            if not line.deaf:
                await line.wire.send_str(text)
            self._changed()

    async def _read(self, line: Line) -> None:
        while True:
            frame = await line.wire.receive()
            if frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                return
            if line.deaf:
                continue
            if frame.type is WSMsgType.PING:
                await line.wire.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._ack(json.loads(frame.data))

    def _ack(self, body: Json) -> None:
        envelope = self.pending.pop(body["envelope_id"], None)
        if envelope is not None:
            envelope.acked = True
            self.acks.append(envelope.id)
        self._changed()

"""The live view of a chat as server-sent events.

What is owed comes from the store, found again after any break by the number of the last event; drafts, typing and
status lines come from the adapter and are for the moment only. Nothing here grows with a client that does not read: of
the passing frames only the latest of each kind is kept, what is owed waits in the store, and a client that takes
nothing for half a minute is dropped.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.local import Frame as LocalFrame
from gateway.local import LocalAdapter, Watch
from kernel.bus import Bus
from kernel.errors import StoreError
from kernel.events import Event
from kernel.people import Scope as Permission
from store import messages
from store.database import Database
from store.messages import Changes
from web.auth import Visitor
from web.chat.article import with_html
from web.chat.names import Place
from web.chat.shapes import Frame, message_view
from web.markdown import render
from web.room import Parts

PING = 25.0
PATIENCE = 30.0
STREAMS = 64
PASSING = 64

# A draft is rendered at most this often; faster than a person reads, slower than a model writes.
DRAFT_INTERVAL = 0.08
LONG_DRAFT = 20_000
SLOWEST_DRAFT = 2.0

# What happens to a request without changing what is shown of it.
UNSEEN = frozenset({"approval.view", "approval.tap"})

# More rows than this in one go are not asked for one by one.
ROWS = 500

_log = logging.getLogger(__name__)


class Hub:
    """Tells streams when something of their chat was committed; while nobody watches it does nothing."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._streams: dict[tuple[str, str], set[ChatStream]] = {}
        self._rows: dict[str, set[int]] = {"inbox": set(), "outbox": set()}
        self._wake = asyncio.Event()
        self._end = bus.listen("", self._on_event)

    async def run(self) -> None:
        """Wake the streams of every chat that was touched, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            inbox, outbox = sorted(self._rows["inbox"]), sorted(self._rows["outbox"])
            self._rows = {"inbox": set(), "outbox": set()}
            for stream in await self._touched(inbox, outbox):
                stream.look()

    async def _touched(self, inbox: Sequence[int], outbox: Sequence[int]) -> "list[ChatStream]":
        """Return the streams of the chats that rows belong to; all of them where there are too many rows to ask."""
        if max(len(inbox), len(outbox)) > ROWS:
            return self._all()
        try:
            chats = await self._database.read(messages.touched, inbox, outbox)
        except StoreError:
            return self._all()
        return [stream for chat in chats for stream in self._streams.get(chat, ())]

    def close(self) -> None:
        """End all streams; their clients reconnect when there is something to connect to."""
        self._end()
        for stream in self._all():
            stream.end()

    @property
    def open_streams(self) -> int:
        """How many streams there are."""
        return len(self._all())

    def add(self, stream: "ChatStream") -> None:
        """Begin to wake a stream; the oldest ends where there are too many."""
        everyone = self._all()
        if len(everyone) >= STREAMS:
            everyone[0].end()
        self._streams.setdefault(stream.key, set()).add(stream)

    def remove(self, stream: "ChatStream") -> None:
        """Stop waking a stream."""
        streams = self._streams.get(stream.key, set())
        streams.discard(stream)
        if not streams:
            self._streams.pop(stream.key, None)

    def _all(self) -> "list[ChatStream]":
        return sorted(
            (one for streams in self._streams.values() for one in streams), key=lambda one: one.number
        )

    def _on_event(self, event: Event) -> None:
        if not self._streams:
            return
        noun = event.kind.partition(".")[0]
        if noun in self._rows:
            if event.subject.isdecimal():
                self._rows[noun].add(int(event.subject))
                self._wake.set()
        elif noun in ("session", "approval", "grant", "token"):
            for stream in self._all():
                _tell(stream, noun, event)


def _tell(stream: "ChatStream", noun: str, event: Event) -> None:
    """Show a stream what concerns more than one chat."""
    if event.kind == "session.forget":
        stream.start_over()
    elif noun == "session":
        stream.offer(LocalFrame("sessions", stream.place.chat))
    elif noun in ("approval", "grant"):
        if event.kind not in UNSEEN and stream.visitor.principal.may(Permission.APPROVALS_READ):
            stream.offer(LocalFrame("approvals", stream.place.chat))
    elif event.kind == "token.revoke" and stream.visitor.token.id == event.subject:
        stream.end()


class ChatStream:
    """One client's view of one chat."""

    _count = 0

    def __init__(self, place: Place, visitor: Visitor, parts: Parts, *, html: bool) -> None:
        ChatStream._count += 1
        self.number = ChatStream._count
        self.place = place
        self.visitor = visitor
        self.key = (place.platform, place.chat)
        self._database = parts.database
        self._clock = parts.clock
        self._html = html
        self._passing: dict[tuple[str, str], LocalFrame] = {}
        self._dirty = False
        self._erased = False
        self._ended = False
        self._wake = asyncio.Event()

    def look(self) -> None:
        """Read the store again."""
        self._dirty = True
        self._wake.set()

    def start_over(self) -> None:
        """Tell the client to read the history again: something in it was erased."""
        self._erased = True
        self.look()

    def end(self) -> None:
        """End the stream after what it is sending now."""
        self._ended = True
        self._wake.set()

    def offer(self, frame: LocalFrame) -> None:
        """Show a passing frame; a newer one of the same thing takes its place."""
        if frame.kind == "message":
            self._drop_drafts()
            return
        name = str(frame.body.get("id", frame.body.get("key", "")))
        if frame.kind == "burst":
            self._passing.pop(("bubble", name), None)
        self._passing.pop((frame.kind, name), None)
        if len(self._passing) < PASSING:
            self._passing[frame.kind, name] = frame
        self._wake.set()

    def _drop_drafts(self) -> None:
        self._passing = {key: frame for key, frame in self._passing.items() if key[0] != "draft"}

    async def follow(self, watch: Watch) -> None:
        """Take an adapter's frames until cancelled."""
        async for frame in watch:
            self.offer(frame)

    async def frames(self, since: int | None) -> AsyncIterator[Frame | None]:
        """Yield frames after the event ``since`` until the stream ends; ``None`` is a sign of life."""
        seq = await self._database.read(messages.head) if since is None else since
        yield Frame("ready", _text({"seq": seq}), seq)
        self.look()
        while not self._ended:
            if self._dirty:
                self._dirty = False
                changes = await self._database.read(messages.since, *self.key, seq)
                seq = changes.seq
                for frame in self._owed(changes):
                    yield frame
            for frame in self._take_passing():
                yield frame
            if not await self._something():
                self._ended = self._expired()
                yield None

    def _expired(self) -> bool:
        expires = self.visitor.token.expires_at
        return expires is not None and expires <= self._clock.now()

    def _owed(self, changes: Changes) -> list[Frame]:
        if changes.reset or self._erased:
            self._erased = False
            return [Frame("reset", _text({"seq": changes.seq}), changes.seq)]
        views = [message_view(self.place, message) for message in changes.messages]
        if self._html:
            views = [with_html(view) for view in views]
        if any(view.direction == "out" for view in views):
            self._drop_drafts()
        # All of one reading carry the number that was reached only with the last of them.
        return [
            Frame("message", view.model_dump_json(), changes.seq if index == len(views) - 1 else None)
            for index, view in enumerate(views)
        ]

    def _take_passing(self) -> list[Frame]:
        frames, self._passing = list(self._passing.values()), {}
        return [Frame(frame.kind, _text(self._shown(frame))) for frame in frames]

    def _shown(self, frame: LocalFrame) -> Mapping[str, Any]:
        if frame.kind == "draft" and self._html:
            return {"id": frame.body["id"], "html": render(str(frame.body["text"]))}
        return frame.body

    def _pause(self) -> float:
        """Return the seconds to gather drafts in, longer for long ones: each carries the whole text again."""
        drafts = [frame for (kind, _), frame in self._passing.items() if kind == "draft"]
        longest = max((len(str(frame.body["text"])) for frame in drafts), default=0)
        return min(DRAFT_INTERVAL * (1 + longest / LONG_DRAFT), SLOWEST_DRAFT) if drafts else 0.0

    async def _something(self) -> bool:
        """Wait until there is something to do; tell whether there is, or only time went by."""
        try:
            async with asyncio.timeout(PING):
                await self._wake.wait()
        except TimeoutError:
            return False
        if not self._dirty and (pause := self._pause()):
            await asyncio.sleep(pause)
        self._wake.clear()
        return True


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def encoded(frame: Frame | None) -> bytes:
    """Return a frame as it goes over the wire."""
    if frame is None:
        return b":\n\n"
    number = "" if frame.seq is None else f"id: {frame.seq}\n"
    lines = "".join(f"data: {line}\n" for line in frame.data.split("\n"))
    return f"event: {frame.event}\n{number}{lines}\n".encode()


class EventStream:
    """The response that carries a stream; it ends with the client, with the stream, or when nobody reads."""

    def __init__(
        self,
        stream: ChatStream,
        hub: Hub,
        adapter: LocalAdapter,
        since: int | None,
        drop: Callable[[Scope], None],
        patience: float = PATIENCE,
    ) -> None:
        self._patience = patience
        self._stream = stream
        self._hub = hub
        self._adapter = adapter
        self._since = since
        self._drop = drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it is over."""
        watch = self._adapter.watch(self._stream.place.chat)
        self._hub.add(self._stream)
        try:
            async with asyncio.TaskGroup() as tasks:
                follower = tasks.create_task(self._stream.follow(watch))
                leaver = tasks.create_task(self._until_gone(receive))
                await self._send(scope, send)
                follower.cancel()
                leaver.cancel()
        finally:
            self._hub.remove(self._stream)
            self._adapter.unwatch(watch)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.end()

    async def _send(self, scope: Scope, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for frame in self._stream.frames(self._since):
                async with asyncio.timeout(self._patience):
                    await send({"type": "http.response.body", "body": encoded(frame), "more_body": True})
        except TimeoutError:
            self._drop(scope)
        except StoreError:
            _log.info("A stream ended because the store did not answer")
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

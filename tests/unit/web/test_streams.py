"""Streams stay small whatever happens around them, and let go of clients that do not read."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.local import Frame as LocalFrame
from gateway.local import LocalAdapter
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.people import Role, Scope
from store.database import Database
from store.tokens import Grant, TokenKind
from web.auth import Visitor, create, principal_of
from web.chat.names import place
from web.chat.shapes import Frame
from web.chat.stream import PASSING, STREAMS, ChatStream, EventStream, Hub, encoded
from web.room import Parts
from web.settings import WebSettings


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    bus, clock = Bus(), SystemClock()
    database = await Database.open(tmp_path / "hermes.db", clock=clock, bus=bus)
    local = {"web": LocalAdapter("web")}
    yield Parts(WebSettings(), (), local, database, bus, clock, tmp_path, dict, str, tuple)
    await database.close()


@pytest.fixture
async def visitor(parts: Parts) -> Visitor:
    grant = Grant(TokenKind.CLI, "cli", frozenset(Scope), Role.OWNER)
    token = (await create(parts.database, grant)).token
    return Visitor(principal_of(token), token)


def stream(parts: Parts, visitor: Visitor) -> ChatStream:
    return ChatStream(place(visitor, "web", "main"), visitor, parts, html=False)


async def taken(one: ChatStream, count: int) -> list[Frame | None]:
    found: list[Frame | None] = []
    async for frame in one.frames(0):
        found.append(frame)
        if len(found) == count:
            break
    return found


async def test_of_passing_frames_the_latest_of_each_kind_is_kept(parts: Parts, visitor: Visitor) -> None:
    one = stream(parts, visitor)
    for number in range(10_000):
        one.offer(LocalFrame("draft", "main", {"id": 1, "text": f"text {number}"}))
        one.offer(LocalFrame("typing", "main"))
    frames = await taken(one, 3)
    assert [frame.event for frame in frames if frame] == ["ready", "draft", "typing"]
    assert frames[1] is not None
    assert frames[1].data == '{"id":1,"text":"text 9999"}'


async def test_passing_frames_of_many_things_are_bounded(parts: Parts, visitor: Visitor) -> None:
    one = stream(parts, visitor)
    for number in range(PASSING * 10):
        one.offer(LocalFrame("bubble", "main", {"id": f"bubble-{number}", "text": "x"}))
    one.end()
    assert len([frame async for frame in one.frames(0)]) <= PASSING + 1


async def test_a_final_message_takes_the_draft_before_it_away(parts: Parts, visitor: Visitor) -> None:
    one = stream(parts, visitor)
    one.offer(LocalFrame("draft", "main", {"id": 1, "text": "so far"}))
    one.offer(LocalFrame("message", "main", {"id": "x", "text": "final"}))
    one.offer(LocalFrame("typing", "main"))
    assert [frame.event for frame in await taken(one, 2) if frame] == ["ready", "typing"]


async def test_a_client_that_takes_nothing_is_dropped(parts: Parts, visitor: Visitor) -> None:
    dropped: list[Any] = []

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and not dropped:
            await asyncio.get_running_loop().create_future()

    hub = Hub(parts.database, parts.bus)
    adapter = parts.local["web"]
    response = EventStream(stream(parts, visitor), hub, adapter, 0, dropped.append, patience=0.05)
    await asyncio.wait_for(response({"type": "http"}, receive, send), 5)
    assert dropped == [{"type": "http"}]
    assert hub.open_streams == 0


async def test_the_oldest_of_too_many_streams_ends(parts: Parts, visitor: Visitor) -> None:
    hub = Hub(parts.database, parts.bus)
    streams = [stream(parts, visitor) for _ in range(STREAMS + 1)]
    for one in streams:
        hub.add(one)
    assert [frame.event async for frame in streams[0].frames(0) if frame] == ["ready"]
    streams[1].offer(LocalFrame("typing", "main"))
    assert [frame.event for frame in await taken(streams[1], 2) if frame] == ["ready", "typing"]


def test_a_frame_is_written_so_that_no_text_can_pose_as_another_frame() -> None:
    assert encoded(Frame("draft", '{"text":"a\\n\\nevent: x"}', 7)) == (
        b'event: draft\nid: 7\ndata: {"text":"a\\n\\nevent: x"}\n\n'
    )
    assert encoded(None) == b":\n\n"

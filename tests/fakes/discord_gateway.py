"""The gateway's websocket: hello, identify, heartbeats, resume, and every way in which it can go wrong."""

import asyncio
import json
import zlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord_world import BOT_ID, CONTENT_INTENT, TOKEN, Json, World

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11


def everybody(guild: str) -> Json:
    """Return the role that everybody in a server has."""
    return {
        "id": guild, "name": "@everyone", "color": 0, "hoist": False, "position": 0, "permissions": "0",
        "managed": False, "mentionable": False, "flags": 0, "colors": {"primary_color": 0},
    }  # fmt: skip


class Wire:
    """One websocket, with its compression."""

    def __init__(self, socket: web.WebSocketResponse, *, compressed: bool) -> None:
        self.socket = socket
        self.session: Session | None = None
        self._zlib = zlib.compressobj() if compressed else None
        self._turn = asyncio.Lock()

    async def send(self, payload: Json) -> None:
        """Send one payload."""
        await self.send_text(json.dumps(payload))

    async def send_text(self, text: str) -> None:
        """Send a text as it is."""
        async with self._turn:
            if self.socket.closed:
                return
            try:
                if self._zlib is None:
                    await self.socket.send_str(text)
                else:
                    data = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(data)
            except (ConnectionError, RuntimeError):
                return


@dataclass(slots=True)
class Session:
    """What a client identified as; events are kept for a resume."""

    id: str
    intents: int
    shard: tuple[int, int]
    seq: int = 0
    events: list[Json] = field(default_factory=list)
    wire: Wire | None = None


class Gateway:
    """Accepts connections and tells them what happens in the world."""

    def __init__(self, world: World, changed: Callable[[], None]) -> None:
        self.world = world
        self._changed = changed
        self.url = ""
        self.heartbeat_ms = 41_250
        self.identifies: list[Json] = []
        self.resumes: list[Json] = []
        self.sessions: dict[str, Session] = {}
        self.wires: set[Wire] = set()
        self.connections = 0
        self.acks = 0
        # Faults: what the next connections meet.
        self.refused_handshakes = 0
        self.broken_hellos = 0
        self.close_on_identify: list[int] = []
        self.content_allowed = True
        self.shards_required = 1
        self.start_limit: Json = {"total": 1000, "remaining": 999, "reset_after": 14_400_000}
        self.resumable = True
        self.deaf = False
        self._numbers = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection."""
        self.connections += 1
        if self.refused_handshakes:
            self.refused_handshakes -= 1
            return web.Response(status=503, text="upstream connect error")
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        wire = Wire(socket, compressed=request.query.get("compress") == "zlib-stream")
        self.wires.add(wire)
        try:
            await self._converse(wire)
        finally:
            self.wires.discard(wire)
            if wire.session is not None and wire.session.wire is wire:
                wire.session.wire = None
        return socket

    async def _converse(self, wire: Wire) -> None:
        hello: Json = {"heartbeat_interval": self.heartbeat_ms}
        if self.broken_hellos:
            self.broken_hellos -= 1
            hello = {}
        await wire.send({"op": HELLO, "d": hello, "s": None, "t": None})
        async for message in wire.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            await self._heard(wire, json.loads(message.data))
            self._changed()

    async def _heard(self, wire: Wire, payload: Json) -> None:
        if self.deaf:
            return
        match payload["op"]:
            case 1:
                self.acks += 1
                await wire.send({"op": ACK, "d": None, "s": None, "t": None})
            case 2:
                await self._identify(wire, payload["d"])
            case 6:
                await self._resume(wire, payload["d"])
            case _:
                return

    async def _identify(self, wire: Wire, data: Json) -> None:
        self.identifies.append(data)
        shard = tuple(data.get("shard") or (0, 1))
        if code := self._refusal(data, shard[1]):
            await wire.socket.close(code=code)
            return
        self._numbers += 1
        session = Session(f"session-{self._numbers}", data["intents"], (shard[0], shard[1]), wire=wire)
        wire.session = session
        self.sessions[session.id] = session
        mine = [id for id in self.world.guilds if self._is_of(session, id)]
        await self._send(
            session,
            "READY",
            {
                "v": 10, "user": self.world.users[BOT_ID], "session_id": session.id, "private_channels": [],
                "resume_gateway_url": self.url, "guilds": [{"id": id, "unavailable": True} for id in mine],
                "application": {"id": BOT_ID, "flags": 0}, "shard": list(shard),
            },
        )  # fmt: skip
        for id in mine:
            await self._send(session, "GUILD_CREATE", self.guild(id))

    def _refusal(self, data: Json, shards: int) -> int:
        if self.close_on_identify:
            return self.close_on_identify.pop(0)
        if data["token"] != TOKEN:
            return 4004
        if data["intents"] & CONTENT_INTENT and not self.content_allowed:
            return 4014
        return 4011 if shards < self.shards_required else 0

    def guild(self, id: str) -> Json:
        """Return a server as GUILD_CREATE tells of it."""
        guild = self.world.guilds[id]
        return {
            "id": id, "name": guild["name"], "channels": self.world.of_guild(id, threads=False),
            "threads": self.world.of_guild(id, threads=True), "members": [], "roles": [everybody(id)], "large": False,
            "unavailable": False, "member_count": len(guild["members"]), "emojis": [], "stickers": [], "features": [],
            "icon": None, "owner_id": "1", "afk_channel_id": None, "afk_timeout": 300, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0, "premium_tier": 0,
            "preferred_locale": "en-US", "nsfw_level": 0, "voice_states": [], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [], "system_channel_flags": 0, "system_channel_id": None,
        }  # fmt: skip

    async def _resume(self, wire: Wire, data: Json) -> None:
        self.resumes.append(data)
        session = self.sessions.get(data["session_id"])
        if session is None or not self.resumable:
            await wire.send({"op": INVALID, "d": False, "s": None, "t": None})
            return
        session.wire, wire.session = wire, session
        for event in session.events[data["seq"] :]:
            await wire.send(event)
        await self._send(session, "RESUMED", {})

    def _is_of(self, session: Session, guild: str) -> bool:
        return (int(guild) >> 22) % session.shard[1] == session.shard[0]

    async def dispatch(self, name: str, data: Json, *, guild: str = "") -> None:
        """Tell every session that hears of it."""
        for session in list(self.sessions.values()):
            if self._is_of(session, guild) if guild else session.shard[0] == 0:
                await self._send(session, name, self._filtered(session, name, data))

    def _filtered(self, session: Session, name: str, data: Json) -> Json:
        """Take the words out of messages that a bot without the intent may not read."""
        if not name.startswith("MESSAGE_") or "content" not in data or session.intents & CONTENT_INTENT:
            return data
        named = any(user["id"] == BOT_ID for user in data["mentions"])
        if not data.get("guild_id") or named or data["author"]["id"] == BOT_ID:
            return data
        return {**data, "content": "", "attachments": [], "embeds": [], "components": []}

    async def _send(self, session: Session, name: str, data: Json) -> None:
        session.seq += 1
        event = {"op": DISPATCH, "t": name, "s": session.seq, "d": deepcopy(data)}
        session.events.append(event)
        if session.wire is not None and not self.deaf:
            await session.wire.send(event)

    async def send_text(self, text: str) -> None:
        """Send a frame as it is to every connection."""
        for wire in list(self.wires):
            await wire.send_text(text)

    async def ask_to_reconnect(self) -> None:
        """Send op 7."""
        await self.send_text(json.dumps({"op": RECONNECT, "d": None}))

    async def invalidate(self, *, resumable: bool = False) -> None:
        """Send op 9; the sessions are over unless they may be resumed."""
        if not resumable:
            self.sessions.clear()
        await self.send_text(json.dumps({"op": INVALID, "d": resumable}))

    async def close(self, code: int) -> None:
        """Close every connection with a code."""
        for wire in list(self.wires):
            await wire.socket.close(code=code)

    def drop(self) -> None:
        """Break every connection without a word."""
        for wire in list(self.wires):
            request: Any = wire.socket._req  # noqa: SLF001 - aiohttp has no public way to the transport
            if request is not None and request.transport is not None:
                request.transport.abort()

    def forget(self) -> None:
        """Lose every session, as a gateway that was restarted."""
        self.sessions.clear()

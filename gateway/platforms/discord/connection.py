"""The gateway connection: discord.py's websocket, one for each shard, kept up by a loop of ours.

The library's own client ends as a whole on a malformed frame, raises AttributeError when the first handshake fails,
builds objects for everything it hears and waits two seconds before it says that it is ready. Here each frame is
handed on as it came, a bad one is set aside, and every end of a connection has a meaning.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import aiohttp
import discord
from discord.errors import ConnectionClosed
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from gateway.platforms.discord.failures import (
    DISALLOWED_INTENTS,
    SHARDING_REQUIRED,
    NoAnswer,
    Refused,
    RestError,
    bounded,
    closure,
    platform_error,
)
from gateway.platforms.discord.rest import Rest
from gateway.platforms.discord.settings import DiscordSettings
from kernel.errors import PlatformUnavailable

Raw = Mapping[str, Any]

HANDSHAKE_SECONDS = 30.0
# Discord lets a bot identify once in five seconds (for each unit of its concurrency, which is one for most bots).
IDENTIFY_SECONDS = 5.0
# The supervisor ends what is deaf for two minutes and tells the owner; the library's own watch comes after that.
HEARTBEAT_SECONDS = 150.0
# A connection that ends so often before it is ready is not the next try's business but the supervisor's.
HASTY_LIMIT = 3
RESUME_TRIES = 2
# So many identifications are left for a person who repairs something.
IDENTIFIES_SPARED = 50
EVENTS = (
    "READY", "RESUMED", "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "CHANNEL_CREATE", "CHANNEL_UPDATE",
    "CHANNEL_DELETE", "THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE", "THREAD_LIST_SYNC", "THREAD_MEMBER_UPDATE",
    "THREAD_MEMBERS_UPDATE", "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK",
    "INTERACTION_CREATE",
)  # fmt: skip


GREETINGS = frozenset({"READY", "RESUMED"})


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears of a connection: each event with its name, each malformed frame, and each proof of life."""

    event: Callable[[str, Raw], None]
    malformed: Callable[[str, str], None]
    alive: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Memory:
    """What resuming a session takes."""

    session: str
    sequence: int
    gateway: Any
    failures: int = 0


class ContentRefused(Exception):
    """Discord does not let this bot have the message content intent."""


class MoreShards(Exception):
    """Discord wants the bot's guilds divided over more connections."""


def intents(*, content: bool) -> discord.Intents:
    """Return the least that is needed: servers with their channels, messages there and in private."""
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=content)


class Client(discord.Client):
    """What the library's websocket asks of a client; its object model stays empty."""

    def __init__(
        self, rest: Rest, hearing: Hearing, *, content: bool, shards: int, identify_seconds: float
    ) -> None:
        super().__init__(
            intents=intents(content=content),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            heartbeat_timeout=HEARTBEAT_SECONDS,
            shard_count=shards if shards > 1 else None,
        )
        self.http = rest
        self.hearing = hearing
        self._connection.http = rest
        self._connection.parsers = {name: self._parser(name) for name in EVENTS}
        # Whose frame is being read: the library's parsers run before its first await.
        self.reading: Shard | None = None
        self._turn = asyncio.Lock()
        self._identify_seconds = identify_seconds
        self._identified_at = -identify_seconds

    def _parser(self, name: str) -> Callable[[Any], None]:
        def parse(data: Any) -> None:
            if name in GREETINGS and self.reading is not None:
                self.reading.greeted()
            self.hearing.event(name, data)

        return parse

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Dispatch nothing: events go the way of ``Hearing``."""

    async def prepare(self) -> None:
        """Tie the library's objects to the running loop."""
        await self._async_setup_hook()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep five seconds between two identifications; the first needs no wait."""
        del shard_id, initial
        loop = asyncio.get_running_loop()
        async with self._turn:
            await asyncio.sleep(max(0.0, self._identified_at + self._identify_seconds - loop.time()))
            self._identified_at = loop.time()


class Socket(DiscordWebSocket):
    """A websocket that survives what it cannot understand; each shard makes a subclass that knows it."""

    shard: ClassVar["Shard"]

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket, loop=loop)
        self.shard.opened = self

    async def received_message(self, msg: Any, /) -> None:
        """Take one frame; set aside one that cannot be understood."""
        text = self._decompressor.decompress(msg) if isinstance(msg, bytes) else msg
        if text is None:
            return
        latency = self.latency
        self.shard.client.reading = self.shard
        try:
            await super().received_message(text)
        except (ReconnectWebSocket, ConnectionClosed, OSError, aiohttp.ClientError, TimeoutError):
            raise
        except Exception as error:
            # A malformed frame may break any line of the library; only before the greeting it is the connection's end.
            if not self.shard.ready:
                raise
            self.shard.client.hearing.malformed(text, f"{type(error).__name__} while reading it")
        # The heartbeat's answer is handled inside the library; what it leaves behind is a new latency.
        if self.latency != latency:
            self.shard.acknowledged = True
            self.shard.client.hearing.alive()


class Shard:
    """One connection, resumed for as long as Discord allows; ``memory`` outlives this object."""

    def __init__(self, client: Client, number: int, memory: dict[int, Memory]) -> None:
        self.client = client
        self.number = number
        self.ready = False
        self.acknowledged = False
        self.opened: Socket | None = None
        self._memory = memory
        self._kind: type[Socket] = type("ShardSocket", (Socket,), {"shard": self})
        self._hasty = 0

    async def run(self) -> None:
        """Connect and listen until cancelled.

        Raises ContentRefused, MoreShards, PlatformUnavailable, PlatformUnauthorised or PlatformConflict.
        """
        while True:
            self.ready = False
            try:
                socket = await self._connected()
                while True:
                    await socket.poll_event()
            except ReconnectWebSocket as again:
                self._again(again)
            except ConnectionClosed as closed:
                raise self._meaning(closed.code) from None
            finally:
                await self._left()

    async def _connected(self) -> Socket:
        memory = self._memory.get(self.number)
        known: dict[str, Any] = {}
        if memory is not None:
            known = {"session": memory.session, "sequence": memory.sequence, "gateway": memory.gateway}
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                return await self._kind.from_client(
                    self.client, shard_id=self._shard_id, resume=memory is not None, **known
                )
        except (ReconnectWebSocket, ConnectionClosed):
            raise
        except (NoAnswer, Refused, RestError) as error:
            raise platform_error(error) from None
        except Exception as error:
            # A handshake may fail in any line of the library, and to us all of them are the same.
            self._count_failure()
            raise PlatformUnavailable(
                f"Discord's gateway cannot be reached: {type(error).__name__}."
            ) from error

    def _count_failure(self) -> None:
        """Give a session up after a few tries: the address to resume it at may be the trouble."""
        memory = self._memory.pop(self.number, None)
        if memory is not None and memory.failures < RESUME_TRIES:
            self._memory[self.number] = replace(memory, failures=memory.failures + 1)

    @property
    def _shard_id(self) -> int | None:
        return self.number if self.client.shard_count else None

    def greeted(self) -> None:
        """Hear that Discord has greeted this connection: its session is the one to resume from now on."""
        self._memory.pop(self.number, None)
        self.ready = True
        self._hasty = 0

    def _again(self, again: ReconnectWebSocket) -> None:
        """Keep what resuming takes, or forget it where Discord said so."""
        socket = self.opened
        if socket is not None and again.resume and socket.session_id and socket.sequence is not None:
            self._memory[self.number] = Memory(socket.session_id, socket.sequence, socket.gateway)
        else:
            self._memory.pop(self.number, None)
        self._hasty += not self.ready
        if self._hasty > HASTY_LIMIT:
            raise PlatformUnavailable("Discord ends the connection again and again before it is ready.")

    def _meaning(self, code: int | None) -> Exception:
        self._memory.pop(self.number, None)
        if code == DISALLOWED_INTENTS and self.client.intents.message_content:
            return ContentRefused()
        return MoreShards() if code == SHARDING_REQUIRED else closure(code)

    async def _left(self) -> None:
        """Close the socket and keep its session, so that a later run may resume it."""
        socket, self.opened = self.opened, None
        if socket is None:
            return
        if (
            self.ready
            and socket.session_id
            and socket.sequence is not None
            and self.number not in self._memory
        ):
            self._memory[self.number] = Memory(socket.session_id, socket.sequence, socket.gateway)
        # 4000 keeps the session alive at Discord, where 1000 would end it.
        await socket.close(4000)


async def shard_count(rest: Rest, settings: DiscordSettings, *, careful: bool) -> int:
    """Return how many connections to make, asking Discord where the settings say so.

    ``careful`` asks also whether the bot may identify at all: beyond a thousand times a day Discord takes its token.
    Raises PlatformUnavailable or PlatformUnauthorised.
    """
    if settings.shards and not careful:
        return settings.shards
    try:
        found: Raw = await rest.call("GET", "/gateway/bot")
    except RestError as error:
        if settings.shards and isinstance(error, Refused) and error.gone:
            # A compatible server need not know of limits.
            return settings.shards
        raise platform_error(error) from None
    start: Raw = found.get("session_start_limit") or {}
    if int(start.get("remaining", IDENTIFIES_SPARED)) < IDENTIFIES_SPARED:
        raise PlatformUnavailable(
            "Discord lets this bot connect no more for now.",
            retry_after=bounded(int(start.get("reset_after") or 0) / 1000),
        )
    return settings.shards or max(1, int(found.get("shards") or 1))

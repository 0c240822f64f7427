"""Socket Mode: what an envelope brought is committed before the envelope is acknowledged.

The SDK's own socket client reconnects for ever without saying why and takes envelopes off the socket as fast as they
come; here the supervisor hears every reason, and what waits is bounded.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from gateway.adapter import Link
from gateway.platforms.slack.catchup import CatchUp
from gateway.platforms.slack.failures import APP_TOKEN, platform_error
from gateway.platforms.slack.intake import Intake, Parcel, key_of
from gateway.platforms.slack.routes import Routes
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, CallFailed
from gateway.transport.storing import dump
from kernel.errors import PlatformConflict, PlatformUnauthorised, PlatformUnavailable

log = logging.getLogger(__name__)

WAITING = 1000
BATCH = 100
FRAME_LIMIT = 16 * 1024 * 1024
HELLO_SECONDS = 15.0
FAREWELL_SECONDS = 5.0
CLOSE_SECONDS = 1.0
# After this time we look whether another program still shares our events.
RECHECK_SECONDS = 60.0
SHARED = (
    "{} programs receive with the app-level token of this app, so that each gets only some of its messages. "
    "Stop the others, or give each an app of its own."
)
REFRESH = frozenset({"warning", "refresh_requested"})


@dataclass(slots=True, eq=False)
class Socket:
    """One open connection.

    ``all`` is how many of the app Slack counts with it, ``shared`` how many of them are not ours, and ``owed`` counts
    the envelopes that are not acknowledged yet.
    """

    wire: ClientWebSocketResponse
    all: int = 1
    shared: int = 0
    owed: int = 0
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def owe(self) -> None:
        """Count an envelope that is to be acknowledged."""
        self.owed += 1
        self.settled.clear()

    async def close(self) -> None:
        """Close the connection; of one that broke aiohttp keeps the transport, which nobody else can end."""
        try:
            await self.wire.close()
        finally:
            self.wire._response.close()  # noqa: SLF001

    async def acknowledge(self, envelope: str, answer: BoltResponse) -> None:
        """Tell Slack that an envelope is stored; on a connection that broke Slack sends it again."""
        self.owed -= 1
        if not self.owed:
            self.settled.set()
        try:
            await self.wire.send_str(
                json.dumps(SocketModeResponse(envelope, _object(answer.body) or None).to_dict())
            )
        except (ConnectionError, aiohttp.ClientError):
            return


@dataclass(frozen=True, slots=True)
class Waiting:
    """An envelope that waits for its commit."""

    socket: Socket
    request: SocketModeRequest


class SocketMode:
    """Receives over a websocket that the app-level token opens."""

    def __init__(
        self, settings: SlackSettings, api: Api, routes: Routes, intake: Intake, catch_up: CatchUp
    ) -> None:
        self._settings = settings
        self._api = api
        self._routes = routes
        self._intake = intake
        self._catch_up = catch_up
        self._open: set[Socket] = set()
        self._trouble: BaseException | None = None

    async def run(self, link: Link) -> None:
        """Receive until cancelled.

        Raises PlatformUnavailable, PlatformConflict, PlatformUnauthorised, or StoreError where nothing can be stored.
        """
        token = self._settings.app_token.get_secret_value().strip()
        if not token:
            raise PlatformUnauthorised(
                "Socket Mode needs the app-level token.",
                remedy="Make one with connections:write (Basic Information) for SLACK_APP_TOKEN, or use mode: http.",
            )
        self._trouble = None
        queue: asyncio.Queue[Waiting] = asyncio.Queue(WAITING)
        committing = asyncio.ensure_future(self._commit_all(link, queue))
        try:
            await self._stay(link, queue, token)
        finally:
            committing.cancel()
            await asyncio.gather(committing, self._catch_up.end(), return_exceptions=True)
            await self._close_all()

    async def _stay(self, link: Link, queue: asyncio.Queue[Waiting], token: str) -> None:
        """Read one connection after another; a new one is opened before the old one is left."""
        before: Socket | None = None
        while True:
            socket = await self._connect(token)
            self._report(link, socket)
            if before is not None:
                await self._leave(before)
            await self._catch_up.begin(link)
            await self._read(socket, link, queue)
            before = socket

    def _report(self, link: Link, socket: Socket) -> None:
        socket.shared = socket.all - len(self._open)
        link.connected()
        if socket.shared > 0:
            link.degraded(SHARED.format(socket.shared + 1))

    async def _connect(self, token: str) -> Socket:
        try:
            made = await self._api.call("apps.connections.open", token=token)
        except CallFailed as error:
            raise platform_error(error, APP_TOKEN) from None
        url = str(made.get("url") or "")
        if urlsplit(url).scheme not in ({"ws", "wss"} if self._settings.local else {"wss"}):
            raise PlatformUnavailable("Slack named no secure address for the socket.")
        return await self._greeted(url)

    async def _greeted(self, url: str) -> Socket:
        """Open the socket and wait for Slack's greeting."""
        try:
            wire = await self._api.session.ws_connect(
                url,
                autoping=False,
                heartbeat=self._settings.ping_seconds,
                max_msg_size=FRAME_LIMIT,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),  # pyright: ignore[reportCallIssue] - attrs
                proxy=self._api.client.proxy or None,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PlatformUnavailable(f"Slack's socket cannot be reached: {type(error).__name__}.") from None
        socket = Socket(wire)
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                await self._hello(socket)
        except BaseException:
            await socket.close()
            raise
        self._open.add(socket)
        return socket

    async def _hello(self, socket: Socket) -> None:
        try:
            frame = await socket.wire.receive()
        except TimeoutError:
            raise PlatformUnavailable("Slack's socket opened and stayed silent.") from None
        if frame.type is not WSMsgType.TEXT:
            raise PlatformUnavailable("Slack closed the socket before its greeting.")
        body = _object(frame.data)
        if body.get("type") == "disconnect":
            raise _farewell(body)
        number = body.get("num_connections")
        socket.all = number if isinstance(number, int) else 1

    async def _read(self, socket: Socket, link: Link, queue: asyncio.Queue[Waiting]) -> None:
        """Read until Slack asks for a new connection; raise when this one is lost."""
        wire = socket.wire
        recheck = asyncio.get_running_loop().time() + RECHECK_SECONDS
        while True:
            if socket.shared > 0 and asyncio.get_running_loop().time() > recheck:
                return
            frame = await wire.receive()
            match frame.type:
                case WSMsgType.TEXT:
                    link.progress()
                    if await self._understand(socket, frame.data, link, queue):
                        return
                case WSMsgType.PING:
                    link.progress()
                    await wire.pong(frame.data)
                case WSMsgType.PONG:
                    link.progress()
                case WSMsgType.BINARY:
                    continue
                case _:
                    raise self._lost(wire)

    def _lost(self, wire: ClientWebSocketResponse) -> BaseException:
        if self._trouble is not None:
            return self._trouble
        failure = wire.exception()
        if isinstance(failure, aiohttp.ServerTimeoutError):
            return PlatformUnavailable("The socket was open but deaf: no answer to a ping.")
        return PlatformUnavailable(f"Slack closed the socket (code {wire.close_code}).")

    async def _understand(self, socket: Socket, text: str, link: Link, queue: asyncio.Queue[Waiting]) -> bool:
        """Take one frame; return whether Slack asks for a new connection."""
        body = _object(text)
        if body.get("type") == "disconnect":
            if body.get("reason") in REFRESH:
                return True
            raise _farewell(body)
        request = _request(body)
        if request is not None:
            socket.owe()
            await queue.put(Waiting(socket, request))
        elif body.get("type") != "hello":
            await link.quarantine(key_of(body or text), dump(body or text), "An envelope that is none")
        return False

    async def _commit_all(self, link: Link, queue: asyncio.Queue[Waiting]) -> None:
        """Have bolt route what waits, commit as much at once as there is, and acknowledge it."""

        async def commit(parcels: Sequence[Parcel]) -> None:
            await self._intake.insist(link, parcels)

        while True:
            batch = [await queue.get()]
            while len(batch) < BATCH and not queue.empty():
                batch.append(queue.get_nowait())
            try:
                answers = await self._routes.dispatch([_as_bolt_s(w.request) for w in batch], commit)
            except Exception as error:  # noqa: BLE001 - it ends the run, where the supervisor hears it
                self._trouble = error
                await self._close_all()
                return
            for waiting, answer in zip(batch, answers, strict=True):
                await waiting.socket.acknowledge(waiting.request.envelope_id, answer)

    async def _leave(self, socket: Socket) -> None:
        """Close a connection that was replaced, once what came over it is acknowledged."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS if socket.owed else 0):
                await socket.settled.wait()
        except TimeoutError:
            # Slack hands over again what was not acknowledged.
            log.debug("A connection is left with %s envelopes unacknowledged.", socket.owed)
        self._open.discard(socket)
        await socket.close()

    async def _close_all(self) -> None:
        for socket in tuple(self._open):
            self._open.discard(socket)
            await socket.close()


def _object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _request(body: dict[str, Any]) -> SocketModeRequest | None:
    try:
        request = SocketModeRequest.from_dict(body)
    except (TypeError, ValueError):
        # The SDK trips over a payload that is no object.
        return None
    return request if request is not None and request.envelope_id else None


def _as_bolt_s(request: SocketModeRequest) -> AsyncBoltRequest:
    return AsyncBoltRequest(mode="socket_mode", body=request.payload)


def _farewell(body: dict[str, Any]) -> Exception:
    """Return what Slack's goodbye means."""
    match body.get("reason"):
        case "link_disabled":
            return PlatformUnauthorised(
                "Socket Mode is switched off for this app.",
                remedy="Switch it on (api.slack.com/apps, Socket Mode), or use mode: http.",
            )
        case "too_many_websockets":
            return PlatformConflict(
                "Too many programs hold a socket of this app.", remedy="Stop the others; ten are allowed."
            )
        case reason:
            return PlatformUnavailable(f"Slack ended the connection: {reason}.")

"""Calls to Discord's REST API: discord.py's HTTP client with every failure a typed error.

The library's own ``request`` sleeps through long rate limits, repeats what may have had its effect, never times out,
and keeps the receipt of the call that empties a bucket until the bucket is full again. All of that is the business of
whoever called here, so it is replaced; its routes and its websocket handshake are used as they are.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, cast

import aiohttp
from discord.gateway import DiscordClientWebSocketResponse, DiscordWebSocket
from discord.http import HTTPClient, Route

from gateway.platforms.discord.buckets import Buckets
from gateway.platforms.discord.failures import Flooded, NoAnswer, Refused, RestError, bounded
from gateway.platforms.discord.settings import API_BASE, GATEWAY_URL, DiscordSettings

CONNECT_SECONDS = 10.0
WS_CLOSE_SECONDS = 5.0
UPLOAD_FACTOR = 6
# A bucket that fills again so soon is waited for right here; a longer wait is the caller's business.
PATIENCE_SECONDS = 1.5
CONNECTIONS = 64
USER_AGENT = "DiscordBot (https://github.com/hermes-gateway, 1) discord.py"
# Nothing of the request had been written when these were raised.
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a message."""

    file: BinaryIO
    name: str


class Rest(HTTPClient):
    """One pool of connections to Discord or a compatible server."""

    def __init__(self, settings: DiscordSettings) -> None:
        super().__init__(cast(asyncio.AbstractEventLoop, None), proxy=settings.proxy or None)
        self.token = settings.token.get_secret_value().strip().removeprefix("Bot ")
        self._settings = settings
        self._limits = Buckets()
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str | int] | None = None,
        upload: Upload | None = None,
        **places: str,
    ) -> Any:
        """Make one call and return the answer's JSON (``None`` where it is empty).

        Raises Refused, Flooded or NoAnswer.
        """
        route = Route(method, path, **places)
        return await self.request(route, body=body, query=query, upload=upload)

    async def request(
        self,
        route: Route,
        *,
        body: Any = None,
        query: Mapping[str, str | int] | None = None,
        upload: Upload | None = None,
        **_ignored: Any,
    ) -> Any:
        """Make the call that a route stands for; what the library's own method takes beside that is not used."""
        url = self._settings.api_base + route.url.removeprefix(Route.BASE)
        await self._turn(route)
        payload, factor = _payload(body, upload)
        seconds = self._settings.request_seconds * factor
        try:
            async with self._opened().request(
                route.method,
                url,
                params=query,
                headers={"Authorization": f"Bot {self.token}"},
                timeout=aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS),
                proxy=self.proxy,
                **payload,
            ) as answer:
                return await self._understood(route, answer)
        except TimeoutError:
            raise NoAnswer("no answer in time", sent=True) from None
        except aiohttp.ClientError as error:
            raise NoAnswer(type(error).__name__, sent=not isinstance(error, NOT_SENT)) from None

    async def _turn(self, route: Route) -> None:
        """Wait for a bucket that is full again soon; raise Flooded for any other."""
        now = asyncio.get_running_loop().time
        while wait := self._limits.take(route.key, route.major_parameters, now()):
            if wait > PATIENCE_SECONDS:
                raise Flooded(bounded(wait))
            await asyncio.sleep(wait)

    async def _understood(self, route: Route, answer: aiohttp.ClientResponse) -> Any:
        now = asyncio.get_running_loop().time()
        self._limits.learn(route.key, route.major_parameters, answer.headers, now)
        text = await answer.text("utf-8", errors="replace")
        content = _json(text)
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            if content is None and answer.status != HTTPStatus.NO_CONTENT:
                raise NoAnswer("an answer that is no JSON", sent=True)
            return content
        raise self._refusal(route, answer, content, now)

    def _refusal(self, route: Route, answer: aiohttp.ClientResponse, content: Any, now: float) -> RestError:
        body: dict[str, Any] = content if isinstance(content, dict) else {}
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = bounded(body.get("retry_after", answer.headers.get("Retry-After")))
            everything = bool(body.get("global")) or answer.headers.get("X-RateLimit-Scope") == "global"
            self._limits.hold(route.key, route.major_parameters, now + wait, everything=everything)
            return Flooded(wait)
        code = body.get("code")
        return Refused(answer.status, code if isinstance(code, int) else 0, _reason(body))

    @asynccontextmanager
    async def download(self, url: str) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Open an address of Discord's file store; raise Refused or NoAnswer."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=60)
        try:
            async with self._opened().get(url, timeout=timeout, proxy=self.proxy) as answer:
                if answer.status != HTTPStatus.OK:
                    raise Refused(answer.status)
                yield answer
        except TimeoutError:
            raise NoAnswer("no answer in time", sent=False) from None
        except aiohttp.ClientError as error:
            raise NoAnswer(type(error).__name__, sent=False) from None

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Open a websocket; the library's address of Discord's gateway becomes the one that is set."""
        default = str(DiscordWebSocket.DEFAULT_GATEWAY)
        if url.startswith(default):
            root, _, query = (await self.gateway()).partition("?")
            url = f"{root}?{query or url.partition('?')[2]}"
        return await self._opened().ws_connect(
            url,
            proxy=self.proxy,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=WS_CLOSE_SECONDS),  # pyright: ignore[reportCallIssue]
            autoclose=False,
            headers={"User-Agent": USER_AGENT},
            compress=compress,
        )

    async def gateway(self) -> str:
        """Return the gateway's address: the one that is set, Discord's, or what another API server names."""
        settings = self._settings
        if settings.gateway_url or settings.api_base == API_BASE:
            return settings.gateway_url or GATEWAY_URL
        found = await self.call("GET", "/gateway")
        return str(found["url"])

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                ws_response_class=DiscordClientWebSocketResponse,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _payload(body: Any, upload: Upload | None) -> tuple[dict[str, Any], int]:
    """Return the body of a request as aiohttp's arguments, and by how much longer it may take than others."""
    if upload is None:
        return ({} if body is None else {"json": body}), 1
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    form.add_field("files[0]", upload.file, filename=upload.name, content_type="application/octet-stream")
    return {"data": form}, UPLOAD_FACTOR


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _reason(body: Mapping[str, Any]) -> str:
    """Return what Discord says is wrong, with the first detail it gives."""
    said = str(body.get("message") or "")
    found: Any = body.get("errors")
    while isinstance(found, dict) and found:
        if isinstance(inner := found.get("_errors"), list) and inner:
            return f"{said}: {inner[0].get('message', '')}" if isinstance(inner[0], dict) else said
        found = next(iter(found.values()))
    return said


def silence() -> None:
    """Keep the library's chatter out of the logs: what matters is said by the adapter, in its own words."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)

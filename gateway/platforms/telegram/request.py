"""HTTP to the Bot API: python-telegram-bot's transport with every refusal turned into a typed error."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from gateway.platforms.telegram.settings import TelegramSettings
from gateway.transport.downloads import CHUNK, write
from gateway.transport.unlogged import redact

CONNECT_SECONDS = 10.0
# The library's five seconds would cost most messages a new handshake.
KEEP_SECONDS = 45.0
RETRY_BOUNDS = (1.0, 3600.0)
RETRY_UNNAMED = 5.0
LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.proxy",
    "telegram.Bot",
    "telegram.ext",
)
TOO_MANY = 429
REFUSED = 400
OK = 200


class Flooded(TelegramError):
    """Too many requests; ``retry_after`` seconds must pass."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Too many requests, retry after {retry_after:g} s")
        self.retry_after = retry_after


class ServerFailed(NetworkError):
    """Something between us and the Bot API answered with an error of its own."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The server answered with HTTP {status}")
        self.status = status


class ApiRequest(HTTPXRequest):
    """One pool of connections to the Bot API.

    Requests beyond ``connections`` wait in a queue of our own: the pool of httpcore looks at all its waiting requests
    and all its connections whenever a request begins or ends, so both are kept few.
    """

    __slots__ = ("_places",)

    def __init__(self, settings: TelegramSettings, connections: int, read_timeout: float) -> None:
        encrypted = "https://" in f"{settings.api_base} {settings.file_base}"
        limits = httpx.Limits(max_connections=connections, keepalive_expiry=KEEP_SECONDS)
        super().__init__(
            read_timeout=read_timeout,
            write_timeout=read_timeout,
            connect_timeout=CONNECT_SECONDS,
            pool_timeout=CONNECT_SECONDS,
            proxy=settings.proxy or None,
            # Loading the certificates takes 20 ms, which plain HTTP to a server of one's own need not pay.
            httpx_kwargs={"verify": encrypted, "limits": limits},
        )
        self._places = asyncio.Semaphore(connections)

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **named: Any
    ) -> tuple[int, bytes]:
        """Carry out one request; raise a TelegramError for every answer but a good one."""
        async with self._places:
            code, payload = await super().do_request(url, method, request_data, *timeouts, **named)
        if code >= REFUSED:
            raise refusal(code, payload)
        return code, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return the answer's object, which has a ``result``; its text reaches no log."""
        body = _object(payload)
        if "result" not in body:
            raise TelegramError("The server's answer could not be understood")
        return body

    async def download(self, url: str, target: Path, limit: int) -> int:
        """Write what ``url`` holds to ``target`` and return its size; raise TooLarge beyond ``limit`` bytes."""
        try:
            async with self._client.stream("GET", url) as answer:
                if answer.status_code != OK:
                    raise refusal(answer.status_code, await answer.aread())
                return await write(answer.aiter_bytes(CHUNK), target, limit)
        except httpx.HTTPError as error:
            raise NetworkError(type(error).__name__) from error


def _object(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def refusal(code: int, payload: bytes) -> TelegramError:
    """Return the error that an answer of HTTP ``code`` stands for.

    An answer that is not in the Bot API's form comes from something in between, and says nothing about the token.
    """
    body = _object(payload)
    parameters = body.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    text = str(body.get("description") or "no reason given")
    if code == TOO_MANY:
        return Flooded(bounded(parameters.get("retry_after")))
    if isinstance(migrated := parameters.get("migrate_to_chat_id"), int):
        return ChatMigrated(migrated)
    kind = REFUSALS.get(code) if "description" in body else None
    return kind(text) if kind else ServerFailed(code)


def bounded(seconds: object) -> float:
    """Read a platform's wish to wait; what is missing or no sensible number becomes one."""
    try:
        wished = float(seconds)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return RETRY_UNNAMED
    low, high = RETRY_BOUNDS
    return min(max(wished, low), high) if wished == wished else RETRY_UNNAMED  # noqa: PLR0124 - NaN


REFUSALS: dict[int, type[TelegramError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: InvalidToken,
    409: Conflict,
}


class ApiBot(Bot):
    """python-telegram-bot's client, with updates as they came over the wire."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a name without the token, which the library's would show."""
        return "ApiBot"

    async def raw_updates(self, offset: int, seconds: int, kinds: tuple[str, ...], slack: float) -> list[Any]:
        """Poll once, waiting up to ``seconds``; the answer may take ``slack`` seconds longer.

        The library's own method parses a batch as a whole, so that one malformed update would hide all others.
        """
        wish = {"offset": offset or None, "timeout": seconds, "limit": 100, "allowed_updates": list(kinds)}
        result = await self._post("getUpdates", wish, read_timeout=seconds + slack)
        return result if isinstance(result, list) else []

    async def file_address(self, file_id: str) -> str:
        """Return where a file can be downloaded; it holds the token.

        The library's own method takes a path that exists on this machine for a file of this machine.
        """
        file = await self._post("getFile", {"file_id": file_id})
        path = file.get("file_path") if isinstance(file, dict) else None
        if not isinstance(path, str):
            raise BadRequest("The file has no path")
        return f"{self.base_file_url}/{quote(path)}"


def connect(settings: TelegramSettings, request: BaseRequest) -> ApiBot:
    """Return a client whose calls and polls use ``request``."""
    return ApiBot(
        settings.token.get_secret_value().strip(),
        base_url=settings.bot_url,
        base_file_url=settings.file_url,
        request=request,
        get_updates_request=request,
    )


def silence(token: str) -> None:
    """Keep the token out of the libraries' logs."""
    redact(LOGGERS, token)

"""Calls to the Web API: the SDK's client with every refusal turned into a typed error, and waits kept."""

import asyncio
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from gateway.platforms.slack.settings import SlackSettings
from gateway.transport.unlogged import redact
from kernel.clock import Clock

CONNECT_SECONDS = 10.0
RETRY_BOUNDS = (1.0, 3600.0)
RETRY_UNNAMED = 5.0
WAITS_KEPT = 1000
TOO_MANY = 429
UNKNOWN = 404
FAILED = 500
# The client's own logger writes whole requests and answers; aiohttp's names addresses.
# Bolt's loggers take level and filters from the one they are given.
BOLT = "slack_bolt"
LOGGERS = (
    "slack_sdk",
    "slack_sdk.web.async_client",
    "slack_sdk.webhook.async_client",
    BOLT,
    "aiohttp.client",
)
# These take no JSON, only a form or a query.
QUERIES = frozenset(
    {
        "conversations.history",
        "conversations.replies",
        "conversations.info",
        "files.getUploadURLExternal",
        "files.info",
        "users.conversations",
        "users.info",
        "chat.getPermalink",
    }
)


class CallFailed(Exception):
    """A call had no good answer."""


class Refused(CallFailed):
    """Slack answered no; ``code`` is its word for why, ``needed`` the scope that is missing."""

    def __init__(self, code: str, needed: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.needed = needed


class Flooded(CallFailed):
    """Too many requests; ``retry_after`` seconds must pass."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"wait {retry_after:g} s")
        self.retry_after = retry_after


class ServerFailed(CallFailed):
    """Something between us and Slack answered with an error of its own."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Unreachable(CallFailed):
    """No answer came; ``sent`` says that the request may have arrived."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


def silence(secrets: tuple[str, ...]) -> None:
    """Keep secrets out of the libraries' logs, and message bodies with them."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        # What bolt warns of is our way of using it, among others that it leaves the environment's token alone.
        logger.setLevel(max(logger.level, logging.ERROR if name == BOLT else logging.WARNING))
    redact(LOGGERS, *secrets)


class Api:
    """The Web API for one token, with a bounded number of calls at once.

    A wish to wait is remembered for its method and channel, so that nothing is asked before it has passed.
    """

    def __init__(self, settings: SlackSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._places = asyncio.Semaphore(settings.connections)
        self._until: dict[tuple[str, str], float] = {}

    @cached_property
    def session(self) -> aiohttp.ClientSession:
        """The connections."""
        wait = aiohttp.ClientTimeout(
            total=self._settings.request_seconds, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
        )
        connector = aiohttp.TCPConnector(limit=0)
        return aiohttp.ClientSession(timeout=wait, connector=connector)

    @cached_property
    def client(self) -> AsyncWebClient:
        """The SDK's client; what it would repeat by itself could arrive twice."""
        client = AsyncWebClient(
            self._settings.bot_token.get_secret_value().strip(),
            base_url=f"{self._settings.api_base}/",
            timeout=int(self._settings.request_seconds) or 1,
            proxy=self._settings.proxy or None,
            session=self.session,
            retry_handlers=[],
        )
        if self._settings.local:
            client.proxy = self._settings.proxy or None
        return client

    async def close(self) -> None:
        """Close the connections."""
        if "session" in self.__dict__:
            await self.session.close()
            del self.__dict__["session"]
            self.__dict__.pop("client", None)

    async def call(self, method: str, *, token: str = "", **arguments: Any) -> dict[str, Any]:
        """Make a call and return Slack's answer; raise CallFailed."""
        return (await self.answer(method, token=token, **arguments))[0]

    async def answer(
        self, method: str, *, token: str = "", **arguments: Any
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Make a call and return Slack's answer with its headers; arguments that are ``None`` are left out."""
        given = {name: value for name, value in arguments.items() if value is not None}
        lane = (method, str(given.get("channel", "")))
        self._still_waits(lane)
        try:
            async with self._places:
                made = await self._make(method, given, token)
        except Flooded as error:
            self._remember(lane, error.retry_after)
            raise
        return made

    def _still_waits(self, lane: tuple[str, str]) -> None:
        left = self._until.get(lane, 0.0) - self._clock.monotonic()
        if left > 0:
            raise Flooded(max(left, RETRY_BOUNDS[0]))

    def _remember(self, lane: tuple[str, str], seconds: float) -> None:
        if len(self._until) >= WAITS_KEPT:
            self._until.clear()
        self._until[lane] = self._clock.monotonic() + seconds

    async def _make(
        self, method: str, given: dict[str, Any], token: str
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        query = method in QUERIES
        body: dict[str, Any] = {"params": _plain(given)} if query else {"json": given}
        try:
            made = await self.client.api_call(
                method, http_verb="GET" if query else "POST", headers=headers, **body
            )
        except SlackApiError as error:
            raise refusal(error.response) from None
        except SlackClientError as error:
            raise Unreachable(type(error).__name__, sent=True) from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(type(error).__name__, sent=False) from None
        except aiohttp.ConnectionTimeoutError as error:
            raise Unreachable(type(error).__name__, sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unreachable(type(error).__name__, sent=True) from None
        return (made.data if isinstance(made.data, dict) else {}), made.headers


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(value) if isinstance(value, bool) else value for name, value in given.items()}


def refusal(response: Any) -> CallFailed:
    """Return the error that an answer stands for; one that is not in Slack's form comes from something in between."""
    status = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    data = data if isinstance(data, dict) else {}
    code = str(data.get("error") or "")
    if status == TOO_MANY or code in {"ratelimited", "rate_limited"}:
        headers = getattr(response, "headers", None) or {}
        return Flooded(bounded(headers.get("Retry-After")))
    if status == UNKNOWN and not code:
        return Refused("unknown_method")
    if status >= FAILED or not code:
        return ServerFailed(status)
    return Refused(code, str(data.get("needed") or ""))


def bounded(seconds: object) -> float:
    """Read a platform's wish to wait; what is missing or no sensible number becomes one."""
    try:
        wished = float(seconds)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return RETRY_UNNAMED
    low, high = RETRY_BOUNDS
    return min(max(wished, low), high) if wished == wished else RETRY_UNNAMED  # noqa: PLR0124 - NaN

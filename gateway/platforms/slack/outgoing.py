"""Slack through an incoming webhook alone: Hermes can be heard there, and nobody can answer."""

import asyncio

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from gateway.adapter import Capabilities, Closes, Identity, Link
from gateway.platforms.slack.failures import delivery_error
from gateway.platforms.slack.mrkdwn import TEXT_LIMIT, pieces
from gateway.platforms.slack.sending import ROOM
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import (
    CONNECT_SECONDS,
    CallFailed,
    Flooded,
    Refused,
    ServerFailed,
    Unreachable,
    bounded,
    silence,
)
from kernel.clock import Clock
from kernel.errors import DeliveryDeferred, DeliveryRejected
from kernel.messages import Outbound, OutboundKind, Receipt

OK, TOO_MANY, FAILED = 200, 429, 500


class SlackOutlet:
    """One incoming webhook; what it is given to say is said in the channel it was made for."""

    def __init__(self, settings: SlackSettings, clock: Clock) -> None:
        silence(settings.secrets)
        self._settings = settings
        self._clock = clock
        self._until = 0.0
        self._identity = Identity("slack", settings.installation)
        self._session: aiohttp.ClientSession | None = None

    @property
    def identity(self) -> Identity:
        """The webhook's workspace and app, read from its address."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """Text, and nothing else."""
        return Capabilities(
            text_limit=ROOM,
            lasting=False,
            receives=False,
            per_second=1.0,
            per_chat=1.0,
            per_group_minute=60.0,
            abilities=frozenset({Closes}),
        )

    async def run(self, link: Link) -> None:
        """Wait until cancelled: nothing ever comes back, and a webhook cannot be asked how it is."""
        link.connected()
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, message: Outbound) -> Receipt:
        """Say one message; raise DeliveryDeferred, DeliveryRejected or DeliveryUncertain."""
        if message.kind is OutboundKind.FILE:
            raise DeliveryRejected("A webhook takes no files.")
        cut = pieces(message.text, TEXT_LIMIT)
        if not cut:
            raise DeliveryRejected("The message is empty.")
        mark = "↻ " if message.resend else ""
        left = self._until - self._clock.monotonic()
        if left > 0:
            raise DeliveryDeferred("Slack asks to wait.", retry_after=max(1.0, left))
        try:
            for piece in cut:
                await self._post(mark + piece.mrkdwn)
        except Flooded as error:
            self._until = self._clock.monotonic() + error.retry_after
            raise delivery_error(error) from None
        except CallFailed as error:
            raise delivery_error(error) from None
        return Receipt(())

    async def _post(self, text: str) -> None:
        if self._session is None or self._session.closed:
            wait = aiohttp.ClientTimeout(total=self._settings.request_seconds, connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=wait)
        client = AsyncWebhookClient(
            self._settings.webhook_url.get_secret_value().strip(),
            session=self._session,
            proxy=self._settings.proxy or None,
            retry_handlers=[],
        )
        try:
            answer = await client.send(
                text=text,
                unfurl_links=self._settings.link_previews,
                unfurl_media=self._settings.link_previews,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(type(error).__name__, sent=False) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(type(error).__name__, sent=True) from None
        if answer.status_code == TOO_MANY:
            raise Flooded(bounded(answer.headers.get("Retry-After")))
        if answer.status_code >= FAILED:
            raise ServerFailed(answer.status_code)
        if answer.status_code != OK:
            raise Refused(answer.body.strip()[:80] or f"HTTP {answer.status_code}")
